"""Explain numbers of the account line by line."""
