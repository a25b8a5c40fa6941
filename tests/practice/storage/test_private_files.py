"""Files of the practice exchange are private; foreign ones never block.

Another kind of file in their place is neither used nor waited for.
"""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cases import naming
from exchange_process import end_process, start_process
from foreign_files import KINDS, no_hang, open_to_others

from kalshi_trading.practice.server.instance_lock import InstanceLock, ReadyFile, claim
from kalshi_trading.practice.server.key_file import practice_key
from kalshi_trading.practice.storage.private_files import EVERY_FILE, make_folder, restrict_permissions
from kalshi_trading.practice.world.clock import SystemClock
from kalshi_trading.practice.world.world import World

READY = ReadyFile(
    "http://127.0.0.1:9/trade-api/v2", "ws://127.0.0.1:9/", "key", "practice-key.pem", os.getpid()
)


def instance_lock_in(directory: Path) -> InstanceLock:
    taken = claim(directory)
    assert isinstance(taken, InstanceLock)
    return taken


def open_world(directory: Path) -> None:
    World(directory / "world.sqlite", seed=1, market_count=5, clock=SystemClock()).close()


DOORS: dict[str, Callable[[Path], object]] = {
    "lock": claim,
    "ready.json": claim,
    "practice-key.pem": practice_key,
    "world.sqlite": open_world,
    "world.sqlite-wal": open_world,
    "world.sqlite-shm": open_world,
}


@pytest.mark.parametrize("name", DOORS)
def test_anything_but_a_file_of_ours_is_refused_without_waiting(tmp_path: Path, name: str) -> None:
    wrong = []
    for kind, (make, what) in KINDS.items():
        directory = tmp_path / kind
        directory.mkdir()
        make(directory / name)
        with naming(kind), no_hang():
            try:
                DOORS[name](directory)
                wrong.append((kind, "taken"))
            except OSError as error:
                is_reported = str(error.strerror).startswith(f"it {what}")
                wrong += (
                    [] if is_reported and error.filename == str(directory / name) else [(kind, str(error))]
                )
            assert list(restrict_permissions(directory)) == []
    assert wrong == []


@pytest.mark.parametrize("name", ["lock", "practice-key.pem"])
def test_an_exchange_that_cannot_use_a_file_says_so_in_one_sentence_and_ends(
    tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    process = start_process(tmp_path)
    try:
        output, errors = process.communicate(timeout=20)
    finally:
        end_process(process)
    assert (process.returncode, output) == (2, "")
    assert errors == (
        f"{tmp_path / name} cannot be used: it is a named pipe (FIFO), not a regular file. Move it away.\n"
    )


@pytest.fixture
def claimed(tmp_path: Path) -> Iterator[InstanceLock]:
    lock = instance_lock_in(tmp_path)
    lock.announce(READY)
    yield lock
    lock.release()


def test_a_replaced_ready_file_is_written_again_while_the_exchange_runs(
    tmp_path: Path, claimed: InstanceLock
) -> None:
    path = tmp_path / "ready.json"
    for kind, (make, _) in KINDS.items():
        if kind == "folder":
            continue  # its contents may matter to the user
        path.unlink()
        make(path)
        with naming(kind), no_hang():
            claimed.renew()
            assert not path.is_symlink()
            assert json.loads(path.read_text())["pid"] == os.getpid()
        with suppress(FileNotFoundError):
            (tmp_path / "target-of-ready.json").unlink()


def test_a_folder_in_place_of_the_ready_file_does_not_stop_the_exchange(
    tmp_path: Path, claimed: InstanceLock
) -> None:
    (tmp_path / "ready.json").unlink()
    (tmp_path / "ready.json").mkdir()
    claimed.renew()
    assert (tmp_path / "ready.json").is_dir()


def test_a_draft_that_is_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("ready", "practice-key"):
        os.mkfifo(tmp_path / f"{name}.{os.getpid()}")
    with no_hang():
        lock = instance_lock_in(tmp_path)
        lock.announce(READY)
        key = practice_key(tmp_path)
        assert json.loads((tmp_path / "ready.json").read_text())["url"] == READY.url
        assert practice_key(tmp_path).key_id == key.key_id  # the stored key is read again
        lock.release()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_all_files_of_an_exchange_are_private_under_any_umask(tmp_path: Path, mask: int) -> None:
    folder = tmp_path / "data" / "practice"
    before = os.umask(mask)
    try:
        make_folder(folder)
        lock = instance_lock_in(folder)
        lock.announce(READY)
        practice_key(folder)
        world = World(folder / "world.sqlite", seed=1, market_count=5, clock=SystemClock())
    finally:
        os.umask(before)
    assert open_to_others(tmp_path / "data") == {}
    assert len(list(folder.iterdir())) == 6
    world.close()
    lock.release()


def test_permissions_of_files_are_restricted_and_the_folder_is_unchanged(
    tmp_path: Path,
) -> None:
    for name in EVERY_FILE:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666)
    tmp_path.chmod(0o755)
    assert list(restrict_permissions(tmp_path)) == []
    assert open_to_others(tmp_path) == {str(tmp_path): "755"}


def test_a_file_that_cannot_be_restricted_is_named_and_the_exchange_goes_on(tmp_path: Path) -> None:
    """On a file system without modes, a process reports it and serves."""
    (tmp_path / "practice-key.pem").touch()
    (tmp_path / "practice-key.pem").chmod(0o644)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fchmod", refuse)
        (note,) = restrict_permissions(tmp_path)
    path = tmp_path / "practice-key.pem"
    what = f"{path} may be open to other users: Operation not permitted."
    assert note == f"{what} To fix it: chmod go= {path}"


def test_a_start_restricts_the_files_of_a_running_exchange(tmp_path: Path) -> None:
    first = start_process(tmp_path, "--markets", "5")
    try:
        assert first.stdout
        line = first.stdout.readline()
        for path in tmp_path.iterdir():
            path.chmod(0o644)
        second = start_process(tmp_path)
        assert second.communicate(timeout=60) == (line, "")
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 0
    finally:
        end_process(first)
