"""The terminal: the same services as the pages."""
