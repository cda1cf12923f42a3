"""Encrypted assets, the audit chain, erasure and access."""
