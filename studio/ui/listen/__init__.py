"""The listening tests' tab: design, link, live results."""
