"""Screens: ask the user, call the services and show the results."""
