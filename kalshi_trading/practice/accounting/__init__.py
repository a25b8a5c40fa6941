"""Money, positions and fees of the accounts."""
