"""The routes of the exchange."""
