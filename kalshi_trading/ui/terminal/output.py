"""Make stdin, stdout and stderr usable: open and able to encode any text.

Failed output raises `OutputClosed`, which no error boundary takes for a bug. Knows nothing of the content.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys

_SUBSTITUTES = str.maketrans(
    {"–": "-", "−": "-", "—": "-", "─": "-", "…": "...", "¢": "c", "→": "->", "›": ">", "▸": ">", "·": "|"}
    | {"×": "x", "≈": "~", "≤": "<=", "≥": ">=", "’": "'", "“": '"', "”": '"', "▲": "^", "▼": "v"}
)


class OutputClosed(BaseException):
    """Standard output cannot be written; `str()` is a sentence for stderr."""

    def __init__(self, error: OSError) -> None:
        self.is_reader_gone = error.errno == errno.EPIPE
        self.is_terminal_gone = error.errno == errno.EIO and is_hung_up()
        reason = error.strerror or str(error)
        super().__init__(f"Stopped: the output cannot be written ({reason}).")


class SafeOutput(io.TextIOWrapper):
    """Standard output that can encode any text and raises OutputClosed.

    Characters its encoding lacks become similar ones.
    """

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise OutputClosed(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise OutputClosed(error) from error


def prepare() -> None:
    """Make the three streams usable.

    Raises OutputClosed if there is no standard output.
    """
    missing = _reopen_closed_descriptors()
    if 0 in missing:
        sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115  (open as long as the program runs)
    if 2 in missing:
        sys.stderr = open(2, "w", encoding="utf-8")  # noqa: SIM115
    if 1 in missing:
        raise OutputClosed(OSError(errno.EBADF, "it is closed"))
    if type(sys.stdout) is io.TextIOWrapper:
        codecs.register_error("similar", _substitute)
        encoding, by_line = sys.stdout.encoding, sys.stdout.line_buffering
        sys.stdout.flush()
        sys.stdout = SafeOutput(
            sys.stdout.detach(), encoding=encoding, errors="similar", line_buffering=by_line
        )


def is_hung_up(descriptor: int = 1) -> bool:
    """Return True if a stream is a terminal that has hung up.

    Without a descriptor: standard output. Always False on Windows.
    """
    if not hasattr(select, "poll"):  # Windows
        return False
    poll = select.poll()
    poll.register(descriptor, 0)  # errors and hang-ups are always reported
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def silence_all() -> None:
    """Redirect standard output and error to the null device.

    For use after the terminal is gone.
    """
    for descriptor in (1, 2):
        silence(descriptor)


def silence(descriptor: int) -> None:
    """Redirect a stream to the null device, so that buffered data cannot fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _reopen_closed_descriptors() -> list[int]:
    """Open the null device for each closed descriptor of 0, 1 and 2.

    Otherwise a file or socket would get its number. Return the reopened descriptors.
    """
    missing = []
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            missing.append(os.open(os.devnull, os.O_RDWR))
    return missing


def _substitute(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_SUBSTITUTES)
    return "".join(each if each.isascii() else "?" for each in text), error.end
