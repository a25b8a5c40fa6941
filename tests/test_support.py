"""The test helpers: proof counts, clock, zones, worker lock, flaky report."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import proof
import pytest
import shifted_clock
from worker_lock import worker_lock
from zones import NEW_YORK, SetZone

PROJECT = Path(__file__).resolve().parent.parent
IN_TIME_S = 60

# --- Counts of a run ------------------------------------------------------------------------------


def test_the_table_for_developers_has_the_counts_of_the_proofs() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    documented = {name: [int(count.replace(",", "")) for count in counts] for name, *counts in rows}
    assert documented == {
        name: [asdict(each)[name] for each in proof.PROOFS.values()] for name in asdict(proof.QUICK)
    }


def test_a_larger_proof_tries_nothing_less_often() -> None:
    fewer = [
        name
        for less, more in pairwise(proof.PROOFS.values())
        for name, count in asdict(less).items()
        if asdict(more)[name] < count
    ]
    assert fewer == []


def test_a_sample_has_both_ends_and_all_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def sampled(count: int) -> list[int]:
        monkeypatch.setattr(proof, "CURRENT", replace(proof.QUICK, journeys=count))
        return proof.sample_journeys(range(7))

    assert [sampled(count) for count in (1, 2, 3, 7, 100)] == [
        [0],
        [0, 6],
        [0, 3, 6],
        [0, 1, 2, 3, 4, 5, 6],
        [0, 1, 2, 3, 4, 5, 6],
    ]


# --- Another day ----------------------------------------------------------------------------------

NOW = datetime(2026, 11, 29, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("+40d", datetime(2027, 1, 8, 15, 30, tzinfo=UTC)),
        ("2028-02-29", datetime(2028, 2, 29, 15, 30, tzinfo=UTC)),  # same time of day
        ("2027-07-01", datetime(2027, 7, 1, 14, 30, tzinfo=UTC)),  # same, in daylight saving time
        ("2026-12-31T23:58", datetime(2027, 1, 1, 4, 58, tzinfo=UTC)),
        ("2027-03-14T06:58+00:00", datetime(2027, 3, 14, 6, 58, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_named_by_its_distance_or_its_date(in_zone: SetZone, wanted: str, there: datetime) -> None:
    in_zone(NEW_YORK)
    assert NOW + shifted_clock.shift_to(wanted, NOW) == there


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "40d",
        "+d",
        "tomorrow",
        "2027-02-29",
        "2028-02-29 23:58",
        "9999-12-31T23:59",
        "+40",
        "+99999999999d",
    ],
)
def test_what_names_no_day_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match=r"use \+40d"):
        shifted_clock.shift_to(wanted, NOW)


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "America", "A,B", "../etc/passwd"])
def test_what_names_no_zone_is_refused_and_the_zone_stays(in_zone: SetZone, zone: str) -> None:
    before = os.environ["TZ"]
    with pytest.raises(ValueError, match="knows no time zone"):
        in_zone(zone)
    assert os.environ["TZ"] == before


LIVE = """
import json, os, queue, sqlite3, subprocess, sys, threading, time
from datetime import datetime
from pathlib import Path

here = Path(sys.argv[1])
here.write_text("now")
written = here.stat().st_mtime
os.utime(here, (1e9, 1e9))
begun = time.monotonic()
time.sleep(0.01)
assert not threading.Event().wait(0.01)
try:
    queue.Queue().get(timeout=0.01)
except queue.Empty:
    pass
