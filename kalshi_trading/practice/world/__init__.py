"""One exchange with its clock, accounts and past."""
