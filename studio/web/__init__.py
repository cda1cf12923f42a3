"""The HTTP side: gate, accounts, media and the served app."""
