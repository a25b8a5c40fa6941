"""Handle files on disk: keep private, lock, append, rotate, follow."""
