"""Start the practice exchange as a separate process, or attach to it.

Knows its command line and the one JSON line it prints when ready. Imports none of its code. Each data folder
has one exchange, shared by every session. It exits by itself once no session sends requests.
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
    ForeignFileError,
    make_folder,
    open_private,
    open_to_read,
    restrict_permissions,
)
from kalshi_trading.settings.child_environment import child_environment
from kalshi_trading.settings.credentials import Credentials, load_private_key
from kalshi_trading.settings.places import PROJECT_FOLDER, is_checkout

START_LIMIT_S = 60.0
IDLE_EXIT_S = 600
REQUEST_INTERVAL_S = 150.0  # well below IDLE_EXIT_S
ENDED = "The practice exchange has stopped. Restart this program; your practice account is saved."
ERROR_LOG = "exchange.log"


@dataclass(frozen=True, slots=True)
class PracticeExchange:
    """Addresses of a running practice exchange, and the key it made for us."""

    api_base_url: str
    ws_url: str
    key_id: str
    private_key_path: Path
    pid: int

    def credentials(self) -> Credentials:
        """Load its key. Raises ConfigurationError if the file is damaged."""
        return Credentials(self.key_id, load_private_key(self.private_key_path))


def ensure_running(
    data_dir: Path, *, seed: int | None, markets: int, limit_s: float = START_LIMIT_S
) -> PracticeExchange:
    """Return the exchange of this data folder, starting it if needed.

    It outlives this program, so that several sessions share it. Raises PracticeExchangeError.
    """
    try:
        data_dir = data_dir.absolute()  # the exchange runs in another folder
        make_folder(data_dir)
        error_log = data_dir / ERROR_LOG
        with open(error_log, "ab", opener=open_private) as stderr:  # a running one may write there
            offset = stderr.tell()
            process = subprocess.Popen(
                _command(data_dir, seed, markets),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=PROJECT_FOLDER,
                env=child_environment(),
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                start_new_session=True,  # Ctrl-C in this terminal must not reach it
                text=True,
            )
    except ForeignFileError as error:
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
        raise PracticeExchangeError(_why_it_ended(error_log, offset))
    return _read_announcement(line)


def _command(data_dir: Path, seed: int | None, markets: int) -> list[str]:
    """Return the command that starts the exchange through main.py.

    main.py finds the package from any folder. `python -m` does not if Python's safe path is on.
    """
    by_main = [str(PROJECT_FOLDER / "main.py"), "practice"]
    program = by_main if is_checkout() else ["-m", "kalshi_trading.practice"]
    founding = ["--markets", str(markets), *([] if seed is None else ["--seed", str(seed)])]
    start = [sys.executable, *program, "--data-dir", str(data_dir)]
    return [*start, *founding, "--idle-exit", str(IDLE_EXIT_S)]


def restrict_data_dir(data_dir: Path) -> tuple[str, ...]:
    """Make the exchange's folder and error log private to this user.

    Returns a note for each path that is not ours or cannot be changed. The exchange makes its other files
    private itself.
    """
    return restrict_permissions([data_dir], [data_dir / ERROR_LOG])


def keep_alive(ask: Callable[[], object], ended: threading.Event) -> None:
    """Send a request every `REQUEST_INTERVAL_S` seconds until `ended`.

    Without requests the exchange would exit. If it has ended anyway, the user's next action reports it.
    """

    def ask_regularly() -> None:
        while not ended.wait(REQUEST_INTERVAL_S):
            with suppress(KalshiAPIError):
                ask()

    threading.Thread(target=ask_regularly, daemon=True, name="keep the practice exchange").start()


def _first_line(process: subprocess.Popen[str], limit_s: float) -> str | None:
    """Wait for the first line of its output.

    Empty text: the process ended first. None: timeout.
    """
    lines = queue.SimpleQueue[str]()

    def read_line() -> None:
        with process:  # waits for the process to end, so no zombie remains
            assert process.stdout is not None
            lines.put(process.stdout.readline())

    threading.Thread(target=read_line, daemon=True, name="practice exchange").start()
    try:
        return lines.get(timeout=limit_s)
    except queue.Empty:
        return None


def _why_it_ended(error_log: Path, offset: int) -> str:
    """Return one sentence that says why it did not start.

    Quotes the last line it wrote, which is also the last line of a traceback.
    """
    with open_to_read(error_log) as file:
        file.seek(offset)
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
