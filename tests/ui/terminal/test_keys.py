"""Terminal input becomes keys, and nothing but keys."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_sequences import NO_KEYS, NO_KEYS_BY_KIND, TRUNCATED

from kalshi_trading.ui.terminal.keys import (
    ESCAPED_ENTER,
    LATE_TAIL_S,
    PASTE_GAP_S,
    SEQUENCE_GAP_S,
    AltKey,
    Event,
    Key,
    KeyDecoder,
    Paste,
    StatusReport,
)

ENTER, ESCAPE = Key("c-m"), Key("escape")


def decoded(data: bytes) -> list[Event]:
    """Decode bytes that arrive at once; return the events that can act."""
    return acting(KeyDecoder().feed(data.decode("utf-8", "surrogateescape"), 0.0))


def acting(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, AltKey)]


KEYS: dict[bytes, Event] = {
    b"1": Key("1"),
    "é".encode(): Key("é"),
    b"\r": ENTER,
    b"\n": ENTER,
    b"\t": Key("c-i"),
    b"\x7f": Key("c-h"),
    b"\x08": Key("c-h"),
    b"\x03": Key("c-c"),
    b"\x1a": Key("c-z"),
    # arrows and their neighbours: plain, from the application keypad, and in other terminals' forms
    b"\x1b[A": Key("up"),
    b"\x1bOB": Key("down"),
    b"\x1b[C": Key("right"),
    b"\x1bOD": Key("left"),
    b"\x1b[1;1:1A": Key("up"),
    b"\x1b[1;1:2B": Key("down"),
    b"\x1b[1;129A": Key("up"),
    b"\x1b[H": Key("home"),
    b"\x1b[F": Key("end"),
    b"\x1bOH": Key("home"),
    b"\x1b[1~": Key("home"),
    b"\x1b[7~": Key("home"),
    b"\x1b[4~": Key("end"),
    b"\x1b[8~": Key("end"),
    b"\x1b[3~": Key("delete"),
    b"\x1b[5~": Key("pageup"),
    b"\x1b[6~": Key("pagedown"),
    b"\x1b[6;1:2~": Key("pagedown"),
    b"\x1b[1;5D": Key("c-left"),
    b"\x1b[1;5C": Key("c-right"),
    b"\x1b[Z": Key("s-tab"),
    # the kitty protocol
    b"\x1b[13u": ENTER,
    b"\x1b[13;2u": ENTER,
    b"\x1b[13;5:1u": ENTER,
    b"\x1b[57414u": ENTER,
    b"\x1b[27u": ESCAPE,
    b"\x1b[27;1u": ESCAPE,
    b"\x1b[9u": Key("c-i"),
    b"\x1b[9;2u": Key("s-tab"),
    b"\x1b[127u": Key("c-h"),
    b"\x1b[99;5u": Key("c-c"),
    b"\x1b[122;69u": Key("c-z"),
    b"\x1b[49u": Key("1"),
    b"\x1b[49;1:1u": Key("1"),
    b"\x1b[57400;129u": Key("1"),
    b"\x1b[97u": Key("a"),
    b"\x1b[97;2u": Key("A"),
    b"\x1b[49:33;2u": Key("!"),
    b"\x1b[49;2;33u": Key("!"),
    # modifyOtherKeys
    b"\x1b[27;2;13~": ENTER,
    b"\x1b[27;5;99~": Key("c-c"),
    b"\x1b[27;1;49~": Key("1"),
    # Alt with Enter; 8-bit introducers, as a lone byte and in UTF-8
    b"\x1b\r": Key(ESCAPED_ENTER),
    b"\x9bA": Key("up"),
    b"\xc2\x9bA": Key("up"),
    b"\x8fA": Key("up"),
    # answers of the terminal
    b"\x1b[0n": StatusReport(),
    b"\x1b\x1b[0n": StatusReport(),  # after an Escape that was pressed a moment before
    # pastes
    b"\x1b[200~12\r34\x1b[201~": Paste("12\r34"),
    b"\x1b[200~\x1b[A 1\x1b[201~": Paste("\x1b[A 1"),
    b"\x9b200~1\x9b201~": Paste("1"),
    b"\x1b[200~\x1b[201~": Paste(""),
}


def test_keys_are_decoded_in_every_spelling() -> None:
    wrong = {data: decoded(data) for data, event in KEYS.items() if decoded(data) != [event]}
    assert wrong == {}


def test_nothing_else_is_a_key() -> None:
    wrong = {data: decoded(data + b"q") for data in NO_KEYS if decoded(data + b"q") != [Key("q")]}
    assert wrong == {}


def test_the_corpus_is_large() -> None:
    assert len(NO_KEYS) >= 400
    assert min(map(len, NO_KEYS_BY_KIND.values())) > 3


@pytest.mark.parametrize("gap_s", [0.0, SEQUENCE_GAP_S])
def test_a_sequence_may_come_in_pieces(gap_s: float) -> None:
    wrong = []
    for data in (*KEYS, *NO_KEYS):
        decoder, now, events = KeyDecoder(), 0.0, []
        pieces = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        for byte in data:
            events += decoder.feed(pieces.decode(bytes([byte])), now)
            now += gap_s
        events += decoder.feed(pieces.decode(b"", final=True) + "q", now)
        if acting(events) != [*decoded(data), Key("q")]:
            wrong.append((data, events))
    assert wrong == []


def test_a_sequence_cut_short_is_forgotten_after_a_silence() -> None:
    wrong = []
    for data in (*NO_KEYS, *(cut + b"?" for cut in TRUNCATED)):
        for end in range(1, min(len(data), 40)):
            decoder = KeyDecoder()
            decoder.feed(data[:end].decode("utf-8", "surrogateescape"), 0.0)
            decoder.flush(0.5)
            later = 0.5 + PASTE_GAP_S + 1
            decoder.feed("1", later)
            events = decoder.feed("q", later + 2 * LATE_TAIL_S)
            if events != [Key("q")]:
                wrong.append((data[:end], events))
    assert wrong == []


def test_the_end_of_a_sequence_that_was_given_up_is_no_key() -> None:
    """A line that stalls for long may split a sequence anywhere."""
    wrong = []
    for data in (*KEYS, *NO_KEYS):
        for split in range(2, min(len(data), 40)):
            decoder = KeyDecoder()
            decoder.feed(data[:split].decode("utf-8", "surrogateescape"), 0.0)
            if decoded(data[:split] + b"q")[-1:] == [Key("q")]:
                continue  # a whole one
            later = PASTE_GAP_S + 1
            events = decoder.feed(data[split:].decode("utf-8", "surrogateescape"), later)
            if events not in ([], [StatusReport()]):
                wrong.append((data, split, events))
    assert wrong == []


def test_ctrl_c_ends_a_paste_whose_end_was_lost() -> None:
    decoder = KeyDecoder()
    assert decoder.feed("\x1b[200~1\x03", 0.0) == []
    assert decoder.feed("\x03", 1.0) == [Key("c-c")]
    assert decoder.feed("q", 1.1) == [Key("q")]


def test_what_is_typed_soon_after_escape_is_no_sequence() -> None:
    decoder = KeyDecoder()
    events = decoder.feed("\x1b", 0.0) + decoder.flush(0.5)
    for number, character in enumerate("OPX[]^_"):
        events += decoder.feed(character, 0.6 + number / 10)
    assert events == [ESCAPE, *map(Key, "OPX[]^_")]


def test_an_escape_alone_is_the_escape_key_once_nothing_follows() -> None:
    decoder = KeyDecoder()
    assert decoder.feed("\x1b", 0.0) == []
    assert decoder.flush(0.5) == [ESCAPE]
    assert decoder.flush(0.6) == []
    assert decoder.feed("1", 0.7) == [Key("1")]


def test_escape_pressed_twice_at_once_is_pressed_once() -> None:
    decoder = KeyDecoder()
    assert decoder.feed("\x1b\x1b", 0.0) + decoder.flush(0.5) == [ESCAPE]


def test_the_late_tail_of_a_sequence_is_no_key() -> None:
    """A slow line may split a sequence after its escape.

    The escape then looked like the Escape key.
    """
    wrong = []
    for data in (*KEYS, *NO_KEYS):
        if data[:1] == b"\x1b" and data[1:2] in b"[O]P_^X" and data[1:2]:
            decoder = KeyDecoder()
            events = decoder.feed("\x1b", 0.0) + decoder.flush(0.5)
            events += decoder.feed(data[1:].decode("utf-8", "surrogateescape") + "q", 0.6)
            if events != [ESCAPE, Key("q")]:
                wrong.append((data, events))
    assert wrong == []


def test_a_paste_may_come_slowly_and_hold_what_looks_like_keys() -> None:
    decoder = KeyDecoder()
    assert decoder.feed("\x1b[200~1", 0.0) == []
    assert decoder.feed("\r2\x1b", PASTE_GAP_S) == []
    assert decoder.flush(PASTE_GAP_S + 0.5) == []
    assert decoder.feed("[201~3", 2 * PASTE_GAP_S) == [Paste("1\r2"), Key("3")]


printable = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
control_sequences = st.builds(
    "\x1b[{}{}{}{}".format,
    st.sampled_from(["", "?", ">", "<", "="]),
    st.text("0123456789;:", max_size=12),
    st.text(" !\"#$%&'*+,-./", max_size=2),
    st.characters(min_codepoint=0x40, max_codepoint=0x7E),
).filter(lambda text: text not in ("\x1b[M", "\x1b[t", "\x1b[T", "\x1b[[", "\x1b[200~"))
strings = st.builds(
    "\x1b{}{}\x1b\\".format,
    st.sampled_from(list("]P_^X")),
    st.text(printable | st.sampled_from("\r\n\t 01"), max_size=30),
)


@given(st.lists(control_sequences | strings, min_size=1, max_size=5), st.data())
def test_no_character_of_a_sequence_is_a_key_of_its_own(sequences: list[str], data: st.DataObject) -> None:
    """Sequences in any order, split anywhere: at most one event each."""
    text = "".join(sequences)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text)), max_size=6)))
    decoder, events = KeyDecoder(), []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        events += decoder.feed(text[start:end], 0.0)
    alone = [event for sequence in sequences for event in KeyDecoder().feed(sequence, 0.0)]
    assert events == alone
    assert len(alone) <= len(sequences)
    assert decoder.feed("q", 0.0) == [Key("q")]


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("\x1b[]OP;:12u~\x9b"), max_size=80))
def test_any_input_at_all_is_read_and_forgotten(text: str) -> None:
    decoder = KeyDecoder()
    decoder.feed(text, 0.0)
    decoder.flush(0.5)
    later = 0.5 + PASTE_GAP_S + 1
    decoder.feed("1", later)
    assert decoder.feed("q", later + 2 * LATE_TAIL_S) == [Key("q")]


@pytest.mark.parametrize(
    "unfinished", ["\x1b[", "\x1bO", "\x1b]\x1b[", "\x9b", "\x1b[M", "\x1bP\x1b]", "\x1b\x1b["]
)
@pytest.mark.parametrize("is_at_once", [True, False])
def test_sequences_begun_again_and_again_are_read_and_forgotten(unfinished: str, is_at_once: bool) -> None:
    """A held key can send the beginning of a sequence repeatedly."""
    decoder, text = KeyDecoder(), unfinished * 2000
    for piece in [text] if is_at_once else text:
        assert decoder.feed(piece, 0.0) == []
    assert decoder.feed("1", PASTE_GAP_S + 1) == []
    assert decoder.feed("q", PASTE_GAP_S + 1 + 2 * LATE_TAIL_S) == [Key("q")]
