"""A terminal's keyboard for prompt_toolkit, with a gate for its keys.

The gate guards consequential questions. Knows when keys arrived and what the terminal has already shown.
Answers no question itself.
"""

from __future__ import annotations

import asyncio
import codecs
import math
import os
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from prompt_toolkit.input.base import Input
from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from kalshi_trading.ui.terminal.gate import PASTE, Gate, KeyRun
from kalshi_trading.ui.terminal.keys import (
    ENTER,
    ESCAPE_KEY,
    ESCAPED_ENTER,
    AltKey,
    Event,
    Key,
    KeyDecoder,
    Paste,
    StatusReport,
)

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

STATUS_REQUEST = "\x1b[5n"
FIRST_ANSWER_S = 1.0
"""Time a terminal gets to answer a status request before its first answer."""
LONGEST_ANSWER_S = 5.0
"""Time it gets after its first answer. After a silence this long we stop waiting for the terminal."""
SHORTEST_ESCAPE_S, LONGEST_ESCAPE_S = 0.1, 0.5
STEP_S = 0.02
READ_SIZE = 4096


class StatusRequests:
    """Requests for a terminal's status, and their answers.

    The terminal answers a request once all earlier output is on the screen. Answers come in order. A late
    answer belongs to its own request, never to a newer one, unless it takes longer than LONGEST_ANSWER_S.
    Times are seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, float]] = deque()
        self._sent = 0
        self._silent_since: float | None = None  # None: no sign that the terminal is silent
        self._has_answered = False

    def record_request(self, now: float) -> int:
        """Record a request and return its number."""
        self._sent += 1
        self._waiting.append((self._sent, now))
        if self._silent_since is None:
            self._silent_since = now
        return self._sent

    def record_answer(self, now: float) -> float | None:
        """Record an answer and return its delay in seconds.

        None: it belongs to no request.
        """
        self._drop_old(now)
        if not self._waiting:
            return None
        _, sent_at = self._waiting.popleft()
        self._silent_since = self._waiting[0][1] if self._waiting else None
        self._has_answered = True
        return now - sent_at

    def is_settled(self, number: int, now: float) -> bool:
        """Return True if a request was answered or has waited long enough."""
        self._drop_old(now)
        sent_at = next((at for waiting, at in self._waiting if waiting == number), None)
        return sent_at is None or now - sent_at > self._timeout_s(now)

    def is_answer_due(self, now: float) -> bool:
        """Return True if an answer may still arrive soon."""
        return any(not self.is_settled(number, now) for number, _ in list(self._waiting))

    def _timeout_s(self, now: float) -> float:
        if self._has_answered:
            return LONGEST_ANSWER_S
        is_silent = self._silent_since is not None and now - self._silent_since > LONGEST_ANSWER_S
        return 0.0 if is_silent else FIRST_ANSWER_S

    def _drop_old(self, now: float) -> None:
        while self._waiting and now - self._waiting[0][1] > LONGEST_ANSWER_S:
            self._waiting.popleft()
            if self._has_answered:  # it may have gone silent, or this answer was lost
                self._has_answered, self._silent_since = False, None


class Keyboard(Input):
    """Standard input, decoded by `keys`. A lost terminal is end of input."""

    def __init__(self, stdin: TextIO) -> None:
        from prompt_toolkit.input.vt100 import Vt100Input  # needs termios, which Windows lacks

        self._terminal = Vt100Input(stdin)
        self._bytes = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decoder = KeyDecoder()
        self._is_closed = False
        self._read_at = -math.inf
        self._requests = StatusRequests()
        self.run = KeyRun()
        self._gate: Gate | None = None
        self.is_status_requested = False
        """True once the terminal has been asked for its status."""
        self.escape_wait_s = LONGEST_ESCAPE_S
        """An escape byte that stays alone this long is the Escape key."""

    # --- As prompt_toolkit wants it ---------------------------------------------------------------

    def read_keys(self) -> list[KeyPress]:
        """Return the keys that arrived and may act; never blocks."""
        if not self._has_input():
            return []
        try:
            data = os.read(self.fileno(), READ_SIZE)
        except OSError:  # EIO: the terminal has hung up
            data = b""
        self._is_closed = not data
        self._read_at = time.monotonic()
        return self._filter_keys(self._decoder.feed(self._bytes.decode(data), self._read_at))

    def flush_keys(self) -> list[KeyPress]:
        return self._filter_keys(self._decoder.flush(time.monotonic()))

    @property
    def closed(self) -> bool:
        return self._is_closed

    def fileno(self) -> int:
        return self._terminal.fileno()

    def typeahead_hash(self) -> str:
        return self._terminal.typeahead_hash()

    def raw_mode(self) -> AbstractContextManager[None]:
        return self._terminal.raw_mode()

    def cooked_mode(self) -> AbstractContextManager[None]:
        return self._terminal.cooked_mode()

    def attach(self, input_ready_callback: Callable[[], None]) -> AbstractContextManager[None]:
        return self._terminal.attach(input_ready_callback)

    def detach(self) -> AbstractContextManager[None]:
        return self._terminal.detach()

    def _has_input(self) -> bool:
        return not self._is_closed and bool(select.select([self.fileno()], [], [], 0)[0])

    def _filter_keys(self, events: Sequence[Event]) -> list[KeyPress]:
        """Return the keys that may act, timed by the read of their last byte.

        Escape followed by Enter may be two keys, so at a consequential question it counts as Escape.
        """
        names = []
        for event in events:
            if isinstance(event, StatusReport):
                round_trip_s = self._requests.record_answer(self._read_at)
                if round_trip_s is not None:
                    self.escape_wait_s = min(SHORTEST_ESCAPE_S + round_trip_s, LONGEST_ESCAPE_S)
                continue
            self.run.record(_held_name(event), self._read_at)
            if not isinstance(event, AltKey):
                names.append(self._name_of(event))
        if self._gate is not None:
            return _key_presses(self._gate.press(names, self._read_at))
        keys = [event for event in events if isinstance(event, Key | Paste)]
        return [_key_press(each if isinstance(each, Paste) else Key(self._name_of(each))) for each in keys]

    def _name_of(self, event: Key | Paste) -> str:
        if isinstance(event, Paste):
            return PASTE
        if event.name == ESCAPED_ENTER:
            return ENTER if self._gate is None else ESCAPE_KEY
        return event.name

    # --- The terminal's status --------------------------------------------------------------------

    def request_status(self, output: Any) -> int:
        """Ask the terminal for its status; return the number of the request."""
        output.write_raw(STATUS_REQUEST)
        output.flush()
        self.is_status_requested = True
        return self._requests.record_request(time.monotonic())

    async def wait_for_status(self) -> None:
        """Wait until no answer is due, or the terminal has had time enough."""
        while self._requests.is_answer_due(time.monotonic()):
            await asyncio.sleep(STEP_S)

    # --- Consequential questions ------------------------------------------------------------------

    @contextmanager
    def gated(self, application: Application[Any], gate: Gate | None) -> Iterator[None]:
        """Pass only keys that the gate releases to the question being asked.

        None: no gate, every key passes.
        """
        if gate is None:
            yield
            return
        self._gate = gate
        keys = [press.key for press in get_typeahead(self)]
        gate.press([key.value if isinstance(key, Keys) else key for key in keys], time.monotonic())

        def begin(_: object) -> None:
            application.after_render -= begin
            while self._has_input():
                self.read_keys()
            self.flush_keys()
            gate.mark_drawn(time.monotonic())
            application.create_background_task(self._run_gate(application, gate))

        application.after_render += begin
        try:
            yield
        finally:
            self._gate = None

    async def _run_gate(self, application: Application[Any], gate: Gate) -> None:
        """Keep the gate up to date and feed the question the keys it releases."""
        number, view = self.request_status(application.output), gate.view
        shown = (False, "")
        while True:
            await asyncio.sleep(STEP_S)
            if self._has_input():  # the input is older than this moment
                continue
            now, before = time.monotonic(), (gate.is_open, gate.note)
            if passed := gate.tick(now):
                application.key_processor.feed_multiple(_key_presses(passed))
                application.key_processor.process_keys()
            if gate.view != view:
                number, view = self.request_status(application.output), gate.view
            elif self._requests.is_settled(number, now):
                gate.mark_seen(now)
            last_shown, shown = shown, (gate.is_open, gate.note)
            if not before == last_shown == shown:  # a key may have drawn the previous state
                application.invalidate()


def _held_name(event: Key | Paste | AltKey) -> str:
    """Return the name under which this key repeats if it is held down."""
    if isinstance(event, Paste):
        return PASTE
    return ENTER if event.name == ESCAPED_ENTER else event.name


def _key_presses(names: Sequence[str]) -> list[KeyPress]:
    return [_key_press(Key(name)) for name in names]


def _key_press(event: Key | Paste) -> KeyPress:
    if isinstance(event, Paste):
        return KeyPress(Keys.BracketedPaste, event.text)
    return KeyPress(event.name) if len(event.name) == 1 else KeyPress(Keys(event.name))
