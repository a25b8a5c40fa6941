"""Run a program on another date, with a shifted wall clock.

A preloaded library shifts the clock. The shift is a fixed number of seconds. It also applies to child
processes and to the times of files. Durations are unchanged. Needs dynamically linked programs and a C
compiler (Linux with glibc).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
SHIFT = "SHIFTED_CLOCK_S"
LIBRARY = "shifted_clock.so"

# Variables that a process with its own environment needs to run on the same date.
INHERITED = ("TZ", "LD_PRELOAD", SHIFT, "PYTHONPYCACHEPREFIX")

_DAYS = re.compile(r"\+([0-9]+)d")
_EXAMPLES = "use +40d, 2028-02-29 or 2028-02-29T23:58"


class NoCompilerError(Exception):
    """There is no C compiler, or it cannot build the preloaded library."""


def shift_to(wanted: str, now: datetime) -> timedelta:
    """Return the distance from `now` to a date.

    `wanted` is `+40d`, or a date with or without a time (`2028-02-29T23:58`). A time without an offset is
    local. A date without a time keeps the local time of day. Raises ValueError.
    """
    try:
        if days := _DAYS.fullmatch(wanted):
            there = now + timedelta(days=int(days[1]))
        elif "T" in wanted:
            there = datetime.fromisoformat(wanted).astimezone(UTC)
        else:
            there = datetime.combine(date.fromisoformat(wanted), now.astimezone().time()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{wanted!r} is no day ({error}); {_EXAMPLES}") from None
    return timedelta(seconds=round((there - now).total_seconds()))


def compile_library(folder: Path) -> Path:
    """Compile the library into `folder`, return its path.

    Raises NoCompilerError.
    """
    compiler, *options = shlex.split(os.environ.get("CC", "cc")) or ["cc"]
    if shutil.which(compiler) is None:
        raise NoCompilerError(f"there is no C compiler ({compiler})")
    library = folder / LIBRARY
    command = [compiler, *options, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoCompilerError(f"{compiler} failed: {done.stderr.strip() or done.returncode}")
    return library


def shifted_environment(shift: timedelta, folder: Path) -> dict[str, str]:
    """Return this process's environment with the clock shifted by `shift`.

    Builds the library in `folder`. Compiled modules go there because Python compares file times with the
    times stored in them. Raises NoCompilerError.
    """
    others = [each for each in os.environ.get("LD_PRELOAD", "").split(":") if each and LIBRARY not in each]
    return {
        **os.environ,
        "LD_PRELOAD": ":".join([str(compile_library(folder)), *others]),
        SHIFT: str(int(shift.total_seconds())),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
    }


def is_shifted() -> bool:
    """Return True if this process already runs on another date."""
    return SHIFT in os.environ and LIBRARY in os.environ.get("LD_PRELOAD", "")


def run_again(shift: timedelta) -> int:
    """Run this program again on another date and return its exit status.

    Raises NoCompilerError.
    """
    with tempfile.TemporaryDirectory(prefix="shifted-clock-") as folder:
        environment = shifted_environment(shift, Path(folder))
        with subprocess.Popen(sys.orig_argv, executable=sys.executable, env=environment) as program:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both; the program decides
            return program.wait()
