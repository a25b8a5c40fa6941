"""Terminal sequences that are no keys, by kind, and keys in unusual forms.

Source: ECMA-48; XTerm control sequences; kitty keyboard protocol.
"""

from __future__ import annotations

DEVICE_ATTRIBUTES = b"\x1b[?1;2c"
"""A complete sequence that a terminal may send after a truncated one."""

_KNOWN_CODES = (8, 9, 13, 27, 127, *range(57399, 57425), 57426)
_LETTERS_AND_DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyz"

_FUNCTION_KEYS = (
    *(b"\x1bO%c" % letter for letter in b"PQRSEIMXjklmnopqrstuvwxy"),
    *(b"\x1b[[%c" % letter for letter in b"ABCDE"),
    *(b"\x1b[%d~" % number for number in (2, *range(9, 35), 57, 99, 201, 1234567890123)),
    *(b"\x1b[1;%d%c" % (held, letter) for held in (2, 3, 4, 6, 7, 8, 9, 17, 33) for letter in b"ABCDHF"),
    *(b"\x1b[%d;%d~" % (number, held) for number in (3, 5, 6) for held in (2, 3, 5)),
    *(b"\x1b[1;1:3%c" % letter for letter in b"ABCD"),
    *(b"\x1bO%dA" % held for held in (2, 5)),
)
_KITTY = (
    *(b"\x1b[%d;%du" % (code, held) for code in (49, 97) for held in (3, 4, 6, 7, 8, 9, 17, 33)),
    *(b"\x1b[%du" % code for code in (*range(57344, 57399), 57425, *range(57427, 57455))),
    *(b"\x1b[%d;5u" % code for code in (48, 49, 59, 228)),
    b"\x1b[49;2u",
    b"\x1b[u",
    b"\x1b[0u",
    b"\x1b[31u",
    b"\x1b[55296u",
    b"\x1b[1114112u",
    b"\x1b[99999999999999999999u",
    b"\x1b[" + b"1" * 5000 + b"u",
    b"\x1b[?0u",
    b"\x1b[?1u",
)
_KITTY_RELEASES = (
    *(b"\x1b[%d;1:3u" % code for code in (*_KNOWN_CODES, *_LETTERS_AND_DIGITS)),
    *(b"\x1b[%d;%d:3u" % (code, held) for code in (13, 48, 49, 99, 112) for held in (2, 3, 5)),
    *(b"\x1b[%d;1:2u" % code for code in (9, 13, 27, 48, 49, 112, 57399, 57400, 57414)),
)
_MODIFY_OTHER_KEYS = (b"\x1b[27;2;49~", b"\x1b[27;5;49~", b"\x1b[27;3;49~", b"\x1b[27~")
_ALT = (
    *(b"\x1b%c" % letter for letter in b"0123456789abcpqyz;~\x7f\x01\x03"),
    b"\x1b\x1b[A",
    b"\x1b\x1bOB",
)
_CHARACTER_SETS = (  # designated, and single shifts into one
    *(b"\x1b%c1" % intermediate for intermediate in b" !\"#$%&'()*+,-./"),
    b"\x1b$(1",
    b"\x1b(0",
    b"\x1bN1",
    b"\x8e1",
    b"\xc2\x8e1",
)
_ANSWERS = (
    b"\x1b[?61;6;7;21;22;23;24;28;32;42c",
    DEVICE_ATTRIBUTES,
    b"\x1b[>41;354;0c",
    b"\x1b[=0c",
    b"\x1b[3n",
    b"\x1b[?13n",
    b"\x1b[?12;40R",
    b"\x1b[12;40R",
    b"\x1b[1;2R",  # also Shift-F3
    b"\x1b[?2026;1$y",
    b"\x1b[4;1$y",
    b"\x1b[8;24;80t",
    b"\x1b[4;600;800t",
    b"\x1b[2;1;1;128;128;1;0x",
    b"\x1b[I",
    b"\x1b[O",
)
_MOUSE = (  # X10, UTF-8, SGR, urxvt, highlight
    b"\x1b[M 11",
    b"\x1b[M#!!",
    b"\x1b[M\x20\x81\x82",
    b"\x1b[<0;11;11M",
    b"\x1b[<0;11;11m",
    b"\x1b[<35;1;1M",
    b"\x1b[<65;49;13M",
    b"\x1b[32;11;11M",
    b"\x1b[t11",
    b"\x1b[T111111",
)
_STRINGS = (  # ended by ST, 8-bit ST or BEL
    b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
    b"\x1b]10;rgb:1111/1111/1111\x07",
    b"\x1b]4;1;rgb:0000/1111/2222\x07",
    b"\x1b]52;c;MTExMQ==\x07",
    b"\x1b]l1 2 3\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1bP>|xterm(388)\x1b\\",
    b"\x1bP1+r436f=323536\x1b\\",
    b"\x1bP!|00000000\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
    b"\x1b_1\r\n2\x1b\\",
    b"\x1b^1\x1b\\",
    b"\x1bX1\x1b\\",
    b"\x1b]0;a\rb\x1b1c\x1b\\",
)
_EIGHT_BIT_INTRODUCERS = {b"\x1b" + bytes([code - 0x40]): bytes([code]) for code in (0x8F, 0x90, 0x9B, 0x9D)}


