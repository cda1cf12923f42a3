"""Piper voices, in a process of their own."""
