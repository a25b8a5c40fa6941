"""Command line, settings, screen, signals and exit status of the program.

Makes no trading decision; `compose` builds the services.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kalshi_trading import __version__
from kalshi_trading.config import default_log_dir, env_file_path, load_configured
from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import AuthenticationError, ConfigurationError, TradingError
from kalshi_trading.settings.options import Settings
from kalshi_trading.ui import packages
from kalshi_trading.ui.exit_codes import (
    EXIT_BUG,
    EXIT_CONFIGURATION,
    EXIT_DONE,
    EXIT_HUNG_UP,
    EXIT_INTERRUPTED,
    EXIT_NO_OUTPUT,
    EXIT_NO_READER,
)
from kalshi_trading.ui.terminal import output, signals
from kalshi_trading.ui.terminal.modes import TerminalModes, can_read_keys
from kalshi_trading.ui.terminal.termination import CtrlC, Termination, TerminationRequested

if TYPE_CHECKING:
    from rich.console import Console

    from kalshi_trading.compose import Services
    from kalshi_trading.ui.app import AppContext
    from kalshi_trading.ui.prompts.prompter import Prompter

HELP = """\
Trade Kalshi event contracts from the terminal.

  {0}               open the menu (default: practice exchange)
  {0} --read-only   open the menu with new orders disabled
  {0} verify        check exchange behavior (--trade: place orders)
  {0} practice …    run only the practice exchange (practice --help)
  {0} --help        show this help
  {0} --version     show the version

Settings file: {1}
"""
_NAMES = {"main.py": "python main.py", "__main__.py": "python -m kalshi_trading"}


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit status; never prints a traceback."""
    words = list(arguments)
    _unset_invalid_variables()
    try:
        output.prepare()
        status = _run_command(words)
        sys.stdout.flush()
        return status
    except TerminationRequested as end:
        return end.exit_status
    except output.OutputClosed as lost:
        if lost.is_terminal_gone:
            output.silence_all()
            return EXIT_HUNG_UP
        output.silence(1)
        _write_stderr(f"{lost} Open orders stay on the exchange.\n")
        return EXIT_NO_READER if lost.is_reader_gone else EXIT_NO_OUTPUT


def _unset_invalid_variables() -> None:
    """Unset COLUMNS, LINES and HOME where their values are impossible.

    COLUMNS and LINES must be sizes, and HOME the absolute path of a folder.
    """
    if not os.path.isabs(os.environ.get("HOME", "")):
        os.environ.pop("HOME", None)
    for name in ("COLUMNS", "LINES"):
        size = os.environ.get(name, "")
        if not (size.isascii() and size.isdigit() and size.strip("0")):
            os.environ.pop(name, None)


def _write_stderr(sentence: str) -> None:
    """Write to stderr; if that fails, silence it."""
    try:
        sys.stderr.write(sentence)
        sys.stderr.flush()
    except OSError:
        output.silence(2)


def _help() -> str:
    name = Path(sys.argv[0]).name
    return HELP.format(_NAMES.get(name, name), env_file_path() or "none, the home folder is unknown")


def _run_command(words: list[str]) -> int:
    if words in (["--help"], ["-h"], ["verify", "--help"], ["verify", "-h"]):
        sys.stdout.write(_help())
        return EXIT_DONE
    if words == ["--version"]:
        sys.stdout.write(f"kalshi-trading-terminal {__version__}\n")
        return EXIT_DONE
    if words not in ([], ["--read-only"], ["verify"], ["verify", "--trade"]):
        _write_stderr(f"Unknown command or option: {' '.join(words)}\n\n{_help()}")
        return EXIT_CONFIGURATION
    if absent := packages.missing():
        _write_stderr(f"{absent}\n")
        return EXIT_CONFIGURATION
    log_dir = default_log_dir()
    try:
        settings = load_configured()
        log_dir = settings.log_dir
        if words[:1] == ["verify"]:
            from kalshi_trading.ui.commands import verify

            verify.require_allowed(settings)
            return _run_session(settings, partial(_run_verify, is_trading="--trade" in words))
        is_read_only = "--read-only" in words or settings.read_only
        return _run_session(settings, partial(_run_menu, read_only=is_read_only))
    except ConfigurationError as error:
        problems = "".join(f"  - {problem}\n" for problem in error.problems)
        _write_stderr(f"Cannot start. Fix these settings:\n{problems}")
        return EXIT_CONFIGURATION
    except TradingError as error:
        _write_stderr(f"{error}\n")
        return EXIT_CONFIGURATION
    except KeyboardInterrupt:
        _write_stderr("Interrupted.\n")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the error boundary of the start; the menu has its own)
        if isinstance(error, OSError) and output.is_hung_up():
            output.silence_all()
            return EXIT_HUNG_UP
        if sentence := packages.advice(error):
            _write_stderr(f"{sentence}\n")
            return EXIT_CONFIGURATION
        return _report_bug(error, log_dir)