times = {
    "time": time.time(),
    "clock": time.clock_gettime(time.CLOCK_REALTIME),
    "datetime": datetime.now().timestamp(),
    "written": written,
    "listed": next(each.stat().st_mtime for each in os.scandir(here.parent)),
    "sqlite": sqlite3.connect(":memory:").execute("select unixepoch('now')").fetchone()[0],
    "waited": time.monotonic() - begun,
}
times["child"] = float(subprocess.check_output([sys.executable, "-c", "import time; print(time.time())"]))
print(json.dumps(times))
"""


def test_a_program_its_files_and_its_children_live_on_another_day(tmp_path: Path) -> None:
    shift = timedelta(days=4_000)
    folder, home = tmp_path / "library", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    try:
        environment = shifted_clock.shifted_environment(shift, folder)
    except shifted_clock.NoCompilerError as error:
        pytest.skip(f"NOT RUN: {error}")
    before = datetime.now(UTC)
    already = timedelta(seconds=int(os.environ.get(shifted_clock.SHIFT, "0")))
    run = subprocess.run(
        [sys.executable, "-c", LIVE, str(home / "file")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=IN_TIME_S,
    )
    times = json.loads(run.stdout)
    assert times.pop("listed") == 1e9
    assert 0.03 <= times.pop("waited") < IN_TIME_S
    expected = (before - already + shift).timestamp()
    assert {name: at for name, at in times.items() if not -1 <= at - expected < IN_TIME_S} == {}


# --- Workers --------------------------------------------------------------------------------------


class Holders:
    """Threads that hold the workers' lock until released.

    `entered` has their names in order.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entered: list[str] = []
        self.beside: list[list[str]] = []
        self._now: list[str] = []
        self._entry = threading.Semaphore(0)
        self._leave: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []

    def start(self, name: str) -> None:
        self._leave[name] = threading.Event()
        self._threads.append(threading.Thread(target=self._hold, args=(name,)))
        self._threads[-1].start()

    def _hold(self, name: str) -> None:
        with worker_lock(self.folder, alone=name == "alone"):
            self._now.append(name)
            self.entered.append(name)
            self.beside.append(self._now.copy())
            self._entry.release()
            assert self._leave[name].wait(IN_TIME_S)
            self._now.remove(name)

    def has_entered(self, within_s: float = IN_TIME_S) -> bool:
        """Wait until one more thread has entered. False: none did in time."""
        return self._entry.acquire(timeout=within_s)

    def release(self, *names: str) -> None:
        for name in names:
            self._leave[name].set()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(IN_TIME_S)
            assert not thread.is_alive()


def is_locked(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_test_that_is_alone_waits_for_the_others_and_later_ones_wait_for_it(tmp_path: Path) -> None:
    holders = Holders(tmp_path)
    for name in ("one", "other"):
        holders.start(name)
        assert holders.has_entered(), "two that share run together"
    holders.start("alone")
    ends_at = time.monotonic() + IN_TIME_S
    while not is_locked(tmp_path / "turnstile.lock"):
        assert time.monotonic() < ends_at
        time.sleep(0.01)
    holders.start("late")
    assert not holders.has_entered(within_s=0.2)
    holders.release("one", "other")
    assert holders.has_entered()
    holders.release("alone")
    assert holders.has_entered()
    holders.release("late")
    holders.join()
    assert holders.entered == ["one", "other", "alone", "late"]
    assert holders.beside == [["one"], ["one", "other"], ["alone"], ["late"]]


# --- Flaky tests ----------------------------------------------------------------------------------


def report(path: Path, **outcomes: str) -> Path:
    """Write a pytest report of tests that passed, failed or were skipped."""
    children = {"passed": "", "failed": "<failure>it broke</failure>", "skipped": "<skipped/>"}
    cases = "".join(
        f'<testcase classname="a" name="{name}">{children[outcome]}</testcase>'
        for name, outcome in outcomes.items()
    )
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


@pytest.mark.parametrize(
    ("alone", "status", "printed"),
    [
        ({"b": "passed", "c": "passed"}, 0, ["FLAKY a.py::b --opt", "FLAKY a.py::c --opt", "it broke"]),
        ({"b": "passed", "c": "failed"}, 1, ["FLAKY a.py::b --opt", "FAILED a.py::c --opt, also alone"]),
        ({"b": "passed"}, 1, ["FLAKY a.py::b --opt", "FAILED a.py::c --opt, not repeated"]),
        (
            {"b": "passed", "c": "skipped"},
            1,
            ["FLAKY a.py::b --opt", "FAILED a.py::c --opt, not repeated"],
        ),
    ],
)
def test_a_test_that_fails_once_is_flaky_and_one_that_fails_twice_is_lost(
    tmp_path: Path, alone: dict[str, str], status: int, printed: list[str]
) -> None:
    first = report(tmp_path / "first.xml", a="passed", b="failed", c="failed")
    second = report(tmp_path / "second.xml", **alone)
    script = PROJECT / ".ci" / "flaky.py"
    run = subprocess.run(
        [sys.executable, str(script), str(first), str(second), "--opt"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == status, run.stderr
    assert [each for each in printed if each not in run.stdout] == []
    assert "a.py::a" not in run.stdout
