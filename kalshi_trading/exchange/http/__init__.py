"""Signed HTTP requests, with their rate limits and errors."""
