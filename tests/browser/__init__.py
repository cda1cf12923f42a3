"""Real Chromium against the served studio."""
