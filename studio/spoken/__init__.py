"""How written signs are said aloud, language by language."""
