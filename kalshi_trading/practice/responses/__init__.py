"""Answers as the exchange words them."""
