"""The terminal: its bytes, keys and modes, what is written to it, how it ends the program."""
