"""One practice exchange with its clock, accounts and history."""
