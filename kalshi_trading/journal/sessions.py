"""Track running sessions: each holds a lock on its own file while it runs.

The lock ends with the process, even when it is killed, so an ended session never looks alive. Knows nothing
of what a session does.
"""

from __future__ import annotations

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal.files.file_locks import is_locked, remove_unless_locked, take_lock
from kalshi_trading.journal.files.private_files import make_folder

_FOLDER = "sessions"
_SESSION_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Session:
    """One run of the program.

    Other processes see it as alive until it is closed or its process ends.
    """

    def __init__(self, session_id: str, path: Path, descriptor: int) -> None:
        self.session_id = session_id
        self._path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def open(cls, folder: Path) -> Session:
        """Begin a session in this environment's folder and remove leftover files.

        Raises JournalError when the file cannot be created, because other processes could not see the
        session.
        """
        session_id = uuid.uuid4().hex
        path = _path(folder, session_id)
        try:
            make_folder(path.parent)
            for each in path.parent.glob("*.lock"):
                with suppress(OSError):  # a leftover file is harmless
                    remove_unless_locked(each)
            return cls(session_id, path, take_lock(path))
        except OSError as error:
            raise JournalError(str(path), error.strerror or str(error)) from error

    def close(self) -> None:
        """End the session and remove its file. A second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            os.close(descriptor)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def is_alive(folder: Path, session_id: str) -> bool:
    """Check whether this session is still running. False for a malformed id."""
    if not _SESSION_ID.fullmatch(session_id):
        return False
    try:
        return is_locked(_path(folder, session_id))
    except FileNotFoundError:
        return False
    except OSError:
        return True  # unknown counts as alive: taking over a running session's orders would be worse


def sessions_folder(folder: Path) -> Path:
    """Return the folder of this environment's session files."""
    return folder / _FOLDER


def session_files(folder: Path) -> list[Path]:
    """List files named like a session, running or not."""
    found = sorted(sessions_folder(folder).glob("*.lock"))
    return [path for path in found if _SESSION_ID.fullmatch(path.stem)]


def _path(folder: Path, session_id: str) -> Path:
    return sessions_folder(folder) / f"{session_id}.lock"
