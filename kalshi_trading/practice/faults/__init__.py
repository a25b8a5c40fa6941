"""Scripted failures of the practice exchange."""
