"""The questions a person is asked: with arrow keys on a terminal, as plain numbered lines elsewhere.

Knows how to ask and how to hear "back" (Ctrl-C) and "the end" (no more input); knows nothing of orders
or the exchange. What is not understood is asked again with one sentence; it never changes anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TextIO, TypeVar

from kalshi_trading.errors import InvalidInputError

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from questionary import Question

T = TypeVar("T")


class Back(Exception):
    """The user wants to leave this screen (Ctrl-C)."""


class EndOfInput(Exception):
    """There is no more input; the program ends."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One answer to choose: `key` is what is typed for it."""

    key: str
    label: str
    value: T


class Prompter(Protocol):
    """The seam between screens and a person. Every method raises Back or EndOfInput."""

    def choose(self, question: str, choices: Sequence[Choice[T]]) -> T:
        """Ask for one of the choices; the first one is where the cursor stands."""
        ...

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        """Ask the same with the choices side by side, which leaves the screen to what stands above."""
        ...

    def ask(self, question: str, parse: Callable[[str], T], *, default: str = "") -> T:
        """Ask for text until `parse` takes it; its InvalidInputError is shown and the question repeated."""
        ...


def numbered(labels: Sequence[str], values: Sequence[T], *, start: int = 1) -> list[Choice[T]]:
    """Number choices for `Prompter.choose`."""
    return [
        Choice(str(number), label, value)
        for number, (label, value) in enumerate(zip(labels, values, strict=True), start=start)
    ]


BACK_OR_AGAIN = numbered(["Back to the menu", "Read again"], [False, True], start=0)
"""Whether a page that was read is to be read anew."""


def typed_word(word: str) -> Callable[[str], bool]:
    """Make a parser that tells whether exactly this word was typed."""
    return lambda text: text.strip() == word


