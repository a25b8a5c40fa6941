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
READ_TIMEOUT_S = 3


class _Answer(Enum):
    STAY = auto()
    EXIT = auto()
    CANCEL_AND_EXIT = auto()


def confirm_exit(app: AppContext, *, was_chosen: bool) -> bool:
    """Ask to exit, cancel open orders on request, return True to exit.

    Reads lag writes, so a recent order counts if the journal knows it as open.
    """
    try:
        retry_journal_writes(app)
        orders = _read_open_orders(app)
        unlisted = app.watch.unlisted(orders)
        for sentence in unlisted:
            app.show_text(f"Just placed and not listed yet; it may be open: {sentence}")
        if unlisted:
            app.show_text("Unlisted orders stay if you exit. To cancel them, use panic: 4, then p.")
        answer = _ask_what_to_do(app, orders, was_chosen=was_chosen)
        if answer is _Answer.CANCEL_AND_EXIT and not order_screens.cancel_orders(app, orders):
            app.show_error("Not every order is confirmed canceled. The program stays open.")
            return False
        return answer is not _Answer.STAY
    except (LeaveTask, KeyboardInterrupt):
        app.show_text("Back to the menu.")
        return False


def retry_journal_writes(app: AppContext) -> None:
    """Retry pending journal writes and explain what still fails."""
    app.orders.retry_pending_writes()
    if app.orders.has_unrecorded_panic:
        app.show_error(
            "Panic could not be recorded: other and later sessions can still send orders. "
            "Stop them, and panic again once the journal works."
        )


def list_remaining_orders(app: AppContext) -> None:
    """List the open orders when input has ended and no question is possible."""
    try:
        orders = run_with_timeout(
            READ_TIMEOUT_S, lambda: app.client.get_orders(status=OrderStatus.RESTING).require_complete()
        )
    except (TradingError, TimeoutError, LeaveTask, KeyboardInterrupt):
        app.show_text("Open orders unavailable. Any that exist stay on the exchange.")
        return
    if orders:
        count, stay = pluralize(len(orders), "open order"), "stays" if len(orders) == 1 else "stay"
        app.show_text(f"{count} {stay} on the exchange and may still fill:")
        _show_orders(app, orders, most=ORDERS_NAMED)


def _read_open_orders(app: AppContext) -> tuple[Order, ...]:
    try:
        return app.run_with_spinner("Reading open orders…", app.orders.list_open_orders)
    except TradingError as error:
        app.show_error(f"Open orders unavailable; any that exist stay if you exit. {error}")
        return ()


def _ask_what_to_do(app: AppContext, orders: Sequence[Order], *, was_chosen: bool) -> _Answer:
    """Ask until the user decides.

    The marked answer is to exit if the user chose Exit, and to stay after Ctrl-C. The keys are letters,
    because a digit was meant for the menu.
    """
    _show_orders(app, orders, most=ORDERS_NAMED)
    one = len(orders) == 1
    question = "Exit the program?"
    ways = [Choice("e", "Exit", _Answer.EXIT)]
    if orders:
        count = pluralize(len(orders), "open order")
        question = f"You have {count}. Keep or cancel?"
        ways = [
            Choice("e", f"Keep {'order' if one else 'orders'} and exit", _Answer.EXIT),
            Choice("x", f"Cancel {'order' if one else 'all'} and exit", _Answer.CANCEL_AND_EXIT),
        ]
    choices = [*ways, Choice("0", "Back", _Answer.STAY)]
    marked = 0 if was_chosen else len(ways)
    while True:
        answer = app.prompter.choose(question, choices, marked=marked, is_consequential=True)
        if answer is not _Answer.CANCEL_AND_EXIT or _confirm_cancel(app, orders):
            return answer


def _confirm_cancel(app: AppContext, orders: Sequence[Order]) -> bool:
    """Show every order and ask again; the key differs from the previous one."""
    _show_orders(app, orders, most=len(orders))
    count = pluralize(len(orders), "order")
    keep, go = Choice("0", "Back", False), Choice("c", f"Cancel {count} and exit", True)
    try:
        return app.prompter.choose(f"Cancel {count}?", [keep, go], is_consequential=True)
    except GoBack:
        return False


def _show_orders(app: AppContext, orders: Sequence[Order], *, most: int) -> None:
    for line in order_screens.order_lines(app, orders[:most]):
        app.show_text(f"  {line}")
    if len(orders) > most:
        app.show_text(f"  and {len(orders) - most:,} more")
