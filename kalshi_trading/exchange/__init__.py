"""How the program speaks to the exchange; `kalshi_client` is its door."""
