"""XTTS v2 through coqui-tts."""
