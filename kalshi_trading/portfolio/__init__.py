"""Positions, value and P&L of the account.

`portfolio_tracker` is the public entry.
"""
