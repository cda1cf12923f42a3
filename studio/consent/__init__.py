"""Consent records and the gate that asks for them."""
