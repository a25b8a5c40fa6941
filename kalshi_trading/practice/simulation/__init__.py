"""Simulated events, prices, traders and bank transfers."""
