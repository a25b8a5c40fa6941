"""The keyboard of a terminal, as prompt_toolkit reads it, and the gate before consequential questions.

Knows which keys are older than a question. Answers nothing itself.
"""

from __future__ import annotations

import asyncio
import codecs
import math
import os
import select
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from kalshi_trading.keys import CursorReport, Event, Key, KeyDecoder, StatusReport

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

QUIET_S = 0.15
"""How long a question stands, and no key comes, before a key can answer it."""
HELD_S = 1.0
"""A key pressed again within this time may be one held down: keyboards repeat after 0.2 to 1 s."""
FIRST_ANSWER_S, NEXT_ANSWER_S = 1.0, 5.0
"""How long a terminal may take to answer a status request: the first one, and once it has answered one."""
SHORTEST_ESCAPE_S, LONGEST_ESCAPE_S = 0.1, 0.5
STATUS_REQUEST = "\x1b[5n"
READ_SIZE = 4096
LEAVING = (Keys.ControlC.value, Keys.ControlD.value)
"""Keys that leave a question, which is always safe."""


class Keyboard(Vt100Input):
    """Standard input, decoded by `keys`. A terminal that is gone is the end of input."""

    def __init__(self, stdin: TextIO) -> None:
        super().__init__(stdin)
        self._bytes = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decoder = KeyDecoder()
        self._is_closed = False
        self._requests: list[float] = []
        self._answers = 0
        self._answer_limit_s = FIRST_ANSWER_S
        self.escape_wait_s = LONGEST_ESCAPE_S
        """How long an escape may stand alone until it is the Escape key."""
        self._last: tuple[str, float] = ("", -math.inf)
        self.gate: Gate | None = None

    def has_input(self) -> bool:
        """Tell whether bytes are waiting to be read."""
        return not self._is_closed and bool(select.select([self.fileno()], [], [], 0)[0])

    def read_keys(self) -> list[KeyPress]:
        """Return the keys that arrived and may act; never blocks."""
        if not self.has_input():
            return []
        try:
            data = os.read(self.fileno(), READ_SIZE)
        except OSError:  # EIO: the terminal has hung up
            data = b""
        self._is_closed = not data
        return self._admitted(self._decoder.feed(self._bytes.decode(data), time.monotonic()))

    def flush_keys(self) -> list[KeyPress]:
        return self._admitted(self._decoder.flush(time.monotonic()))

    @property
    def closed(self) -> bool:
        return self._is_closed

    def request_status(self, output: Any) -> int:
        """Ask the terminal for its status; return the number of its answer."""
        output.write_raw(STATUS_REQUEST)
        output.flush()
        self._requests.append(time.monotonic())
        return len(self._requests)

    @property
    def is_terminal_known(self) -> bool:
        """Tell whether the terminal has been asked for its status: from its answer we know how far it is."""
        return bool(self._requests)

    async def status_answered(self, number: int) -> None:
        """Wait for this answer: what was sent before it is on the screen. Give up on a silent terminal."""
        while self._answers < number:
            if time.monotonic() - self._requests[self._answers] > self._answer_limit_s:
                self._answers, self._answer_limit_s = number, 0.0
            await asyncio.sleep(0.01)

    def _take_answer(self) -> None:
        self._answers, self._answer_limit_s = self._answers + 1, NEXT_ANSWER_S
        if self._answers <= len(self._requests):
            round_trip_s = time.monotonic() - self._requests[self._answers - 1]
            self.escape_wait_s = min(SHORTEST_ESCAPE_S + round_trip_s, LONGEST_ESCAPE_S)

    def is_repeated(self, key: str) -> bool:
        """Tell whether the last key was the same, so recently that it may be held down."""
        name, at = self._last
        return key == name and time.monotonic() - at < HELD_S

    def _admitted(self, events: Sequence[Event]) -> list[KeyPress]:
        presses = []
        for event in events:
            if isinstance(event, StatusReport):
                self._take_answer()
            else:
                presses.append(_key_press(event))
        admitted = self.gate.admitted(presses) if self.gate is not None else presses
        keys = [event.name for event in events if isinstance(event, Key)]
        if keys:
            self._last = keys[-1], time.monotonic()
        return admitted


def _key_press(event: Event) -> KeyPress:
    if isinstance(event, CursorReport):
        return KeyPress(Keys.CPRResponse, event.sequence)
    if isinstance(event, Key):
        return KeyPress(event.name) if len(event.name) == 1 else KeyPress(Keys(event.name))
    assert not isinstance(event, StatusReport)
    return KeyPress(Keys.BracketedPaste, event.text)


