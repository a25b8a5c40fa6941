"""HTTP routes of the practice exchange."""
