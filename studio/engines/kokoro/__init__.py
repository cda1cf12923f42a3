"""The embedded engine: Kokoro-82M, fitted to a speaker."""
