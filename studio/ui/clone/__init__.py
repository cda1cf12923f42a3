"""The clone tab."""
