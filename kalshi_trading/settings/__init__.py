"""The user's settings, where they are read from, and the API keys."""
