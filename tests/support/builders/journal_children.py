"""Programs that use the journal under disturbance, as separate processes.

python journal_children.py write FOLDER NAME LINES DAYS ALL  append lines over days, as one of ALL writers
python journal_children.py TASK FOLDER                      any other task

The tasks are the functions named in `__main__`: be killed at each line of the journal's code, write where a
file can have 2,000 bytes only, and use the journal as a user without rights.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import resource
import shutil
import signal
import sys
import time
import types
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import portalocker  # noqa: F401  (a user without rights could not load it later)
from zones import local_noon

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal import records
from kalshi_trading.journal.files import file_locks, log_files, private_files
from kalshi_trading.trade_logger import TradeLogger

NOON = local_noon(2026, 11, 17)
OTHER_UID = 65534
WATCHED = {records.__file__, log_files.__file__, file_locks.__file__, private_files.__file__}


def logger_on(folder: Path, day: int) -> TradeLogger:
    return TradeLogger(folder, "practice", clock=lambda: NOON + timedelta(days=day))


def writers_of(folder: Path) -> list[str]:
    """Return the writers of all records; none may be damaged."""
    reading = logger_on(folder, 0).read_journal()
    assert not reading.damage
    return [record.text("who") for record in reading.records]


def write(folder: Path, name: str, lines: int, days: int, writers: int) -> None:
    now = [NOON]
    log = TradeLogger(folder, "practice", clock=lambda: now[0])
    for step in range(lines):
        day = step * days // lines
        if now[0] != NOON + timedelta(days=day) or step == 0:
            keep_step(folder / "begun", name, day, writers)
        now[0] = NOON + timedelta(days=day)
        event = "order.intent" if step % 10 == 0 else "session.tick"
        log.log_event(event, {"who": f"{name}-{step}", "pad": "¢" * (step % 97)})


def keep_step(marks: Path, name: str, day: int, writers: int) -> None:
    """Wait until every writer has reached the day before.

    The clocks of one computer are never a day apart.
    """
    marks.mkdir(exist_ok=True)
    (marks / f"{name}-{day}").touch()
    while day > 0 and not all((marks / f"{who}-{day - 1}").exists() for who in range(writers)):
        time.sleep(0.001)


def killed_at(count: int, act: Callable[[], None]) -> bool:
    """Return True if the child was killed before the count-th journal line.

    Runs `act` in the child. The lines are those of the journal's code.
    """
    child = os.fork()
    if child == 0:
        left = [count]

        def trace(frame: types.FrameType, event: str, _: object) -> object:
            if frame.f_code.co_filename not in WATCHED:
                return None
            if event == "line":
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]
        act()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    return status == signal.SIGKILL


def kill(folder: Path) -> int:
    """Kill an append that rotates and compresses at each of its lines.

    Returns the number of lines.
    """
    template = two_days(folder / "template")
    for count in itertools.count(1):
        here = Path(shutil.copytree(template, folder / str(count)))
        log = logger_on(here, 2)
        if not killed_at(count, lambda log=log: log.log_order_step("intent", {"who": "killed"})):  # type: ignore[misc]
            return count - 1
        check_after_kill(here)
    raise AssertionError


def two_days(folder: Path) -> Path:
    """Create journals of yesterday and the day before.

    The older one is uncompressed, as an earlier kill leaves it.
    """
    for day, who in enumerate(["first", "second"]):
        logger_on(folder, day).log_order_step("intent", {"who": who})
    (packed,) = (folder / "practice").glob("*.gz")
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    return folder


def check_after_kill(folder: Path) -> None:
    old = ["first", "second"]
    seen = writers_of(folder)
    assert seen in (old, [*old, "killed"]), seen
    logger_on(folder, 2).log_order_step("intent", {"who": "next"})
    assert writers_of(folder) == [*seen, "next"]
    logger_on(folder, 3).log_order_step("intent", {"who": "last"})
    assert writers_of(folder) == [*seen, "next", "last"]
    left = sorted(path.name for path in (folder / "practice").iterdir())
    rotated = [name for name in left if not name.startswith("trades.log")]
    assert all(name.startswith("trades-") and name.endswith(".log.gz") for name in rotated), left
    shutil.rmtree(folder)


def small(folder: Path) -> int:
    """Write until the file cannot grow, then go on without the limit.

    Returns the number of accepted lines.
    """
    log = logger_on(folder, 0)
    log.log_order_step("intent", {"who": "0"})
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    accepted = ["0"]
    try:
        while True:
            log.log_order_step("intent", {"who": str(len(accepted)), "pad": "x" * 50})
            accepted.append(str(len(accepted)))
    except JournalError:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.log_order_step("intent", {"who": "after"})
    reading = log.read_journal()
    assert [record.text("who") for record in reading.records] == [*accepted, "after"]
    assert [line.number for line in reading.damage.first] == [len(accepted) + 1]
    return len(accepted)


def no_rights(folder: Path) -> str:
    """Read a journal in a read-only folder, and fail to start one.

    Returns the reason.
    """
    os.chdir(folder)  # that user may have no access to the folders above
    if os.geteuid() == 0:
        os.setuid(OTHER_UID)
    assert writers_of(Path("mine")) == ["before"]
    try:
        logger_on(Path("mine"), 1).log_order_step("intent", {"who": "after"})
    except JournalError as error:
        assert writers_of(Path("mine")) == ["before"]
        return str(error)
    return "nothing failed"


if __name__ == "__main__":
    task, place = sys.argv[1], Path(sys.argv[2])
    if task == "write":
        write(place, sys.argv[3], *map(int, sys.argv[4:7]))
    else:
        print(json.dumps({"kill": kill, "small": small, "no_rights": no_rights}[task](place)))  # type: ignore[operator]
