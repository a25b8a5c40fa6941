"""Questions on a terminal: lists to choose from and lines of text.

Knows which keys answer a question, and lets none answer a consequential one that is older than it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, TextIO, TypeVar, cast

from prompt_toolkit.application import Application
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output.vt100 import Vt100_Output

from kalshi_trading.choice_list import MOVES, ChoiceList
from kalshi_trading.errors import InvalidInputError
from kalshi_trading.keyboard import Gate, Keyboard
from kalshi_trading.keys import is_visible
from kalshi_trading.prompts import Choice, GoBack, InputClosed, LeaveTask, offer

T = TypeVar("T")

READY, NOT_READY = "›", "·"
IGNORED = "Keys pressed too early were ignored."


class TerminalPrompter:
    """Asks where the cursor is: a key, or the arrows and Enter, choose."""

    def __init__(self, say: Callable[[str], None], stdin: TextIO, stdout: TextIO) -> None:
        self._say = say
        self._application: Application[Any] | None = None
        self._interruption: BaseException | None = None
        self._keyboard = Keyboard(stdin)
        self._output = Vt100_Output.from_pty(stdout)
        self._output.enable_cpr = (
            False  # answers about the cursor come late on a slow line, and nothing needs them
        )

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        return self._chosen(
            ChoiceList(question, choices, marked=marked), choices, is_consequential=is_consequential
        )

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        rows = ChoiceList(question, choices, is_in_line=True)
        return self._chosen(rows, choices, is_consequential=False)

    def _chosen(self, rows: ChoiceList, choices: Sequence[Choice[T]], *, is_consequential: bool) -> T:
        application = self._list_application(rows)
        immediate = [choice.key for choice in choices if choice.is_immediate]
        with ExitStack() as stack:
            if is_consequential:
                gate = Gate(self._keyboard, application, moves=MOVES, immediate=immediate)
                rows.mark, rows.note = partial(_mark, gate), lambda: IGNORED if gate.has_ignored else ""
                stack.enter_context(gate)
            index: int = self._answer(application)
        return choices[index].value

    def _list_application(self, rows: ChoiceList) -> Application[int]:
        bindings = _common_bindings()

        @bindings.add(Keys.Any)
        def _(event: KeyPressEvent) -> None:
            key = event.key_sequence[0].key
            try:
                index = rows.press(key.value if isinstance(key, Keys) else key)
            except GoBack as back:
                event.app.exit(exception=back)
            else:
                if index is not None:
                    event.app.exit(result=index)

        def shown() -> Any:
            size = self._output.get_size()
            rows.fit(size.columns, size.rows)
            return rows.shown()

        control = FormattedTextControl(shown, focusable=True, show_cursor=False)
        return Application(
            Layout(Window(control, dont_extend_height=True, wrap_lines=True)),
            key_bindings=bindings,
            erase_when_done=True,
            input=self._keyboard,
            output=self._output,
        )

    def ask(
        self,
        question: str,
        parse: Callable[[str], T],
        *,
        default: str = "",
        prefill: str = "",
        is_consequential: bool = False,
    ) -> T:
        while True:
            text = self._line(f"{question}{offer(default)}", prefill, is_consequential=is_consequential)
            try:
                return parse(text.strip() or default)
            except InvalidInputError as error:
                self._say(str(error))

    def _line(self, question: str, prefill: str, *, is_consequential: bool) -> str:
        import questionary

        shown = _LiveText(lambda: question)
        prompt = questionary.text(
            cast(str, shown),
            default=prefill,
            qmark="›",
            key_bindings=merge_key_bindings([_common_bindings(), _text_bindings()]),
            input=self._keyboard,
            output=self._output,
        )
        with ExitStack() as stack:
            if is_consequential:
                gate = Gate(self._keyboard, prompt.application, is_text=True)
                shown.read = lambda: question if gate.is_open or gate.is_typing else f"{question} {NOT_READY}"
                stack.enter_context(gate)
            return str(self._answer(prompt.application))

    def _answer(self, application: Application[T]) -> T:
        application.ttimeoutlen = self._keyboard.escape_wait_s
        if not self._keyboard.is_terminal_known:
            application.after_render += self._ask_terminal
        self._application = application
        try:
            # the handler of prompt_toolkit would print a traceback and wait for Enter
            return application.run(pre_run=self._leave_if_interrupted, set_exception_handler=False)
        except KeyboardInterrupt:
            raise LeaveTask from None
        except EOFError:
            raise InputClosed from None
        finally:
            self._application = None
            if self._interruption is not None:
                raise self._interruption

    def _ask_terminal(self, application: Application[Any]) -> None:
        application.after_render -= self._ask_terminal
        self._keyboard.request_status(self._output)

    def interrupt(self, error: BaseException) -> bool:
        if self._application is None:
            return False
        self._interruption = error
        if self._application.loop is not None:
            self._application.loop.call_soon_threadsafe(self._leave_if_interrupted)
        return True

    def _leave_if_interrupted(self) -> None:
        application = self._application
        if self._interruption is not None and application is not None and not application.is_done:
            application.exit()


def _mark(gate: Gate) -> str:
    return READY if gate.is_open else NOT_READY


class _LiveText:
    """Text that questionary formats anew each time it draws."""

    def __init__(self, read: Callable[[], str]) -> None:
        self.read = read

    def __str__(self) -> str:
        return self.read()


def _common_bindings() -> KeyBindings:
    """Bind the keys that mean the same at every question."""
    bindings = KeyBindings()

    @bindings.add("c-c", eager=True)
    @bindings.add("c-d", eager=True)  # a key, and not the end of input: that is the end of the terminal
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt)

    @bindings.add("c-z", eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.suspend_to_background()

    @bindings.add("c-l", eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.renderer.clear()

    return bindings


def _text_bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("escape", eager=True)
    def _(event: KeyPressEvent) -> None:
        event.app.erase_when_done = True
        event.app.exit(exception=GoBack)

    @bindings.add(Keys.BracketedPaste, eager=True)
    def _(event: KeyPressEvent) -> None:
        lines = event.data.replace("\r", "\n").strip("\n").split("\n")
        event.current_buffer.insert_text("".join(filter(is_visible, lines[0])))

    return bindings
