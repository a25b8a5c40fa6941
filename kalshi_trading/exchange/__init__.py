"""Access to the exchange; `kalshi_client` is the public entry."""
