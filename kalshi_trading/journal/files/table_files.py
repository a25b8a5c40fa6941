r"""Write tables to files atomically, as CSV or JSON Lines.

CSV follows RFC 4180: commas, quotes where needed, \r\n. A text that a spreadsheet would run gets an
apostrophe before it. So does a text that it would take for a number or a date in digits. A text that begins
with an apostrophe gets one more. Remove one to restore the text (`unescape_cell`). Dates with a month name
are not covered, because every language has its own. Numbers keep their digits. Knows nothing of what a table
means.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TextIO, TypeAlias

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.results import Progress
from kalshi_trading.journal.files.private_files import sync_folder

Cell: TypeAlias = str | Decimal | int | bool | datetime | None
Row: TypeAlias = Sequence[Cell]

_BYTE_ORDER_MARK = "\ufeff"
_PROGRESS_EVERY = 1000
_NUMBER_OR_DATE = re.compile(r"[$€£¥]?[\d.,][\d.,:/\s-]*(?:e[+-]?\d+)?%?", re.IGNORECASE)
_FORMULA_SIGNS = frozenset("=+-@\u2212")
_FORMULA_CONTROLS = frozenset("\t\r\n")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and columns.

    `has_mark`: its CSV starts with a byte order mark. Without the mark, Excel reads UTF-8 in the computer's
    old code page and garbles every title. A table of plain ASCII needs no mark. It has none where programs
    other than spreadsheets read it.
    """

    name: str
    columns: tuple[str, ...]
    has_mark: bool = True


class Format(StrEnum):
    """The format of a file. The value is its name's extension."""

    CSV = "csv"
    JSON_LINES = "jsonl"


def format_of(path: Path) -> Format:
    """Return the format that a file name implies. Raises InvalidInputError."""
    try:
        return Format(path.suffix.removeprefix(".").lower())
    except ValueError:
        raise InvalidInputError(
            "The name must end in .csv or .jsonl (JSON Lines). Nothing was written."
        ) from None


# --- Cells ----------------------------------------------------------------------------------------


def escape_cell(text: str) -> str:
    """Keep a spreadsheet from executing a text or reading it as a number.

    Not for numbers, which are written unchanged.
    """
    if text.isalpha():
        return text
    is_taken = text.startswith("'") or _NUMBER_OR_DATE.fullmatch(text.strip()) or _is_formula(text)
    return f"'{text}" if is_taken else text


def unescape_cell(cell: str) -> str:
    """Return the text from which `escape_cell` made this cell."""
    return cell.removeprefix("'")


def _is_formula(text: str) -> bool:
    """Check whether a spreadsheet would take the text for a formula.

    Leading spaces and invisible signs are skipped. Full-width and other forms of a sign count as the sign.
    """
    for character in text:
        if character in _FORMULA_CONTROLS:
            return True
        if character.isprintable() and not character.isspace():
            return unicodedata.normalize("NFKC", character)[0] in _FORMULA_SIGNS
    return False


def _csv_cell(value: Cell) -> str:
    plain = _json_cell(value)
    if isinstance(value, str):
        return escape_cell(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return "" if plain is None else str(plain)


def _json_cell(value: Cell) -> str | int | bool | None:
    """Convert a cell for JSON.

    Money and counts become text, so no program reads them as a float. Times are in the user's zone.
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone().isoformat(timespec="microseconds")
    return str(value) if isinstance(value, str) else value


# --- Files ----------------------------------------------------------------------------------------


def write_table(
    path: Path,
    table: Table,
    rows: Iterable[Row],
    *,
    written_as: Format = Format.CSV,
    replace: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the rows as they come and return their number.

    A failure leaves everything as it was. Raises InvalidInputError if the file exists and `replace` is
    False, or if it cannot be written. Exceptions of `rows` pass through.
    """
    write = _write_csv if written_as is Format.CSV else _write_json_lines
    try:
        target = _target(path, replace=replace)
        with _folder_of(target), _atomic_file(target, replace=replace) as file:
            return write(file, table, _count_rows(rows, progress))
    except _RowsError as failure:
        raise failure.error from None
    except FileExistsError:
        raise InvalidInputError(f"{path} already exists. Nothing was written; choose another name.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"the disk is full ({error.strerror}). No file was created or replaced"
        raise InvalidInputError(f"{str(path)!r} cannot be written: {reason}.") from error


def _target(path: Path, *, replace: bool) -> Path:
    """Return the path to write.

    Raises OSError, FileExistsError, InvalidInputError.
    """
    target = absolute_path(path)
    if replace:
        target = target.resolve()  # the target of a link, not the link
    if target.is_dir() or (not replace and os.path.lexists(target)):
        raise FileExistsError
    return target


def absolute_path(path: Path) -> Path:
    """Return the absolute path. Raises InvalidInputError if it is invalid."""
    if "\0" in str(path):
        raise InvalidInputError(f"{str(path)!r} cannot be written: a file name cannot contain NUL.")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # an unknown user's home
        raise InvalidInputError(f"{str(path)!r} cannot be written: {error}") from error


@contextmanager
def _folder_of(target: Path) -> Iterator[None]:
    """Create missing folders, and remove them again if they stay empty."""
    if target.parent.exists() and not target.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    missing = [folder for folder in target.parents if not folder.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # not empty: the usual case
            for folder in missing:
                folder.rmdir()


@contextmanager
def _atomic_file(target: Path, *, replace: bool) -> Iterator[TextIO]:
    """Yield a temporary file that takes the target's name once it is synced.

    Until then the target is unchanged. Only the owner can read the file, like the journal.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".export-", suffix=".partial")
    partial = Path(name)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(target)
        else:
            _take_name(partial, target)
        # The file has its name now. A system that cannot sync folders must not make it fail.
        with suppress(OSError):
            sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def _take_name(partial: Path, target: Path) -> None:
    """Rename the file, never replacing one created meanwhile."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # this file system has no hard links
        if os.path.lexists(target):
            raise FileExistsError from None
        partial.rename(target)


class _RowsError(Exception):
    """Carries an OSError of `rows` past the handler of OSErrors of the file."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


def _wrap_errors(rows: Iterable[Row]) -> Iterator[Row]:
    try:
        yield from rows
    except OSError as error:
        raise _RowsError(error) from error


def _count_rows(rows: Iterable[Row], progress: Progress | None) -> Iterator[Row]:
    for number, row in enumerate(_wrap_errors(rows), start=1):
        yield row
        if progress is not None and number % _PROGRESS_EVERY == 0:
            progress(number)


def _write_csv(file: TextIO, table: Table, rows: Iterable[Row]) -> int:
    if table.has_mark:
        file.write(_BYTE_ORDER_MARK)
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(table.columns)
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(value) for _, value in zip(table.columns, row, strict=True)])
        count += 1
    return count


def _write_json_lines(file: TextIO, table: Table, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        cells = dict(zip(table.columns, map(_json_cell, row), strict=True))
        file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        count += 1
    return count
