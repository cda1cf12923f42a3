"""Sound as values: clips, decoding, encoding, level, speech and quality."""
