"""The exit dialog: list open orders and ask to keep or cancel them.

Asks, calls and shows. Cancels only what the user confirms.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from kalshi_trading.core.errors import TradingError
from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.core.text import pluralize
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.background_task import run_with_timeout
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, LeaveTask
from kalshi_trading.ui.screens import orders as order_screens

ORDERS_NAMED = 10
LOOK_S = 3


class _Answer(Enum):
    STAY = auto()
    LEAVE = auto()
    CANCEL_AND_LEAVE = auto()


def ask_to_leave(app: AppContext, *, was_chosen: bool) -> bool:
    """Ask to exit, cancel open orders on request, return True to exit.

    Reads lag writes, so a recent order counts if the journal knows it as open.
    """
    try:
        settle(app)
        orders = _resting(app)
        unlisted = app.watch.unlisted(orders)
        for sentence in unlisted:
            app.show_text(
                f"Placed a moment ago and not in the exchange's list yet, where it may rest: {sentence}"
            )
        if unlisted:
            app.show_text(
                "What is not listed stays if you leave; panic, under Cancel an order, cancels it too."
            )
        answer = _ask_what_to_do(app, orders, was_chosen=was_chosen)
        if answer is _Answer.CANCEL_AND_LEAVE and not order_screens.cancel_these(app, orders):
            app.show_error("Not every order is known to be canceled, so the program stays open.")
            return False
        return answer is not _Answer.STAY
    except (LeaveTask, KeyboardInterrupt):
        app.show_text("Back to the menu.")
        return False


def settle(app: AppContext) -> None:
    """Retry pending journal writes and explain what still fails."""
    app.executor.retry_pending_writes()
    if app.executor.has_unrecorded_panic:
        app.show_error(
            "The panic is not on record: other sessions, and the next one, can send orders. "
            "Stop them, and panic again once the journal works."
        )


def list_remaining_orders(app: AppContext) -> None:
    """List the open orders when input has ended and no question is possible."""
    try:
        orders = run_with_timeout(LOOK_S, lambda: app.client.get_orders(status=OrderStatus.RESTING).whole())
    except (TradingError, TimeoutError, LeaveTask, KeyboardInterrupt):
        app.show_text("Orders that rest stay at the exchange; whether any do could not be read.")
        return
    if orders:
        count, stay = pluralize(len(orders), "resting order"), "stays" if len(orders) == 1 else "stay"
        app.show_text(f"{count} {stay} at the exchange and may still fill:")
        _say_orders(app, orders, most=ORDERS_NAMED)


def _resting(app: AppContext) -> tuple[Order, ...]:
    try:
        return app.run_with_spinner("Looking for resting orders …", app.executor.list_open_orders)
    except TradingError as error:
        app.show_error(f"The open orders could not be read; any that rest stay. {error}")
        return ()


def _ask_what_to_do(app: AppContext, orders: Sequence[Order], *, was_chosen: bool) -> _Answer:
    """Ask until the user decides.

    The marked answer is to exit if the user chose Exit, and to stay after Ctrl-C. The keys are letters,
    because a digit was meant for the menu.
    """
    _say_orders(app, orders, most=ORDERS_NAMED)
    one = len(orders) == 1
    question = "Leave the program?"
    ways = [Choice("e", "Exit", _Answer.LEAVE)]
    if orders:
        count = pluralize(len(orders), "resting order")
        question = f"{count}. Leave {'it' if one else 'them'} at the exchange?"
        ways = [
            Choice("e", f"Keep {'it' if one else 'them'} and exit", _Answer.LEAVE),
            Choice("x", f"Cancel {'it' if one else 'them all'} and exit", _Answer.CANCEL_AND_LEAVE),
        ]
    choices = [*ways, Choice("0", "Back to the menu", _Answer.STAY)]
    marked = 0 if was_chosen else len(ways)
    while True:
        answer = app.prompter.choose(question, choices, marked=marked, is_consequential=True)
        if answer is not _Answer.CANCEL_AND_LEAVE or _wants_to_cancel(app, orders):
            return answer


def _wants_to_cancel(app: AppContext, orders: Sequence[Order]) -> bool:
    """Show every order and ask again; the key differs from the previous one."""
    _say_orders(app, orders, most=len(orders))
    keep = Choice("0", "Back, cancel nothing", False)
    go = Choice("c", f"Cancel {pluralize(len(orders), 'order')} and exit", True)
    try:
        return app.prompter.choose("Cancel what is listed above?", [keep, go], is_consequential=True)
    except GoBack:
        return False


def _say_orders(app: AppContext, orders: Sequence[Order], *, most: int) -> None:
    for line in order_screens.lines_of(app, orders[:most]):
        app.show_text(f"  {line}")
    if len(orders) > most:
        app.show_text(f"  and {len(orders) - most:,} more")