def _as_eight_bit(data: bytes) -> bytes:
    return _EIGHT_BIT_INTRODUCERS[data[:2]] + data[2:].replace(b"\x1b\\", b"\x9c")


_EIGHT_BIT = (
    *map(_as_eight_bit, (*_ANSWERS, *_MOUSE, *_STRINGS[:9], *_KITTY[:3], *_KITTY_RELEASES[:3])),
    b"\x8fP",
    b"\xc2\x9d10;1\xc2\x9c",
    b"\xc2\x9b?1;2c",
    b"\xc2\x90 1\r1\xc2\x9c",
    b"\x90 1\r1\x9c",
    b"\x9f1\x9c",
    b"\x9e1\x9c",
    b"\x981\x9c",
)
_MIXED = (  # controls inside, one sequence inside another
    b"\x1b[1\r1~",
    b"\x1b[\x7f49;3u",
    b"\x1b[1\x1b[A",
    b"\x1b[12\x18",
    b"\x1b]1\x1b[5~",
)
_INVISIBLE = (b"\x00", b"\x1c", b"\x80", b"\xff", b"\x9c", "\u200b\u202e\ufeff\u2028".encode())


_TO_CUT = (
    b"\x1bOP",
    b"\x1b[1;2A",
    b"\x1b[49;1:3u",
    b"\x1b[13;1:3u",
    b"\x1b[27;2;49~",
    b"\x1b[[A",
    *_ANSWERS[:2],
    *_MOUSE,
    *_STRINGS[:1],
    *_STRINGS[5:6],
    *_STRINGS[9:13],
    *_CHARACTER_SETS[-5:],
    *_EIGHT_BIT[-8:],
)
TRUNCATED = tuple(
    dict.fromkeys(
        data[:end]
        for data in _TO_CUT
        for end in range(1 if data[0] >= 0x80 else 2, len(data))
        if data[:end] != b"\xc2"
    )
)
"""Truncated sequences. The next input is swallowed if it is a sequence, or arrives a second later."""

NO_KEYS_BY_KIND: dict[str, tuple[bytes, ...]] = {
    "function keys": _FUNCTION_KEYS,
    "CSI-u keys": _KITTY,
    "CSI-u releases and repeats": _KITTY_RELEASES,
    "modifyOtherKeys": _MODIFY_OTHER_KEYS,
    "Alt with a key": _ALT,
    "character sets": _CHARACTER_SETS,
    "DA, DSR and other answers": _ANSWERS,
    "mouse reports": _MOUSE,
    "OSC, DCS and other strings": _STRINGS,
    "8-bit": _EIGHT_BIT,
    "one inside another": _MIXED,
    "invisible characters": _INVISIBLE,
    "truncated": tuple(data + DEVICE_ATTRIBUTES for data in TRUNCATED),
}
NO_KEYS = tuple(dict.fromkeys(data for sequences in NO_KEYS_BY_KIND.values() for data in sequences))
"""All sequences that are no keys, each once."""

ODD_ENTERS = (
    *(b"\x1b[13;%du" % held for held in range(1, 17)),
    *(b"\x1b[57414;%du" % held for held in (1, 2, 5, 129)),
    *(b"\x1b[27;%d;13~" % held for held in (2, 3, 5, 6)),
    b"\x1b[13u",
    b"\x1b[13;1:1u",
    b"\x1b[13;69:1u",
    b"\x9b13u",
    b"\xc2\x9b13u",
    b"\x1b\r",
    b"\x1b\n",
    b"\n",
)
ODD_ESCAPES = (b"\x1b[27u", b"\x1b[27;1u", b"\x1b[27;129:1u", b"\x9b27u")
ODD_MOVES = (
    *(b"\x1b[1;1:%d%c" % (kind, letter) for kind in (1, 2) for letter in b"ABHF"),
    *(b"\x1b[%d;129~" % number for number in (5, 6)),
    b"\x1bOB",
    b"\x8fB",
    b"\x9bB",
    b"\x1b[57420u",
)
"""Known keys in other spellings of terminals: Enter, Escape and keys that move the mark."""
