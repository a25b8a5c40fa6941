"""Sending, canceling and recovering orders."""
