"""The terminal: keys, modes, output, signals and program termination."""
