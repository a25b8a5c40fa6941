"""Decode the exchange's JSON into models."""
