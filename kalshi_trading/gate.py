"""Which keys may answer a consequential question, by when they come. Reads no terminal and no clock.

    UNDRAWN ─drawn→ UNSEEN ─seen→ SETTLING ─quiet→ OPEN ─a key→ answered, or TYPING
                                     ↑               │ the same key again, soon
                                     └── any key ──  DOUBTED ─quiet→ answered, or TYPING

A key passes at once when the gate is OPEN. The second of a run waits until it is clear that it is not held
down, and those after it never pass. Times are seconds of any clock that only goes forward.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from enum import Enum, auto

from kalshi_trading.keys import BACKSPACE, ENTER

QUIET_S = 0.15
"""How long a consequential question stands, and nothing is typed, before it can be answered."""
HELD_S = 2.0
"""A key pressed again within this time may be held down: keyboards begin to repeat after 0.2 to 1.8 s."""
LONGEST_DOUBT_S = 1.5
"""How long to wait at most for a key that is held down to come again."""
AWAY_S = 1.0
"""A program that did not run for so long may have been suspended, its question no longer on the screen."""
PASTE = "paste"
"""The name under which a paste comes; it never passes."""
LEAVING = frozenset({"c-c", "c-d"})
"""Keys that leave a question, which is always safe."""


class KeyRun:
    """The last key: when it came, how many times in a row, and how long after its last repetition."""

    def __init__(self) -> None:
        self._name = ""
        self.at = -math.inf
        self.length = 0
        self.gap_s = math.inf

    def note(self, name: str, now: float) -> None:
        gap_s = now - self.at
        is_same = name == self._name and gap_s < HELD_S
        self.length = self.length + 1 if is_same else 1
        self.gap_s = gap_s if is_same else math.inf
        self._name, self.at = name, now


class Phase(Enum):
    UNDRAWN = auto()  # every key is older than the question
    UNSEEN = auto()  # a slow line may not have delivered the question
    SETTLING = auto()  # it is too early, or keys are coming
    OPEN = auto()
    DOUBTED = auto()  # a key that may be held down waits
    TYPING = auto()  # a text has been begun


class Gate:
    """Hold back the keys of one question until one can answer it; `run` notes each key before `press`.

    `moves` need no quiet once the question could be answered; `immediate` keys pass as soon as it is drawn.
    A paste and several keys that arrive at once never begin an answer. Once a key has begun a text, all
    pass, but Enter still has to come alone.
    """

    def __init__(
        self,
        run: KeyRun,
        *,
        is_text: bool = False,
        moves: Collection[str] = (),
        immediate: Collection[str] = (),
    ) -> None:
        self._run = run
        self._is_text = is_text
        self._moves = frozenset(moves)
        self._immediate = LEAVING.union(immediate)
        self._phase = Phase.UNDRAWN
        self._due_at = -math.inf  # when SETTLING or DOUBTED ends
        self._attended_at = math.inf
        self._doubted = ""
        self._has_opened = False
        self._is_held = False
        self.has_ignored = False
        """Whether keys were held back, which the question should say."""

    @property
    def is_open(self) -> bool:
        """Tell whether the next key counts, whichever it is; the question shows it."""
        return self._phase is Phase.TYPING or (self._phase is Phase.OPEN and not self._is_held)

    @property
    def is_unseen(self) -> bool:
        return self._phase is Phase.UNSEEN

    def drawn(self, now: float) -> None:
        """Note that the question was written: what came until now is older."""
        self._phase, self._attended_at = Phase.UNSEEN, now

    def seen(self, now: float) -> None:
        """Note that the question is on the screen."""
        if self._phase is Phase.UNSEEN:
            self._phase = Phase.SETTLING
            self._due_at = max(self._due_at, now + QUIET_S)

    def changed(self) -> None:
        """Note that keys mean something else now, as after a change of the screen's size: it stands anew."""
        if self._phase is not Phase.UNDRAWN:
            self._phase, self._has_opened = Phase.UNSEEN, False

    def press(self, names: Sequence[str], now: float) -> list[str]:
        """Return the keys, of those that arrived together at `now`, that may act; the others are gone.

        Escape is known to be a key only a moment after it arrived; that moment does not count.
        """
        if self._phase is Phase.UNDRAWN:
            self.has_ignored = self.has_ignored or bool(names)
            return []
        passing = [name for name in names if name in self._immediate]
        others = [name for name in names if name not in self._immediate]
        if not others:
            return passing
        is_early = self._phase is not Phase.OPEN or now < self._due_at
        if now - self._attended_at > AWAY_S:
            self._refuse(now)
        elif self._phase is Phase.TYPING:
            passing += _typed(others)
        elif self._has_opened and self._moves.issuperset(others):
            self._settle(now)
            passing += others
        elif is_early or len(others) > 1 or PASTE in others or self._run.length > 2:
            self._refuse(now)
        elif self._run.length == 2:
            self._doubt(others[0], now)
        else:
            passing += [self._taken(others[0], now)]
        return passing

    def tick(self, now: float) -> list[str]:
        """Return the key that may act since time has passed. Call it often, when no input is waiting."""
        was_away, self._attended_at = now - self._attended_at > AWAY_S, now
        self._is_held = self._run.length > 1 and now - self._run.at < HELD_S
        if was_away:
            self._phase = Phase.UNSEEN
        if now < self._due_at:
            return []
        if self._phase is Phase.DOUBTED:
            return [self._taken(self._doubted, now)]
        if self._phase is Phase.SETTLING:
            self._phase, self._has_opened = Phase.OPEN, True
        return []

    def _taken(self, name: str, now: float) -> str:
        if self._is_text and (len(name) == 1 or name == BACKSPACE):
            self._phase = Phase.TYPING
        else:
            self._settle(now)
        return name

    def _doubt(self, name: str, now: float) -> None:
        """Wait for as long as a key that is held down may take to come again."""
        self._phase, self._doubted = Phase.DOUBTED, name
        self._due_at = now + min(max(QUIET_S, 1.5 * self._run.gap_s), LONGEST_DOUBT_S)

    def _refuse(self, now: float) -> None:
        self.has_ignored = True
        self._settle(now)

    def _settle(self, now: float) -> None:
        if self._phase not in (Phase.UNSEEN, Phase.TYPING):
            self._phase = Phase.SETTLING
        self._due_at = max(self._due_at, now + QUIET_S)


def _typed(names: Sequence[str]) -> list[str]:
    """Return what adds to a text; Enter counts only where it comes alone."""
    return [name for name in names if name != PASTE and (name != ENTER or len(names) == 1)]
