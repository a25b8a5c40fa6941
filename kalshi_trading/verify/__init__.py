"""Find out at the exchange what its documents leave open."""
