"""Timbro: a voice studio with consent built in."""
