"""Provenance: every generated sound is marked, every file of it is signed, and anybody can ask."""
