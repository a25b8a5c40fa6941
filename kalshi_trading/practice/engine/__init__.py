"""Order admission, matching and market lifecycle."""
