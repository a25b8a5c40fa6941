"""A local practice exchange: a separate program with Kalshi's HTTP API."""
