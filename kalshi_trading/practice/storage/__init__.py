"""The world on disk."""
