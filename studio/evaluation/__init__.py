"""Objective measures of generated speech."""
