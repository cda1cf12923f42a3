"""Scores: systems, checkpoints and takes measured over sentences, kept, compared and exported."""
