"""What the user may set, where it is read from, and the keys."""