class TerminalPrompter:
    """Asks with questionary: arrow keys or the key shown before a choice."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def choose(self, question: str, choices: Sequence[Choice[T]]) -> T:
        import questionary

        rows = [
            questionary.Choice(f"{choice.key:>2}  {choice.label}", value=index)
            for index, choice in enumerate(choices)
        ]
        prompt = questionary.select(question, choices=rows, instruction=" ", qmark="›", pointer="▸")
        _choose_by_key(prompt, choices)
        index: int = _answered(prompt.unsafe_ask)
        return choices[index].value

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        index: int = _answered(_line_of_choices(question, choices).run)
        return choices[index].value

    def ask(self, question: str, parse: Callable[[str], T], *, default: str = "") -> T:
        import questionary

        while True:
            prompt = questionary.text(f"{question}{_offer(default)}", qmark="›", key_bindings=_end_of_input())
            text: str = _answered(prompt.unsafe_ask)
            try:
                return parse(text.strip() or default)
            except InvalidInputError as error:
                self._say(str(error))


def _offer(default: str) -> str:
    """Name what Enter stands for. It is never put into the field: digits typed after it would join it."""
    return f" [{default}]" if default else ""


def _end_of_input() -> KeyBindings:
    """Let Ctrl-D end the input wherever the cursor stands."""
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @bindings.add("c-d", eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)

    return bindings


def _choose_by_key(prompt: Question, choices: Sequence[Choice[T]]) -> None:
    """Let keys pick: at once where every key is one character, else the number typed moves the cursor."""
    from prompt_toolkit.key_binding import merge_key_bindings

    keys = [choice.key for choice in choices]
    bindings = _end_of_input()
    if all(len(key) == 1 for key in keys):
        _pick_at_once(bindings, keys)
    else:
        _point_at_typed(bindings, keys, prompt)
    application = prompt.application
    assert application.key_bindings is not None
    application.key_bindings = merge_key_bindings([application.key_bindings, bindings])
    application.erase_when_done = True


def _pick_at_once(bindings: KeyBindings, keys: Sequence[str]) -> None:
    def bind(key: str, index: int) -> None:
        @bindings.add(key, eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.exit(result=index)

    for index, key in enumerate(keys):
        bind(key, index)


def _point_at_typed(bindings: KeyBindings, keys: Sequence[str], prompt: Question) -> None:
    """Move the cursor to the number typed so far; Enter takes it, so that 12 is never heard as 1."""
    from questionary.prompts.common import InquirerControl

    controls = prompt.application.layout.find_all_controls()
    rows = next(control for control in controls if isinstance(control, InquirerControl))
    typed = ""

    def bind(character: str) -> None:
        @bindings.add(character, eager=True)
        def _(event: KeyPressEvent) -> None:
            nonlocal typed
            longer = typed + character
            typed = longer if any(key.startswith(longer) for key in keys) else character
            if typed in keys:
                rows.pointed_at = keys.index(typed)

    for character in sorted(set("".join(keys))):
        bind(character)


def _line_of_choices(question: str, choices: Sequence[Choice[T]]) -> Application[int]:
    """Make a prompt whose choices stand side by side; every key is one character and picks at once."""
    from prompt_toolkit.application import Application
    from prompt_toolkit.key_binding import merge_key_bindings
    from prompt_toolkit.layout import FormattedTextControl, Layout, Window

    pointed = 0
    bindings, moves = _end_of_input(), _moves(lambda step: point(pointed + step), lambda: pointed)
    _pick_at_once(bindings, [choice.key for choice in choices])

    def point(index: int) -> None:
        nonlocal pointed
        pointed = index % len(choices)

    def shown() -> StyleAndTextTuples:
        fragments: StyleAndTextTuples = [("bold", f"› {question}")]
        labels = [f"{choice.key} {choice.label}" for choice in choices]
        for row in in_rows([len(label) for label in labels], application.output.get_size().columns - 2):
            fragments += [("", "\n")]
            for index in row:
                fragments += [("", "  "), ("reverse" if index == pointed else "", labels[index])]
        return fragments

    control = FormattedTextControl(shown, focusable=True, show_cursor=False)
    application: Application[int] = Application(
        Layout(Window(control, dont_extend_height=True)),
        key_bindings=merge_key_bindings([moves, bindings]),
        erase_when_done=True,
    )
    return application


def in_rows(widths: Sequence[int], room: int) -> list[list[int]]:
    """Put things of these widths, by number, into rows with two signs before each."""
    rows: list[list[int]] = []
    left = 0
    for index, width in enumerate(widths):
        if not rows or width + 2 > left:
            rows.append([])
            left = room
        rows[-1].append(index)
        left -= width + 2
    return rows


def _moves(move: Callable[[int], None], pointed: Callable[[], int]) -> KeyBindings:
    """Let the arrow keys point, Enter take what they point at, and Ctrl-C go back."""
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    def bind(key: str, step: int) -> None:
        @bindings.add(key)
        def _(event: KeyPressEvent) -> None:
            move(step)

    for key, step in (("left", -1), ("up", -1), ("right", 1), ("down", 1)):
        bind(key, step)

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=pointed())

    @bindings.add("c-c")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    return bindings


def _answered(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except KeyboardInterrupt:
        raise Back from None
    except EOFError:
        raise EndOfInput from None


class PlainPrompter:
    """Asks with numbered lines, for input that is not a terminal."""

    def __init__(self, say: Callable[[str], None], lines: TextIO | None = None) -> None:
        self._say = say
        self._lines = lines if lines is not None else sys.stdin

    def choose(self, question: str, choices: Sequence[Choice[T]]) -> T:
        self._say(question)
        for choice in choices:
            self._say(f"{choice.key:>3}  {choice.label}")
        while True:
            typed = self._line()
            for choice in choices:
                if typed == choice.key:
                    return choice.value
            self._say(f"Type one of {', '.join(choice.key for choice in choices)}.")

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        return self.choose(question, choices)

    def ask(self, question: str, parse: Callable[[str], T], *, default: str = "") -> T:
        while True:
            self._say(f"{question}{_offer(default)}")
            try:
                return parse(self._line() or default)
            except InvalidInputError as error:
                self._say(str(error))

    def _line(self) -> str:
        try:
            line = self._lines.readline()
        except KeyboardInterrupt:
            raise Back from None
        except UnicodeDecodeError:
            return "�"
        if not line:
            raise EndOfInput
        return line.strip()
