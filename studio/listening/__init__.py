"""Listening tests: design, and the statistics of what listeners say."""
