"""A lock between the workers of one run: shared, or held by one alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def worker_lock(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock in `folder` with other workers, or alone.

    A worker that wants it alone holds the turnstile until the others finish, so no later test gets in first.
    """
    with (folder / "turnstile.lock").open("w") as turnstile, (folder / "worker.lock").open("w") as lock:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield
