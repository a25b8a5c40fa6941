"""Turn what a terminal sends into key presses.

Recognizes every escape sequence whole, however reads split it. Decodes the keys the program uses, including
their kitty (CSI-u) and modifyOtherKeys forms. Swallows any other sequence: none of its characters is a key.
Reads no terminal and no clock.

Source: ECMA-48; XTerm control sequences; kitty keyboard protocol.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator
from dataclasses import dataclass

SEQUENCE_GAP_S = 1.0
"""Silence after which an unfinished sequence is abandoned."""
PASTE_GAP_S = 5.0
"""The same inside a paste, which a slow line may deliver in pieces."""
LATE_TAIL_S = 0.15
"""Input after an abandoned sequence may be its end, and is no key, until a silence this long."""

ESCAPE, BELL, CANCEL, SUBSTITUTE, DELETE = "\x1b", "\x07", "\x18", "\x1a", "\x7f"
INTERRUPT = "\x03"
SILENCE = ""
STRING_TERMINATOR = "\x9c"
C1_OF = {chr(code - 0x40): chr(code) for code in (0x8E, 0x8F, 0x90, 0x98, 0x9B, 0x9D, 0x9E, 0x9F)}
"""The character after an escape → the 8-bit character for both: SS2, SS3, DCS, SOS, CSI, OSC, PM, APC."""
SS2, SS3, CSI, OSC = "\x8e", "\x8f", "\x9b", "\x9d"
RAW_AFTER = {"[": 1, "M": 3, "t": 2, "T": 6}
"""Number of raw characters after a CSI without parameters: Linux console function keys, mouse reports."""
LONGEST_BODY = 128
LARGEST_PASTE = 1_000_000

ENTER, TAB, BACK_TAB, BACKSPACE, ESCAPE_KEY = "c-m", "c-i", "s-tab", "c-h", "escape"
ESCAPED_ENTER = "escape c-m"
"""Alt with Enter, or Escape and Enter soon after it: both send the same bytes."""
_BY_LETTER = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "Z": BACK_TAB}
_BY_NUMBER = {
    1: "home",
    3: "delete",
    4: "end",
    5: "pageup",
    6: "pagedown",
    7: "home",
    8: "end",
}
_BY_CODE = {9: TAB, 13: ENTER, 27: ESCAPE_KEY, 8: BACKSPACE, 127: BACKSPACE}
_KEYPAD = {
    **{57399 + digit: str(digit) for digit in range(10)},
    57409: ".", 57410: "/", 57411: "*", 57412: "-", 57413: "+", 57414: ENTER, 57415: "=", 57416: ",",
    57417: "left", 57418: "right", 57419: "up", 57420: "down", 57421: "pageup", 57422: "pagedown",
    57423: "home", 57424: "end", 57426: "delete",
}  # fmt: skip
_REPEATABLE = {*_BY_LETTER.values(), *_BY_NUMBER.values(), BACKSPACE}
_WORD_MOVES = {"left": "c-left", "right": "c-right"}
_SHIFT, _ALT, _CONTROL, _CAPS_LOCK, _NUM_LOCK = 1, 2, 4, 64, 128
_PRESS, _REPEAT = 1, 2


@dataclass(frozen=True, slots=True)
class Key:
    """One key press.

    `name` is a printable character, or a name as prompt_toolkit spells it (`up`, `c-m`).
    """

    name: str


@dataclass(frozen=True, slots=True)
class Paste:
    """Text pasted in one piece, as the terminal marked it."""

    text: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The terminal's answer to a status request.

    All earlier output is on the screen.
    """


@dataclass(frozen=True, slots=True)
class AltKey:
    """A key with Alt, or one soon after Escape.

    It does nothing, but may be held down.
    """

    name: str


Event = Key | Paste | StatusReport | AltKey


@dataclass(frozen=True, slots=True)
class _Restart:
    """An unfinished sequence, abandoned because another begins inside it.

    `introducer` is the first character of the other sequence.
    """

    introducer: str


_Parsing = Generator[Event | None, str, Event | _Restart | None]


class KeyDecoder:
    """Decode terminal input piece by piece.

    `now` is the time in seconds of any monotonic clock.
    """

    def __init__(self) -> None:
        self._last_at = 0.0
        self._is_late = False
        self._start()

    def _start(self) -> None:
        self._gap_s: float | None = None
        self._escaped_at: float | None = None
        self._parser = self._parse()
        next(self._parser)

    def feed(self, data: str, now: float) -> list[Event]:
        """Return the events that `data` completes.

        Undecodable bytes arrive as surrogates.
        """
        if not data:
            return []
        silence_s, self._last_at = now - self._last_at, now
        self._is_late = self._is_late and silence_s <= LATE_TAIL_S
        if self._gap_s is not None and silence_s > self._gap_s:
            self._is_late = True
            self._start()
        elif self._gap_s == PASTE_GAP_S and data == INTERRUPT and silence_s > LATE_TAIL_S:
            self._start()  # the user pressed Ctrl-C while waiting for the end of a paste
        # A person's keys arrive one by one; the rest of a late sequence does not.
        if self._escaped_at is not None and (len(data) == 1 or now - self._escaped_at > SEQUENCE_GAP_S):
            self._escaped_at = None
        events = [self._parser.send(_as_c1(character)) for character in data]
        kept = StatusReport if self._is_late else Key | Paste | StatusReport | AltKey
        return [event for event in events if isinstance(event, kept)]

    def flush(self, now: float) -> list[Event]:
        """Return the Escape key if an escape is pending without a successor.

        Call it when nothing has arrived for a while.
        """
        event = self._parser.send(SILENCE)
        if event is None:
            return []
        self._escaped_at = now
        return [event]

    def _parse(self) -> _Parsing:
        event: Event | None = None
        while True:
            character = yield event
            event = None
            if character == SILENCE:
                continue
            self._gap_s = SEQUENCE_GAP_S
            late, self._escaped_at = self._escaped_at is not None, None
            is_tail = late and character in C1_OF  # of a sequence whose escape came long before it
            parsed = yield from self._parse_from(C1_OF[character] if is_tail else character)
            is_whole = not is_tail and not isinstance(parsed, _Restart)
            while isinstance(parsed, _Restart):
                parsed = yield from self._parse_from(parsed.introducer)
            event = parsed if is_whole else None
            self._gap_s = None

    def _parse_from(self, character: str) -> _Parsing:
        """Parse the event that begins with this character.

        It is a plain key unless it introduces a sequence.
        """
        if character == ESCAPE:
            return (yield from self._escape())
        if character in C1_OF.values():
            return (yield from self._sequence(character))
        return _plain_key(character)

    def _escape(self) -> _Parsing:
        is_alone = True
        while True:
            character = yield None
            if character == SILENCE:
                return Key(ESCAPE_KEY)
            if character != ESCAPE:
                break
            is_alone = False
        if character in C1_OF:
            event = yield from self._sequence(C1_OF[character])
            return event if is_alone or not isinstance(event, Key) else None
        if " " <= character <= "/":
            while character == SILENCE or " " <= character <= "/":
                character = yield None
            return _Restart(character) if _is_introducer(character) else None
        if character in "\r\n":
            return Key(ESCAPED_ENTER)
        swallowed = _plain_key(character)
        return AltKey(swallowed.name) if isinstance(swallowed, Key) else None

    def _sequence(self, introducer: str) -> _Parsing:
        if introducer == CSI:
            return (yield from self._control_sequence())
        if introducer == SS2:
            return (yield from self._skip_raw(1))
        if introducer == SS3:
            body, final = yield from self._body()
            if _is_introducer(final):
                return _Restart(final)
            return _decode_sequence(body, final) if not body else None
        return (yield from self._skip_string(introducer))

    def _control_sequence(self) -> _Parsing:
        body, final = yield from self._body()
        if _is_introducer(final):
            return _Restart(final)
        if not body and final in RAW_AFTER:
            return (yield from self._skip_raw(RAW_AFTER[final]))
        if (body, final) == ("200", "~"):
            return (yield from self._paste())
        return _decode_sequence(body, final)

    def _skip_raw(self, left: int) -> _Parsing:
        """Swallow `left` characters, stopping at an escape.

        An escape begins another sequence.
        """
        while left:
            character = yield None
            if character == ESCAPE:
                return _Restart(character)
            left -= character != SILENCE
        return None

    def _body(self) -> Generator[None, str, tuple[str, str]]:
        """Collect up to the final character or another sequence's introducer."""
        body = ""
        while True:
            character = yield None
            if character in (CANCEL, SUBSTITUTE):
                return body, CANCEL
            if _is_introducer(character):
                return body, character
            if "@" <= character <= "~":
                return body, character
            if character >= " ":
                body = (body + character)[:LONGEST_BODY]

    def _skip_string(self, introducer: str) -> _Parsing:
        """Swallow a control string up to its terminator."""
        while True:
            character = yield None
            if character == STRING_TERMINATOR or (character == BELL and introducer == OSC):
                return None
            if character == ESCAPE:
                after = yield None
                while after in (SILENCE, ESCAPE):
                    after = yield None
                if after == "\\":
                    return None
                if after in C1_OF:
                    return _Restart(C1_OF[after])

    def _paste(self) -> _Parsing:
        self._gap_s = PASTE_GAP_S
        pieces: list[str] = []
        tail = ""
        while True:
            character = yield None
            tail = (tail + character)[-6:]
            if len(pieces) < LARGEST_PASTE:
                pieces.append(character)
            for end in ("\x1b[201~", "\x9b201~"):
                if tail.endswith(end):
                    return Paste("".join(pieces)[: -len(end)] if len(pieces) < LARGEST_PASTE else "")


