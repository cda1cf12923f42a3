"""Voices and their reference clips."""
