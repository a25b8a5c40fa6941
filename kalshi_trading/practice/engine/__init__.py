"""Admission, matching and the life of markets."""
