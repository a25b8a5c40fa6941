"""Start the practice exchange as a program of its own, or attach to the one that is running.

Knows its command line and the one line of JSON it announces itself with; imports nothing of it. There
is one exchange per data folder, shared by every session; it ends by itself when nobody asks any more.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kalshi_trading.core.errors import KalshiAPIError, PracticeExchangeError
from kalshi_trading.journal.files.private_files import (
    NotOursError,
    make_folder,
    mend,
    open_private,
    open_to_read,
)
from kalshi_trading.settings.child_environment import child_environment
from kalshi_trading.settings.credentials import Credentials, load_private_key

START_LIMIT_S = 60.0
IDLE_EXIT_S = 600
ASKED_EVERY_S = 150.0  # well within the above
ENDED = "The practice exchange has stopped. Restart this program; your practice account is saved."
COMPLAINTS_FILE = "exchange.log"
_PROJECT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class PracticeExchange:
    """Where a running practice exchange answers, and the key it made for this computer."""

    api_base_url: str
    ws_url: str
    key_id: str
    private_key_path: Path
    pid: int

    def credentials(self) -> Credentials:
        """Load its key. Raises ConfigurationError when the file is damaged."""
        return Credentials(self.key_id, load_private_key(self.private_key_path))


def ensure_running(
    data_dir: Path, *, seed: int | None, markets: int, limit_s: float = START_LIMIT_S
) -> PracticeExchange:
    """Return the exchange of this data folder, started now if none was running.

    It outlives this program, so that several sessions share one world. Raises PracticeExchangeError.
    """
    try:
        data_dir = data_dir.absolute()  # the exchange works in another folder
        make_folder(data_dir)
        complaints = data_dir / COMPLAINTS_FILE
        with open(complaints, "ab", opener=open_private) as stderr:  # one that is running may write there
            said_before = stderr.tell()
            process = subprocess.Popen(
                _command(data_dir, seed, markets),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=_PROJECT,
                env=child_environment(),
                start_new_session=True,  # Ctrl-C in this terminal is not meant for it
                text=True,
            )
    except NotOursError as error:
        raise PracticeExchangeError(f"The practice exchange could not start: {error}.") from error
    except OSError as error:
        raise PracticeExchangeError(
            f"The practice exchange could not start: {error}. Check KALSHI_DATA_DIR."
        ) from error
    line = _first_line(process, limit_s)
    if line is None:
        process.kill()
        raise PracticeExchangeError(f"The practice exchange did not start within {limit_s:.0f} s. Try again.")
    if not line.strip():
        raise PracticeExchangeError(_why_it_ended(complaints, said_before))
    return _read_announcement(line)


def _command(data_dir: Path, seed: int | None, markets: int) -> list[str]:
    """Start it by main.py, which finds the package from anywhere; `-m` does not with a safe path."""
    start = [sys.executable, str(_PROJECT / "main.py"), "practice", "--data-dir", str(data_dir)]
    founding = ["--markets", str(markets), *([] if seed is None else ["--seed", str(seed)])]
    return [*start, *founding, "--idle-exit", str(IDLE_EXIT_S)]


def close_to_others(data_dir: Path) -> tuple[str, ...]:
    """Close the exchange's folder and its complaints to other users; say what is not ours to close.

    The exchange closes the files that it keeps there itself.
    """
    return mend([data_dir], [data_dir / COMPLAINTS_FILE])


def keep_alive(ask: Callable[[], object], ended: threading.Event) -> None:
    """Ask the exchange something now and then until `ended`, so that it waits for its user.

    An exchange that is gone all the same is told by whatever the user does next.
    """

    def attend() -> None:
        while not ended.wait(ASKED_EVERY_S):
            with suppress(KalshiAPIError):
                ask()

    threading.Thread(target=attend, daemon=True, name="keep the practice exchange").start()


def _first_line(process: subprocess.Popen[str], limit_s: float) -> str | None:
    """Wait for one line of its output; empty text when it ended first, None when time is up."""
    lines = queue.SimpleQueue[str]()

    def attend() -> None:
        with process:  # until it ends, whenever that is, so that no zombie stays behind
            assert process.stdout is not None
            lines.put(process.stdout.readline())

    threading.Thread(target=attend, daemon=True, name="practice exchange").start()
    try:
        return lines.get(timeout=limit_s)
    except queue.Empty:
        return None


def _why_it_ended(complaints: Path, said_before: int) -> str:
    """Say in one sentence why it did not start: the last line it wrote, which ends a traceback too."""
    with open_to_read(complaints) as file:
        file.seek(said_before)
        said = file.read().decode(errors="replace").strip().splitlines()
    reason = said[-1] if said else "it stopped without a message."
    return f"The practice exchange could not start: {reason}"


def _read_announcement(line: str) -> PracticeExchange:
    try:
        said = json.loads(line)
        return PracticeExchange(
            api_base_url=str(said["url"]),
            ws_url=str(said["ws_url"]),
            key_id=str(said["key_id"]),
            private_key_path=Path(said["private_key_path"]),
            pid=int(said["pid"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PracticeExchangeError("The practice exchange sent an unreadable start message.") from error
