"""Reads accounts: what is due, whose turn it is, what a visit brings. Knows nothing of pages."""
