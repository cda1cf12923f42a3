"""Measurements; each prints what the README quotes."""
