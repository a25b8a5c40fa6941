"""Tables of cases that share one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(case: object) -> Iterator[None]:
    """Add the case to an exception that leaves the block: the table's test would not tell which it was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"with {case}")
        raise
