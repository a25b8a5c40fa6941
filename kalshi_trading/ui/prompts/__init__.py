"""Questions to the user, on a terminal or as plain lines."""
