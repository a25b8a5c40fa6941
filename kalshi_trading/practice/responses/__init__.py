"""JSON responses in the exchange's format."""
