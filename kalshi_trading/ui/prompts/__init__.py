"""Questions, on a terminal and as plain lines."""
