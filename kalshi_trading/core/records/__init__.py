"""Frozen records of what the exchange says, by subject. No arithmetic."""
