"""The folders that hold a journal of each account.

Limits, recovery and history read one journal. A second one for the same account makes them incomplete.
Never reads a journal.
"""

from __future__ import annotations

import json
from pathlib import Path

from kalshi_trading.journal.files.file_locks import locked
from kalshi_trading.journal.files.log_files import lock_of, size_of
from kalshi_trading.journal.files.private_files import (
    make_folder,
    open_private,
    open_to_read,
    restrict_permissions,
)

REGISTER = "journals.jsonl"


def second_journal_notes(data_dir: Path, account: str, trades_log: Path) -> tuple[str, ...]:
    """Register this journal and return a note for each other one.

    Makes the register private, and notes if that fails. Never raises.
    """
    register = data_dir / REGISTER
    permission_notes = restrict_permissions([], [register, lock_of(register)])
    try:
        others = _other_folders(data_dir, account, trades_log)
    except OSError as error:
        unknown = f"Could not check for a second journal of this account: {error.strerror or error}."
        return (*permission_notes, unknown)
    return (
        *permission_notes,
        *(
            f"This account has a second journal in {other}. Limits, history and recovery use only "
            f"{trades_log.parent}. To use the other one, set KALSHI_LOG_DIR={other.parent}."
            for other in others
        ),
    )


def _other_folders(data_dir: Path, account: str, trades_log: Path) -> tuple[Path, ...]:
    """Register this journal and return the folders of all others.

    Folders without a journal are left out. Raises OSError.
    """
    register, folder = data_dir / REGISTER, str(trades_log.parent.resolve())
    make_folder(data_dir)
    with locked(lock_of(register)):
        known = _folders_of(account, register)
        if folder not in known:
            entry = json.dumps({"account": account, "folder": folder})
            with open(register, "ab", opener=open_private) as file:
                file.write(b"\n" * (file.tell() > 0) + entry.encode())  # the last line may be torn
    others = [Path(each) for each in known if each != folder]
    return tuple(each for each in others if _holds_journal(each / trades_log.name))


def _holds_journal(trades_log: Path) -> bool:
    try:
        return size_of(trades_log).files > 0
    except OSError:
        return False


def _folders_of(account: str, register: Path) -> list[str]:
    try:
        with open_to_read(register) as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    entries = (_entry(line) for line in lines)
    return [entry["folder"] for entry in entries if entry is not None and entry["account"] == account]


def _entry(line: bytes) -> dict[str, str] | None:
    """Return an entry. None: the line is damaged."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(entry, dict) and {type(entry.get("account")), type(entry.get("folder"))} == {str}
    return entry if is_whole else None