def _report_bug(error: Exception, log_dir: Path) -> int:
    """Log the traceback and tell the user its reference."""
    from kalshi_trading.trade_logger import TradeLogger

    log = TradeLogger(log_dir, "start")
    reference = log.log_error("Unexpected error at startup", error)
    _write_stderr(f"Unexpected error (reference {reference} in {log.errors_path}).\n")
    return EXIT_BUG


_Work = Callable[["Settings", "Console", "Prompter", TerminalModes], int]


def _run_session(settings: Settings, work: _Work) -> int:
    """Connect, run `work` with signals handled, and return its exit status."""
    ctrl_c = CtrlC()
    console, prompter = _make_console(ctrl_c)
    for warning in settings.warnings:
        console.print(f"Note: {warning}", markup=False)
    modes = TerminalModes()
    termination = Termination(prompter.interrupt, modes, ctrl_c)
    try:
        termination.listen()
        with console.status("Starting…"):
            from kalshi_trading import compose

            settings = compose.connect(settings)
        status = work(settings, console, prompter, modes)
        termination.raise_request()
        return status
    except AuthenticationError as error:
        _write_stderr(f"{_key_advice(settings)}\n{error}\n")
        return EXIT_CONFIGURATION
    except KeyboardInterrupt:
        termination.raise_request()  # Python's own handler is active for a moment after each question
        raise
    except RuntimeError as error:  # Python wraps a signal handler's exception during class creation
        termination.raise_request()
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
    finally:
        try:
            signals.ignore_ctrl_c()  # an order in flight is recorded with its answer first
            termination.conclude()
        finally:
            modes.restore()


def _run_menu(
    settings: Settings, console: Console, prompter: Prompter, modes: TerminalModes, *, read_only: bool
) -> int:
    from kalshi_trading import compose
    from kalshi_trading.ui import menu

    if sys.stdout.isatty():  # if stdout is no terminal, the terminal must echo what the user types
        modes.disable_echo(prompter.resume)
    services = compose.build(settings, read_only=read_only)
    app = _app(services, console, prompter)
    for note in compose.start_housekeeping(services):
        console.print(f"Note: {note}", markup=False)
    return menu.run(app)


def _run_verify(
    settings: Settings, console: Console, prompter: Prompter, modes: TerminalModes, *, is_trading: bool
) -> int:
    from kalshi_trading import compose
    from kalshi_trading.ui.commands import verify
    from kalshi_trading.verify.evidence import Evidence

    if is_trading and not verify.confirm(prompter):
        console.print("No orders were placed.", markup=False)
        return EXIT_DONE
    recorder = verify.Recorder(Evidence())
    services = compose.build(
        settings, read_only=settings.read_only or not is_trading, make_transport=recorder.make_transport
    )
    try:
        for note in compose.start_housekeeping(services):
            console.print(f"Note: {note}", markup=False)
        return verify.verify(services, recorder, console, is_trading=is_trading)
    finally:
        services.close()


def _key_advice(settings: Settings) -> str:
    return (
        f"The {settings.environment} exchange rejected your API key (KALSHI_API_KEY, KALSHI_API_SECRET). "
        "Sandbox and production use different keys."
    )


def _make_console(ctrl_c: CtrlC) -> tuple[Console, Prompter]:
    """Return a console and a prompter that suit stdin and stdout.

    Arrow keys if both are a terminal, otherwise numbered lines.
    """
    from kalshi_trading.ui.prompts.prompter import PlainPrompter
    from kalshi_trading.ui.terminal.redrawable import RedrawableConsole

    console = RedrawableConsole(highlight=False, emoji=False, markup=False)

    def say(sentence: str) -> None:
        console.print(sentence, markup=False)

    if can_read_keys() and sys.stdin.isatty() and sys.stdout.isatty():
        from kalshi_trading.ui.prompts.terminal_prompter import TerminalPrompter

        return console, TerminalPrompter(
            say, sys.stdin, sys.stdout, show_again=console.show_again, on_ctrl_c=ctrl_c.record
        )
    return console, PlainPrompter(say)


def build_app(settings: Settings, console: Console, prompter: Prompter, *, read_only: bool) -> AppContext:
    """Build the menu's session with its own services."""
    from kalshi_trading import compose

    return _app(compose.build(settings, read_only=read_only), console, prompter)


def _app(services: Services, console: Console, prompter: Prompter) -> AppContext:
    from kalshi_trading.ui.app import AppContext

    return AppContext(
        settings=services.settings,
        console=console,
        prompter=prompter,
        client=services.client,
        orders=services.orders,
        tracker=services.tracker,
        journal=services.journal,
        watch=services.watch,
        clock=utc_now,
        account=services.account,
        api_changes=services.drift.release_note,
    )