def _is_introducer(character: str) -> bool:
    return character == ESCAPE or character in C1_OF.values()


def _as_c1(character: str) -> str:
    """Turn a lone byte 0x80 to 0x9F, invalid in UTF-8, into its C1 control."""
    return chr(ord(character) - 0xDC00) if "\udc80" <= character <= "\udc9f" else character


def _plain_key(character: str) -> Event | None:
    if character in "\r\n":
        return Key(ENTER)
    if character == DELETE:
        return Key(BACKSPACE)
    if "\x01" <= character <= "\x1a":
        return Key(f"c-{chr(ord(character) + 0x60)}")
    return Key(character) if is_visible(character) else None


def is_visible(character: str) -> bool:
    """Return True if a character is printable.

    Control, format, surrogate, private-use, unassigned and line-separator characters are not.
    """
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _decode_sequence(body: str, final: str) -> Event | None:
    """Return the key or report of a complete sequence. None: not one of ours."""
    if (body, final) == ("0", "n"):
        return StatusReport()
    if not re.fullmatch(r"[\d;:]*", body, re.ASCII):
        return None
    fields: list[list[int | None]] = [
        [int(part[:7]) if part else None for part in field.split(":")] for field in f"{body};;".split(";")
    ]
    first, second, third = fields[:3]
    if final == "~" and first == [27]:
        return _key_event(_BY_CODE.get(third[0] or 0) or _text([third[0]], second, [None]), second)
    if final == "~":
        return _key_event(_BY_NUMBER.get(first[0] or 0), second)
    if final == "u":
        code = first[0] or 0
        return _key_event(_BY_CODE.get(code) or _KEYPAD.get(code) or _text(first, second, third), second)
    return _key_event(_BY_LETTER.get(final), second) if first[0] in (None, 1) else None


def _modifiers(field: list[int | None]) -> int:
    return ((field[0] or 1) - 1) & ~(_CAPS_LOCK | _NUM_LOCK)


def _text(code: list[int | None], modifiers: list[int | None], text: list[int | None]) -> str | None:
    """Return the character a key types.

    None: it depends on a keyboard layout we do not know.
    """
    typed, shifted = _character(code[0]), _character(code[1] if len(code) > 1 else None)
    if _modifiers(modifiers) == _CONTROL:
        return typed if typed is not None and "a" <= typed <= "z" else None
    if _character(text[0]) is not None:
        return _character(text[0])
    if not _modifiers(modifiers) & _SHIFT:
        return typed
    return shifted or (typed.upper() if typed is not None and typed.isalpha() else None)


def _character(code: int | None) -> str | None:
    if code is None or not 0x20 <= code <= 0x10FFFF:
        return None
    return chr(code) if is_visible(chr(code)) else None


def _key_event(name: str | None, modifiers: list[int | None]) -> Event | None:
    """Return the key press. None: its modifiers or event kind are unused."""
    held = _modifiers(modifiers)
    kind = modifiers[1] if len(modifiers) > 1 and modifiers[1] is not None else _PRESS
    if name is None or not (kind == _PRESS or (kind == _REPEAT and name in _REPEATABLE)):
        return None
    if name == ENTER:
        return Key(ENTER)
    if name == TAB and held == _SHIFT:
        return Key(BACK_TAB)
    if held == _CONTROL and "a" <= name <= "z" and len(name) == 1:
        return Key(f"c-{name}")
    if held == _CONTROL and name in _WORD_MOVES:
        return Key(_WORD_MOVES[name])
    is_text = len(name) == 1
    return Key(name) if held == 0 or (is_text and held == _SHIFT) else None
