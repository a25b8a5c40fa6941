"""Test the practice exchange launcher: start, attach, or explain failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cases import naming
from exchange_process import PROJECT, end_process, read_ready
from foreign_files import KINDS, no_hang, open_to_others

from kalshi_trading.core.errors import PracticeExchangeError
from kalshi_trading.exchange import practice_launcher
from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.exchange.practice_launcher import ERROR_LOG, ensure_running, restrict_data_dir
from kalshi_trading.kalshi_client import KalshiClient


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def end(pid):
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline, "the exchange does not end"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path):
    """Start or attach; end every exchange at teardown."""
    pids = set()

    def start_one(folder=tmp_path / "world", **how):
        exchange = ensure_running(folder, **{"seed": 3, "markets": 20, **how})
        pids.add(exchange.pid)
        return exchange

    yield start_one
    for pid in pids:
        if is_alive(pid):
            end(pid)


def one_sentence(raised):
    text = str(raised.value)
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_an_exchange_is_started_and_takes_its_key(start, tmp_path):
    exchange = start()
    client = KalshiClient(Transport(exchange.api_base_url, exchange.credentials()))
    assert client.get_balance().cash == 10_000
    assert exchange.api_base_url.startswith("http://127.0.0.1:")
    assert exchange.private_key_path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "world").stat().st_mode & 0o777 == 0o700


def test_a_second_session_attaches_to_the_exchange_that_is_running(start):
    first = start()
    second = start(seed=99, markets=50)
    assert second == first


def test_sessions_that_start_together_share_one_exchange(start):
    found = []
    threads = [threading.Thread(target=lambda: found.append(start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_an_exchange_that_ended_is_reaped_and_started_again_with_its_world(start):
    first = start()
    end(first.pid)  # a zombie would count as alive forever
    second = start()
    assert second.pid != first.pid
    assert second.key_id == first.key_id


def test_attaching_leaves_the_error_log_of_the_running_exchange_in_place(start, tmp_path):
    start()
    log = tmp_path / "world" / ERROR_LOG
    with log.open("a") as file:
        file.write("an earlier complaint\n")
    start()
    assert log.read_text() == "an earlier complaint\n"


CANARY = "canary-5ec4e7"
SECRETS = {
    "KALSHI_API_KEY": CANARY,
    "KALSHI_API_SECRET": f"-----BEGIN PRIVATE KEY-----\\n{CANARY}",
    "HTTPS_PROXY": f"http://me:{CANARY}@127.0.0.1:1",
    "AWS_SECRET_ACCESS_KEY": CANARY,
    "PYTHON_KEYRING_TOKEN": CANARY,
    "GIT_CONFIG_VALUE_0": CANARY,
}
KEPT = {"PATH": os.environ["PATH"], "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8", "PYTHONSAFEPATH": "1"}


def environment_of(pid):
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.partition("=")[::2] for entry in entries if entry)


def test_an_exchange_inherits_what_it_needs_and_no_secret(start, monkeypatch):
    """With Python's safe path on, only PYTHONPATH finds the package."""
    for name, value in {**SECRETS, **KEPT, "PYTHONPATH": str(PROJECT)}.items():
        monkeypatch.setenv(name, value)
    inherited = environment_of(start().pid)
    assert [name for name, value in inherited.items() if CANARY in value] == []
    assert {name: inherited.get(name) for name in KEPT} == KEPT


def test_an_exchange_that_runs_alone_inherits_no_secret(tmp_path):
    command = [sys.executable, "main.py", "practice", "--data-dir", str(tmp_path), "--markets", "20"]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **SECRETS, "TZ": "Asia/Kolkata"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert read_ready(process)["pid"] == process.pid
        inherited = environment_of(process.pid)
    finally:
        end_process(process)
    assert [name for name, value in inherited.items() if CANARY in value] == []
    assert inherited["TZ"] == "Asia/Kolkata"


def test_a_file_where_the_folder_should_be_is_reported_in_one_sentence(tmp_path):
    (tmp_path / "world").write_text("")
    with pytest.raises(PracticeExchangeError, match="KALSHI_DATA_DIR") as raised:
        ensure_running(tmp_path / "world", seed=None, markets=20)
    assert "world" in one_sentence(raised)


