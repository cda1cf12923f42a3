"""Tests of the provenance room."""
