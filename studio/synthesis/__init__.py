"""From text and a voice to a stored, described Synthesis."""
