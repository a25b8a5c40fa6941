"""The process that serves the exchange."""
