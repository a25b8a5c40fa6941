"""Decide by their timing which keys may answer a consequential question.

Reads no terminal and no clock.

    UNDRAWN ─drawn→ UNSEEN ─seen→ SETTLING ─quiet→ OPEN ─a key→ answered, or TYPING
                                     ↑               │ the same key again, soon
                                     └── any key ──  SUSPECT ─quiet→ answered, or TYPING

A key passes at once when the gate is OPEN. The second key of a run waits until it cannot be a held key.
Later keys of the run never pass. If the meaning of the keys changes, the question is UNSEEN again. Times are
seconds of any monotonic clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from enum import Enum, StrEnum, auto

from kalshi_trading.ui.terminal.keys import BACKSPACE, ENTER

QUIET_S = 0.15
"""A consequential question must be visible this long, without a key, before a key can answer it."""
HELD_S = 2.0
"""A key pressed again within this time may be held down: keyboards begin to repeat after 0.2 to 1.8 s."""
LONGEST_REPEAT_S = 1.0
"""Longest interval between two repeats of a held key."""
AFTER_WRONG_KEY_S = 1.0
"""Quiet time required after a key that is no answer: the user may be thinking of another question."""
MIN_PAUSE_S = 0.03
"""No person presses Enter sooner than this after another key."""
AWAY_S = 1.0
"""After a gap this long the program may have been suspended, its question no longer on the screen."""
PASTE = "paste"
"""Name of a paste among the keys; it never passes."""
HARMLESS = frozenset({"c-c", "c-d", "c-l", "c-z"})
"""Keys that leave a question, redraw it or suspend the program: always safe."""


class KeyRun:
    """The last key: its time, the pause before it, and its run length.

    The run length counts presses that a held key could have produced.
    """

    def __init__(self) -> None:
        self._name = ""
        self.at = -math.inf
        self.length = 0
        self.pause_s = math.inf

    def record(self, name: str, now: float) -> None:
        self.pause_s = now - self.at
        if name != self._name or self.pause_s >= HELD_S:
            self.length = 1
        else:
            self.length = 2 if self.pause_s > LONGEST_REPEAT_S else self.length + 1
        self._name, self.at = name, now


class Note(StrEnum):
    """Texts that explain why keys were ignored."""

    EARLY = "Ignored: too early. Press again."
    HELD = "Ignored: key held. Release it."
    PASTED = "Ignored: several keys. Press one."
    PASTED_TEXT = "Ignored: pasted text. Type it."
    WRONG_KEY = "Ignored: not a choice. Wait 1 s."
    SUSPECT = "Checking for a held key…"


class Phase(Enum):
    UNDRAWN = auto()  # every key is older than the question
    UNSEEN = auto()  # a slow line may not have delivered the question
    SETTLING = auto()  # too early, or keys are arriving
    OPEN = auto()
    SUSPECT = auto()  # a key that may be held down is pending
    TYPING = auto()  # the user has begun a text


class Gate:
    """Hold back the keys of one question until a key can answer it.

    The caller records each key in `run` before `press`. `moves` need no quiet once the gate has been open.
    `immediate` keys pass as soon as the question is drawn. A key without a meaning (`means`) extends the
    quiet time. A paste, or several keys at once, never begins an answer. After a key has begun a text, all
    keys pass, but Enter must still arrive alone and not be held down.
    """

    def __init__(
        self,
        run: KeyRun,
        *,
        is_text: bool = False,
        moves: Collection[str] = (),
        immediate: Collection[str] = (),
        means: Callable[[str], bool] = lambda name: True,
    ) -> None:
        self._run = run
        self._is_text = is_text
        self._moves = frozenset(moves)
        self._immediate = HARMLESS.union(immediate)
        self._means = means
        self._phase = Phase.UNDRAWN
        self._due_at = -math.inf  # when SETTLING or SUSPECT ends
        self._ticked_at = math.inf
        self._suspect_key = ""
        self._quiet_s = QUIET_S
        self._has_opened = False
        self._is_held = False
        self.view = 0
        """Counts the changes that the user has to see."""
        self.note = ""
        """A Note about the last key, to show beside the question, or an empty string."""

    @property
    def is_open(self) -> bool:
        """True if any next key counts; the question shows it."""
        return self._phase is Phase.TYPING or (self._phase is Phase.OPEN and not self._is_held)

    def mark_drawn(self, now: float) -> None:
        """Record that the question was written: keys until now are older."""
        self._ticked_at = now
        self._reset()

    def mark_seen(self, now: float) -> None:
        """Record that the question is on the screen."""
        if self._phase is Phase.UNSEEN:
            self._phase = Phase.SETTLING
            self._due_at = max(self._due_at, now + self._quiet_s)

    def mark_changed(self) -> None:
        """Record that the screen changed, or that another program used it.

        Another page is such a change.
        """
        if self._phase is not Phase.UNDRAWN:
            self._reset()

    def _reset(self) -> None:
        self._phase = Phase.UNSEEN
        self.view += 1

    def press(self, names: Sequence[str], now: float) -> list[str]:
        """Return the keys that may act; drop the others.

        All `names` arrived together at `now`. For Escape, which is recognized a moment later, `now` is still
        the time of arrival.
        """
        if self._phase is Phase.UNDRAWN:
            self.note = Note.EARLY if names else self.note
            return []
        passing = [name for name in names if name in self._immediate]
        others = [name for name in names if name not in self._immediate]
        if not others:
            return passing
        if now - self._ticked_at > AWAY_S:
            self._refuse(now, Note.EARLY)
        elif self._phase is Phase.TYPING:
            passing += self._add_to_text(others, now)
        elif self._has_opened and self._moves.issuperset(others):
            self._settle(now)
            passing += others
        else:
            passing += self._begin_answer(others, now)
        return passing

    def _begin_answer(self, names: Sequence[str], now: float) -> list[str]:
        """Return the key that begins an answer, if there is one."""
        # The pause also counts from keys that no question sees, such as those with Alt.
        is_too_soon = self._observed_pause_s(now) < QUIET_S
        is_early = self._phase is not Phase.OPEN or now < self._due_at or is_too_soon
        if not all(self._means(name) for name in names if name != PASTE):
            self._quiet_s = AFTER_WRONG_KEY_S
            self._refuse(now, Note.WRONG_KEY)
        elif len(names) > 1 or PASTE in names:
            self._refuse(now, Note.PASTED_TEXT if self._is_text else Note.PASTED)
        elif is_early:
            self._refuse(now, Note.HELD if self._run.length > 2 else Note.EARLY)
        elif self._run.length == 1 or self._starts_text(names[0]):
            return [self._accept(names[0], now)]
        elif self._run.length == 2:
            self._suspect(names[0], now)
        else:
            self._refuse(now, Note.HELD)
        return []

    def _add_to_text(self, names: Sequence[str], now: float) -> list[str]:
        """Return the keys that add to a text or confirm it."""
        self.note = ""
        if ENTER not in names:
            return [name for name in names if name != PASTE]
        if len(names) > 1 or self._observed_pause_s(now) < MIN_PAUSE_S:
            self.note = Note.PASTED_TEXT
            return [name for name in names if name not in (PASTE, ENTER)]
        if self._run.length > 2:
            self.note = Note.HELD
            return []
        if self._run.length == 2:
            self._suspect(ENTER, now)
            return []
        return [ENTER]

    def _observed_pause_s(self, now: float) -> float:
        """Return the seconds without a key before this one that we observed.

        The time since the last tick does not count, because the key may have waited since then. An Escape
        may be older than the last tick, because it is recognized late.
        """
        return self._run.pause_s - max(0.0, now - self._ticked_at)

    def tick(self, now: float) -> list[str]:
        """Return the key that may act because time has passed.

        Call it often, when no input is waiting.
        """
        was_away, self._ticked_at = now - self._ticked_at > AWAY_S, now
        is_run = self._run.length > 1 and now - self._run.at < LONGEST_REPEAT_S
        self._is_held = is_run and not self._is_text
        if was_away:
            self.mark_changed()
        if now < self._due_at:
            return []
        if self._phase is Phase.SUSPECT:
            return [self._accept(self._suspect_key, now)]
        if self._phase is Phase.SETTLING:
            self._phase, self._has_opened, self._quiet_s = Phase.OPEN, True, QUIET_S
        return []

    def _starts_text(self, name: str) -> bool:
        """Return True if this key begins a text, which only Enter confirms."""
        return self._is_text and (len(name) == 1 or name == BACKSPACE)

    def _accept(self, name: str, now: float) -> str:
        self.note = ""
        if self._starts_text(name):
            self._phase = Phase.TYPING
        else:
            self._settle(now)
        return name

    def _suspect(self, name: str, now: float) -> None:
        """Wait for the longest time a held key may take to repeat."""
        self._phase, self._suspect_key, self.note = Phase.SUSPECT, name, Note.SUSPECT
        self._due_at = now + min(max(QUIET_S, 1.1 * self._run.pause_s), LONGEST_REPEAT_S)

    def _refuse(self, now: float, note: str) -> None:
        self.note = note
        self._settle(now)

    def _settle(self, now: float) -> None:
        if self._phase not in (Phase.UNSEEN, Phase.TYPING):
            self._phase = Phase.SETTLING
        self._due_at = max(self._due_at, now + self._quiet_s)
