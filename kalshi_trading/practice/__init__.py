"""A practice exchange on this machine: a program of its own that speaks Kalshi's HTTP API."""
