"""Trading types and their arithmetic. Performs no I/O."""
