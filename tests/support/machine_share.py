"""Which tests of several workers run at the same time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def share_of_machine(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the machine together with the other workers, or alone. They share `folder`.

    A worker that wants it alone keeps the turnstile while the others finish: no new test slips in.
    """
    with (folder / "turnstile").open("w") as turnstile, (folder / "machine").open("w") as machine:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield
