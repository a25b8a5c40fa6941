"""Trade Kalshi event contracts by hand from a terminal."""
