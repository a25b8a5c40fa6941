"""Files of the practice exchange on disk."""
