"""Process that serves the practice exchange."""
