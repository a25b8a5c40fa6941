"""A session is alive until the lock of its process ends, even by a kill."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal.sessions import Session, is_alive

PROJECT = Path(__file__).resolve().parent.parent.parent
HOLDER = """
import subprocess, sys
from pathlib import Path
from kalshi_trading.journal.sessions import Session
session = Session.open(Path(sys.argv[1]))
child = subprocess.Popen(["sleep", "60"])
print(session.session_id, child.pid, flush=True)
sys.stdin.read()
session.close()
"""


def start_holder(folder):
    """Start a process with a session and a child of its own.

    Returns the process, the session id and the child's pid.
    """
    command = [sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    session_id, child = process.stdout.readline().split()
    return process, session_id, int(child)


def end(process, child):
    os.kill(child, signal.SIGKILL)
    process.communicate(timeout=60)


def files_in(folder):
    return sorted(path.stem for path in (folder / "sessions").glob("*.lock"))


def test_a_session_is_alive_until_it_is_closed_and_leaves_nothing(tmp_path):
    with Session.open(tmp_path / "logs" / "practice") as session:
        (path,) = (tmp_path / "logs" / "practice" / "sessions").iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert is_alive(tmp_path / "logs" / "practice", session.session_id)
    assert not is_alive(tmp_path / "logs" / "practice", session.session_id)
    assert not path.exists()
    session.close()


def test_asking_often_and_from_several_threads_does_not_end_a_session(tmp_path):
    answers = []
    with Session.open(tmp_path) as session:

        def ask():
            answers.extend(is_alive(tmp_path, session.session_id) for _ in range(200))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert is_alive(tmp_path, session.session_id)
    assert answers == [True] * 800


def test_a_killed_session_is_dead_at_once_though_its_child_lives_on(tmp_path):
    process, session_id, child = start_holder(tmp_path)
    try:
        assert is_alive(tmp_path, session_id)
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, session_id)
        assert files_in(tmp_path) == [session_id]
    finally:
        end(process, child)


def test_a_new_session_clears_away_the_dead_and_leaves_the_living(tmp_path):
    killed, dead, first_child = start_holder(tmp_path)
    running, living, second_child = start_holder(tmp_path)
    try:
        killed.kill()
        killed.wait()
        with Session.open(tmp_path) as session:
            assert files_in(tmp_path) == sorted([living, session.session_id])
            assert is_alive(tmp_path, living)
            assert not is_alive(tmp_path, dead)
    finally:
        end(killed, first_child)
        end(running, second_child)
    assert not is_alive(tmp_path, living)


def test_sessions_that_begin_together_do_not_clear_each_other_away(tmp_path):
    sessions = []

    def begin():
        sessions.extend(Session.open(tmp_path) for _ in range(25))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(sessions) == 150
        assert all(is_alive(tmp_path, session.session_id) for session in sessions)
    finally:
        for session in sessions:
            session.close()


@pytest.mark.parametrize("name", ["", "../trades", "..", "0" * 31, "A" * 32, "٠" * 32, "0" * 32 + "\n"])
def test_what_names_no_session_is_not_alive(tmp_path, name):
    with Session.open(tmp_path):
        assert not is_alive(tmp_path, name)
        assert not is_alive(tmp_path / "nowhere", "0" * 32)


def test_a_session_that_others_could_not_see_does_not_begin(tmp_path):
    (tmp_path / "sessions").write_text("in the way")
    with pytest.raises(JournalError):
        Session.open(tmp_path)


def test_a_session_that_cannot_be_asked_counts_as_alive(tmp_path):
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / f"{'0' * 32}.lock").symlink_to(f"{'0' * 32}.lock")
    assert is_alive(tmp_path, "0" * 32)
