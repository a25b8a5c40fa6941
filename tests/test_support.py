"""What the other tests stand on: counts of a run, days, the machine's share, and the judge of flaky tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import proof
import pytest
import shifted_clock
from machine_share import share_of_machine
from zones import NEW_YORK, InZone

PROJECT = Path(__file__).resolve().parent.parent
IN_TIME_S = 20

# --- Counts of a run ------------------------------------------------------------------------------


def test_the_table_for_developers_has_the_counts_of_the_proofs() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    told = {name: [int(count.replace(",", "")) for count in counts] for name, *counts in rows}
    assert told == {
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
        return proof.sample(range(7))

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
        ("2028-02-29", datetime(2028, 2, 29, 15, 30, tzinfo=UTC)),  # the same time of day
        ("2027-07-01", datetime(2027, 7, 1, 14, 30, tzinfo=UTC)),  # the same on a clock in summer
        ("2026-12-31T23:58", datetime(2027, 1, 1, 4, 58, tzinfo=UTC)),
        ("2027-03-14T06:58+00:00", datetime(2027, 3, 14, 6, 58, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, 15, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_named_by_its_distance_or_its_date(in_zone: InZone, wanted: str, there: datetime) -> None:
    in_zone(NEW_YORK)
    assert NOW + shifted_clock.shift_to(wanted, NOW) == there


@pytest.mark.parametrize("wanted", ["", "40d", "+d", "tomorrow", "2027-02-29", "+40"])
def test_what_names_no_day_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        shifted_clock.shift_to(wanted, NOW)


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
if len(sys.argv) > 2:
    times["child"] = float(subprocess.check_output([sys.executable, "-c", "import time; print(time.time())"]))
print(json.dumps(times))
"""


def test_a_program_its_files_and_its_children_live_on_another_day(tmp_path: Path) -> None:
    shift = timedelta(days=4_000)
    folder, home = tmp_path / "library", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    try:
        shifted = shifted_clock.environment(shift, folder)
    except shifted_clock.NoCompilerError as error:
        pytest.skip(f"NOT RUN: {error}")
    before = datetime.now(UTC)
    already = timedelta(seconds=int(os.environ.get(shifted_clock.SHIFT, "0")))
    run = subprocess.run(
        [sys.executable, "-c", LIVE, str(home / "file"), "child"],
        env={**os.environ, **shifted},
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


# --- The machine ----------------------------------------------------------------------------------


def test_a_test_that_is_alone_runs_beside_no_other(tmp_path: Path) -> None:
    holders: list[str] = []
    beside: list[list[str]] = []
    entered, may_leave = threading.Semaphore(0), threading.Event()

    def hold(name: str) -> None:
        with share_of_machine(tmp_path, alone=name == "alone"):
            holders.append(name)
            entered.release()
            if name == "alone":
                beside.append(holders.copy())
            assert may_leave.wait(IN_TIME_S)
            holders.remove(name)

    names = ("one", "other", "alone", "alone", "late")
    threads = [threading.Thread(target=hold, args=(name,)) for name in names]
    for thread in threads[:2]:
        thread.start()
    assert all(entered.acquire(timeout=IN_TIME_S) for _ in range(2)), "two that share do not run together"
    for thread in threads[2:]:
        thread.start()
    may_leave.set()
    for thread in threads:
        thread.join(IN_TIME_S)
    assert beside == [["alone"], ["alone"]]


# --- Flaky tests ----------------------------------------------------------------------------------


def report(path: Path, **outcomes: str) -> Path:
    """Write what pytest would, for tests that passed, failed or were skipped."""
    children = {"passed": "", "failed": "<failure>it broke</failure>", "skipped": "<skipped/>"}
    cases = "".join(
        f'<testcase classname="tests.test_a" name="{name}">{children[outcome]}</testcase>'
        for name, outcome in outcomes.items()
    )
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return path


@pytest.mark.parametrize(
    ("alone", "status", "said"),
    [
        ({"b": "passed", "c": "passed"}, 0, ["FLAKY tests.test_a::b", "FLAKY tests.test_a::c", "it broke"]),
        ({"b": "passed", "c": "failed"}, 1, ["FLAKY tests.test_a::b", "FAILED tests.test_a::c, also alone"]),
        ({"b": "passed"}, 1, ["FLAKY tests.test_a::b", "FAILED tests.test_a::c"]),
        ({"b": "passed", "c": "skipped"}, 1, ["FLAKY tests.test_a::b", "FAILED tests.test_a::c"]),
    ],
)
def test_a_test_that_fails_once_is_flaky_and_one_that_fails_twice_is_lost(
    tmp_path: Path, alone: dict[str, str], status: int, said: list[str]
) -> None:
    first = report(tmp_path / "first.xml", a="passed", b="failed", c="failed")
    second = report(tmp_path / "second.xml", **alone)
    script = PROJECT / ".ci" / "flaky.py"
    run = subprocess.run(
        [sys.executable, str(script), str(first), str(second)], capture_output=True, text=True, check=False
    )
    assert run.returncode == status, run.stderr
    assert [each for each in said if each not in run.stdout] == []
    assert "test_a::a" not in run.stdout
