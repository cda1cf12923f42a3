"""Tests, laid out as studio/ is."""
