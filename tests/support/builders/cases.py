"""Tables of cases that share one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def naming(case: object) -> Iterator[None]:
    """Note the case on any exception: a table has no test id to name it."""
    try:
        yield
    except Exception as error:
        error.add_note(f"with {case}")
        raise
