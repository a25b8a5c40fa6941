"""Questions on a terminal: lists to choose from and lines of text.

Knows the keys that answer a question. A key older than a consequential question never answers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TextIO, TypeVar, cast

from prompt_toolkit.application import Application, in_terminal
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output.vt100 import Vt100_Output

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.prompts.choice_list import MOVES, NOT_READY, READY, ChoiceList
from kalshi_trading.ui.prompts.prompter import (
    Choice,
    GoBack,
    InputClosed,
    LeaveTask,
    default_hint,
    parse_or_go_back,
)
from kalshi_trading.ui.terminal import signals
from kalshi_trading.ui.terminal.gate import Gate
from kalshi_trading.ui.terminal.keyboard import STEP_S, Keyboard
from kalshi_trading.ui.terminal.keys import is_visible
from kalshi_trading.ui.terminal.modes import is_in_background

T = TypeVar("T")


class TerminalPrompter:
    """Asks at the cursor: a key, or the arrows and Enter, choose.

    `say` shows a sentence. `show_again` redraws the last output that fits on the screen. `on_ctrl_c` is
    called at each Ctrl-C.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        stdin: TextIO,
        stdout: TextIO,
        *,
        show_again: Callable[[], None] = lambda: None,
        on_ctrl_c: Callable[[], object] = lambda: None,
    ) -> None:
        self._say = say
        self._show_again = show_again
        self._on_ctrl_c = on_ctrl_c
        self._application: Application[Any] | None = None
        self._gate: Gate | None = None
        self._interruption: BaseException | None = None
        self._is_suspended = False
        self._keyboard = Keyboard(stdin)
        self._output = Vt100_Output.from_pty(stdout)
        # cursor reports arrive late on a slow line, and nothing needs them
        self._output.enable_cpr = False

    # --- Lists ------------------------------------------------------------------------------------

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        if not is_consequential:
            return self._chosen(ChoiceList(question, choices, marked=marked), choices)
        gate = Gate(
            self._keyboard.run,
            moves=MOVES.difference(choice.key for choice in choices),
            immediate=[choice.key for choice in choices if choice.is_immediate],
            means=lambda key: rows.means(key),
        )
        rows = ChoiceList(question, choices, marked=marked, readiness=gate)
        return self._chosen(rows, choices, gate)

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        return self._chosen(ChoiceList(question, choices, is_in_line=True), choices)

    def _chosen(self, rows: ChoiceList, choices: Sequence[Choice[T]], gate: Gate | None = None) -> T:
        index: int = self._answer(self._list_application(rows, gate), gate)
        return choices[index].value

    def _list_application(self, rows: ChoiceList, gate: Gate | None) -> Application[int]:
        bindings = self._common_bindings()

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
            if rows.fit(size.columns, size.rows) and gate is not None:
                gate.mark_changed()
            return rows.render()

        control = FormattedTextControl(shown, focusable=True, show_cursor=False)
        return Application(
            Layout(Window(control, dont_extend_height=True, wrap_lines=True)),
            key_bindings=bindings,
            erase_when_done=True,
            input=self._keyboard,
            output=self._output,
        )

    # --- Text -------------------------------------------------------------------------------------

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
            text = self._line(
                f"{question}{default_hint(default)}", prefill, is_consequential=is_consequential
            )
            try:
                return parse_or_go_back(text.strip() or default, parse)
            except InvalidInputError as error:
                self._say(str(error))

    def _line(self, question: str, prefill: str, *, is_consequential: bool) -> str:
        import questionary

        gate = Gate(self._keyboard.run, is_text=True) if is_consequential else None
        prompt = questionary.text(
            cast(str, _LiveQuestion(question, gate)),  # questionary formats it again each time it draws
            default=prefill,
            qmark=READY,
            key_bindings=merge_key_bindings([self._common_bindings(), _text_bindings()]),
            input=self._keyboard,
            output=self._output,
        )
        return str(self._answer(prompt.application, gate))

    # --- Both -------------------------------------------------------------------------------------

    def _answer(self, application: Application[T], gate: Gate | None = None) -> T:
        application.ttimeoutlen = self._keyboard.escape_wait_s
        if gate is None and not self._keyboard.is_status_requested:
            application.after_render += self._ask_terminal
        self._application, self._gate = application, gate
        try:
            with self._keyboard.gated(application, gate):
                # prompt_toolkit's handler would print a traceback and wait for Enter
                return application.run(pre_run=self._begin, set_exception_handler=False)
        except KeyboardInterrupt:
            raise LeaveTask from None
        except EOFError:
            raise InputClosed from None
        finally:
            self._application = self._gate = None
            if self._interruption is not None:
                raise self._interruption

    def _begin(self) -> None:
        """End the question if a task or a redraw fails.

        The error is raised from `_answer` and handled like any other.
        """

        def fail(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if error is None:
                loop.default_exception_handler(context)
            elif self._application is not None:
                _end(self._application, error)

        asyncio.get_running_loop().set_exception_handler(fail)
        self._leave_if_interrupted()

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
        if self._interruption is not None and self._application is not None:
            _end(self._application, self._interruption)

    async def _suspend(self) -> None:
        """Stop the program, as Ctrl-Z does; does nothing without a parent shell."""
        await self._keyboard.wait_for_status()  # otherwise the shell would read the answer
        async with in_terminal():
            self._is_suspended = True
            signals.suspend()
            while is_in_background(self._keyboard.fileno()):  # after `bg`, or while the program is ending
                await asyncio.sleep(STEP_S)
        self._is_suspended = False
        if self._gate is not None:
            self._gate.mark_changed()

    def resume(self) -> bool:
        application = self._application
        if application is None or application.loop is None:
            return False
        if not self._is_suspended:  # otherwise prompt_toolkit resumes by itself
            application.loop.call_soon_threadsafe(self._take_terminal)
        return True

    def _take_terminal(self) -> None:
        """Redraw the question after another process stopped the program.

        The terminal may have been used meanwhile.
        """
        if self._application is not None and not self._application.is_done:
            self._keyboard.raw_mode().__enter__()
            self._redraw(self._application)

    def _redraw(self, application: Application[Any]) -> None:
        application.renderer.clear()
        if self._gate is not None:
            self._gate.mark_changed()
        self._show_again()
        application.invalidate()

    def _common_bindings(self) -> KeyBindings:
        """Bind the keys that mean the same at every question."""
        bindings = KeyBindings()

        @bindings.add("c-c", eager=True)
        @bindings.add("<sigint>", eager=True)
        def _(event: KeyPressEvent) -> None:
            self._on_ctrl_c()
            _end(event.app, LeaveTask())

        @bindings.add("c-d", eager=True)  # a key, not the end of input, which means that the terminal is gone
        def _(event: KeyPressEvent) -> None:
            _end(event.app, LeaveTask())

        @bindings.add("c-z", eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.create_background_task(self._suspend())

        @bindings.add("c-l", eager=True)
        def _(event: KeyPressEvent) -> None:
            self._redraw(event.app)

        return bindings


def _end(application: Application[Any], error: BaseException) -> None:
    """End the question with an error unless it has already ended.

    A signal can arrive at any time.
    """
    if application.future is not None and not application.future.done():
        application.exit(exception=error)


class _LiveQuestion:
    """A question that includes the gate's note each time it is drawn."""

    def __init__(self, question: str, gate: Gate | None) -> None:
        self._question = question
        self._gate = gate

    def __str__(self) -> str:
        if self._gate is None:
            return self._question
        parts = [self._gate.note, self._question, "" if self._gate.is_open else NOT_READY]
        return " ".join(filter(None, parts))


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