class Gate:
    """Hold back the keys of one consequential question until one can answer it.

    A key passes only if the question has been on the screen, and no key has come, for QUIET_S. A paste, a key
    held down and several keys that arrive at once never do. Once a key has begun a text, all pass, but Enter
    still has to come alone. `moves` need no quiet once the question could be answered; `immediate` keys pass
    always.
    """

    def __init__(
        self,
        keyboard: Keyboard,
        application: Application[Any],
        *,
        is_text: bool = False,
        moves: Collection[str] = (),
        immediate: Collection[str] = (),
    ) -> None:
        self._keyboard = keyboard
        self._application = application
        self._is_text = is_text
        self._moves = frozenset(moves)
        self._immediate = frozenset({*immediate, *LEAVING, Keys.CPRResponse.value})
        self.is_open = False
        """Whether the next key can answer the question, which shows it."""
        self.is_typing = False
        """Whether a text has been begun."""
        self._has_started = self._has_opened = False
        self._is_quiet = True
        self._repeated: KeyPress | None = None
        self.has_ignored = False
        """Whether keys were held back, which the question should say."""

    def __enter__(self) -> Gate:
        self.has_ignored = bool(get_typeahead(self._keyboard))
        self._keyboard.gate = self
        self._application.after_render += self._start
        return self

    def __exit__(self, *_: object) -> None:
        self._keyboard.gate = None

    def _start(self, _: object) -> None:
        """The question is on the screen: what arrived until now is older, whatever key it is."""
        self._application.after_render -= self._start
        while self._keyboard.has_input():
            self._keyboard.read_keys()
        self._has_started = True
        self._application.create_background_task(self._open())

    async def _open(self) -> None:
        await self._keyboard.status_answered(self._keyboard.request_status(self._application.output))
        await self._wait_for_quiet()
        self._has_opened = True

    async def _wait_for_quiet(self) -> None:
        self._is_quiet = False
        while not self._is_quiet:
            self._is_quiet = True
            await asyncio.sleep(QUIET_S)
            self._feed(self._keyboard.read_keys())  # what came while this process was not running
        self.is_open = True
        self._application.invalidate()

    def admitted(self, presses: Sequence[KeyPress]) -> list[KeyPress]:
        """Return the keys that may act; the others are gone."""
        if not self._has_started:
            self.has_ignored = self.has_ignored or bool(presses)
            return []
        passing = [each for each in presses if _name(each) in self._immediate]
        others = [each for each in presses if each not in passing]
        if not others:
            return passing
        if self.is_typing:
            return passing + _typed(others)
        if self._has_opened and all(_name(each) in self._moves for each in others):
            passing += others
        elif not self.is_open or len(others) > 1 or _name(others[0]) == Keys.BracketedPaste or self._repeated:
            self._refuse()
        elif self._keyboard.is_repeated(_name(others[0])):
            self._repeated = others[0]
            self._application.create_background_task(self._decide(others[0]))
            return passing
        else:
            self.is_typing = self._is_text
            passing += others
        self._close()
        return passing

    def _refuse(self) -> None:
        self.has_ignored = True
        self._repeated = None

    def _close(self) -> None:
        self._is_quiet = False
        self._application.invalidate()
        if self.is_open:
            self.is_open = False
            self._application.create_background_task(self._wait_for_quiet())

    async def _decide(self, press: KeyPress) -> None:
        """Let a repeated key act when it does not go on repeating."""
        await asyncio.sleep(QUIET_S)
        self._feed(self._keyboard.read_keys())
        if self._repeated is press:
            self._repeated, self.is_typing = None, self._is_text
            self._feed([press])
            self._close()

    def _feed(self, presses: Sequence[KeyPress]) -> None:
        self._application.key_processor.feed_multiple(list(presses))
        self._application.key_processor.process_keys()


def _name(press: KeyPress) -> str:
    return press.key.value if isinstance(press.key, Keys) else press.key


def _typed(presses: Sequence[KeyPress]) -> list[KeyPress]:
    """Return what adds to a text; Enter counts only where it comes alone."""
    enters = [Keys.ControlM] if len(presses) > 1 else []
    return [each for each in presses if each.key not in [Keys.BracketedPaste, *enters]]
