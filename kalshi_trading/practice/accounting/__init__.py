"""Cash, positions and fees of the accounts."""
