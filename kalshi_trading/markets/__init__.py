"""Finding markets."""
