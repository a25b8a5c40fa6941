"""Signed requests over HTTP, their limits and their errors."""
