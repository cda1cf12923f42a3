"""Tests of the XTTS engine, on a tiny checkpoint of the real classes."""
