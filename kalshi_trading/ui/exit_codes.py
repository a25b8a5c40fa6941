"""Exit statuses of the program.

Those above 128 are what a shell reports for SIGHUP, SIGINT and SIGPIPE.
"""

from __future__ import annotations

EXIT_DONE, EXIT_BUG, EXIT_NO_OUTPUT, EXIT_CONFIGURATION = 0, 1, 1, 2
EXIT_DIFFERS = 8  # `verify` found an answer that differs from the assumed one
EXIT_LEFT = 9  # `verify` may have left an order open or a position held
EXIT_HUNG_UP, EXIT_INTERRUPTED, EXIT_NO_READER = 129, 130, 141
