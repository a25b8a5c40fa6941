"""Parse the `.env` file into variables with line numbers.

Reports lines that are not UTF-8, not NAME=value, or duplicate. Never changes `os.environ`, never expands
`${...}`, never repeats a line's content in a message.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from kalshi_trading.core.errors import Problem
from kalshi_trading.settings.setting_names import meant_name

_MAX_MATCHED = 50  # malformed lines that we match to a setting


@dataclass(frozen=True, slots=True)
class Entry:
    """The text of one variable and the line it begins on."""

    text: str = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class EnvFile:
    """Variables and problems of the file. Both are empty if it does not exist."""

    path: Path | None
    entries: dict[str, Entry]
    problems: tuple[Problem, ...]


def read_env_file(path: Path | None, known_names: Sequence[str]) -> EnvFile:
    """Read as much of the file as possible.

    `problems` names its faults and the settings that were meant.
    """
    if path is None:
        return EnvFile(None, {}, ())
    try:
        if not (path.exists() or path.is_symlink()):
            return EnvFile(None, {}, ())
        content = _content(path)
    except OSError as error:
        what = f"cannot be read ({error.strerror})."
        return EnvFile(path, {}, (Problem(path.name, what, f"Correct {path}, or remove it."),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = Problem(path.name, f"is not UTF-8 text (line {line}).", "Save it again as UTF-8.")
        return EnvFile(path, {}, (problem,))
    return _parse(path, text, known_names)


def _content(path: Path) -> bytes:
    """Read a regular file. Raises OSError.

    Anything else is refused, because reading a pipe could wait forever.
    """
    if not path.is_file():
        is_lost = path.is_symlink() and not path.exists()
        what = "a broken link" if is_lost else "a folder" if path.is_dir() else "not a regular file"
        raise OSError(errno.EINVAL, f"it is {what}")
    return path.read_bytes()


def _parse(path: Path, text: str, known_names: Sequence[str]) -> EnvFile:
    from dotenv.parser import parse_stream

    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    malformed: list[tuple[int, str]] = []
    for binding in parse_stream(StringIO(text)):
        source = binding.original.string
        blank = source[: len(source) - len(source.lstrip())]
        line = binding.original.line + blank.count("\n")
        if binding.error or (binding.key is not None and binding.value is None):
            malformed.append((line, source))
        elif binding.key is not None and binding.value is not None:
            if binding.key in entries:
                # Named only if it is one of ours: other text may be part of a key pasted without quotes.
                is_ours = binding.key.startswith("KALSHI_") or binding.key == "LOG_LEVEL"
                what = f"is set twice, in lines {entries[binding.key].line} and {line} of {path.name}."
                problems.append(Problem(binding.key if is_ours else path.name, what, "Keep only one."))
            entries[binding.key] = Entry(binding.value, line)
    return EnvFile(path, entries, (*_malformed(path, malformed, known_names), *problems))


def _malformed(path: Path, lines: list[tuple[int, str]], known_names: Sequence[str]) -> list[Problem]:
    """Report malformed lines, grouped by the setting that was meant."""
    by_name: dict[str, list[int]] = {}
    for index, (line, source) in enumerate(lines):
        name = meant_name(source, known_names) if index < _MAX_MATCHED else None
        by_name.setdefault(name or "NAME", []).append(line)
    return [
        Problem(
            path.name,
            f"{_lines(numbers)} not NAME=value.",
            f"Write {name}=value. Put multi-line values in double quotes.",
        )
        for name, numbers in by_name.items()
    ]


def _lines(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]} is"
    shown = ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")
    return f"lines {shown} are"