def test_a_damaged_world_is_reported_in_one_sentence_that_names_its_folder(start, tmp_path):
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "world.sqlite").write_bytes(b"not a database" * 500)
    (folder / ERROR_LOG).write_text("something of last week\n")
    with pytest.raises(PracticeExchangeError, match="could not start") as raised:
        start()
    text = one_sentence(raised)
    assert str(folder) in text
    assert "last week" not in text


def test_a_damaged_key_is_reported_in_one_sentence(start, tmp_path):
    exchange = start()
    end(exchange.pid)
    exchange.private_key_path.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n")
    with pytest.raises(PracticeExchangeError) as raised:
        start()
    one_sentence(raised)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Run our own script in place of the exchange."""

    def install(text: str) -> None:
        program = tmp_path / "stand-in"
        program.write_text(f"#!{sys.executable}\nimport sys, time\n{text}\n")
        program.chmod(0o700)
        monkeypatch.setattr(practice_launcher.sys, "executable", str(program))

    return install


def test_an_exchange_that_never_gets_ready_is_given_up_and_ended(start, stand_in, tmp_path):
    stand_in("import os; open(sys.argv[4] + '/pid', 'w').write(str(os.getpid())); time.sleep(60)")
    with pytest.raises(PracticeExchangeError, match="did not start within 1 s"):
        start(limit_s=0.6)
    pid = int(Path(tmp_path / "world" / "pid").read_text())
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("line", ["hello", "{}", "[]", "null", '{"url": 1}', '{"pid": "x"}', "5"])
def test_an_unreadable_announcement_is_reported(start, stand_in, line):
    stand_in(f"print({line!r})")
    with pytest.raises(PracticeExchangeError, match="unreadable start message"):
        start()


def test_a_relative_folder_is_the_one_of_the_working_folder(start, stand_in, tmp_path, monkeypatch):
    """The exchange runs in another folder than the session."""
    stand_in("sys.exit(sys.argv[4])")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PracticeExchangeError, match=f"{tmp_path}/here"):
        start(folder=Path("here"))


def test_an_exchange_that_crashes_is_reported_by_the_last_line_of_its_traceback(start, stand_in):
    stand_in("raise RuntimeError('the roof fell in')")
    with pytest.raises(PracticeExchangeError, match="the roof fell in") as raised:
        start()
    one_sentence(raised)


def test_an_exchange_that_ends_silently_is_reported_without_errors_of_last_week(start, stand_in, tmp_path):
    stand_in("")
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / ERROR_LOG).write_text("something of last week\n")
    with pytest.raises(PracticeExchangeError, match="stopped without a message"):
        start()


# --- Files ----------------------------------------------------------------------------------------


def test_what_is_in_the_place_of_the_error_log_is_reported_and_never_waited_for(tmp_path):
    wrong = []
    for kind, (make, what) in KINDS.items():
        folder = tmp_path / kind
        folder.mkdir()
        make(folder / ERROR_LOG)
        with naming(kind), no_hang(), pytest.raises(PracticeExchangeError) as raised:
            ensure_running(folder, seed=3, markets=20)
        said = one_sentence(raised)
        if f"{folder / ERROR_LOG} {what}" not in said:
            wrong.append((kind, said))
        with naming(kind), no_hang():
            (note,) = restrict_data_dir(folder)
            assert what in note
    assert wrong == []


def test_what_is_in_a_files_place_in_the_world_is_reported_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "lock")
    with no_hang(), pytest.raises(PracticeExchangeError) as raised:
        ensure_running(tmp_path, seed=3, markets=20)
    assert f"{tmp_path / 'lock'} cannot be used: it is a named pipe (FIFO)" in one_sentence(raised)


def test_folder_and_error_log_are_private(tmp_path):
    folder = tmp_path / "data" / "practice"
    folder.mkdir(parents=True)
    (folder / ERROR_LOG).touch()
    (folder / ERROR_LOG).chmod(0o644)
    folder.chmod(0o777)
    folder.parent.chmod(0o755)
    assert restrict_data_dir(folder) == ()
    assert open_to_others(folder) == {}
    assert folder.parent.stat().st_mode & 0o777 == 0o755
