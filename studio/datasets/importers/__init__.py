"""Corpora that people have: one file a format."""
