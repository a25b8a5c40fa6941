"""Invented events, prices and participants."""
