"""Send, cancel and recover orders."""
