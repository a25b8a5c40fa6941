"""What the user is led through."""
