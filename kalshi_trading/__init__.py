"""Trade Kalshi event contracts by hand from a terminal."""

__version__ = "2.7.0"
