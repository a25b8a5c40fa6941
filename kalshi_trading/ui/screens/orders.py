"""Screens for open orders: list them, cancel them, and panic.

Computes nothing and catches only errors a screen can continue from. A cancel is never interrupted halfway:
Ctrl-C waits for it. If the user stops waiting, the menu shows its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from kalshi_trading.core import text
from kalshi_trading.core.errors import JournalError, TradingError
from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.history.rows import OrderDescription, describe
from kalshi_trading.journal.own_orders import intents_of
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.ui.app import RECENT_LINES, AppContext, ProgressMessages
from kalshi_trading.ui.prompts.prompter import BACK_OR_REFRESH, Choice, ask_then, numbered, typed_word
from kalshi_trading.ui.views import orders as orders_view
from kalshi_trading.ui.views import result

CANCELING = ProgressMessages(
    first="Canceling…",
    slow="Still canceling; the exchange is slow to answer…",
    finishing="Finishing cancels",
)
PANICKING = ProgressMessages(
    first="Canceling all orders…",
    slow="Verifying that no orders are open…",
    finishing="Finishing panic",
)


def open_orders(app: AppContext) -> None:
    """Show the open orders until the user goes back."""
    is_wanted = True
    while is_wanted:
        orders = app.run_with_spinner("Reading open orders…", app.orders.list_open_orders)
        app.show(orders_view.open_orders(_describe(app, orders), app.clock()))
        is_wanted = bool(orders) and app.prompter.choose_in_line("Open orders", BACK_OR_REFRESH)


def order_lines(app: AppContext, orders: Sequence[Order]) -> list[str]:
    """Return one line for each order.

    Our own orders appear as placed if a recent journal line has their intent.
    """
    return [orders_view.order_line(row) for row in _describe(app, orders, most=RECENT_LINES)]


def _describe(app: AppContext, orders: Sequence[Order], *, most: int | None = None) -> list[OrderDescription]:
    """Describe orders by their intents in the journal's newest `most` lines.

    None: all lines.
    """
    try:
        intents = intents_of(orders, app.journal.recent_records(most))
    except JournalError as error:
        app.show_error(f"{error} Orders below are shown as the exchange reports them, yours included.")
        intents = {}
    return [describe(order, intents.get(order.order_id)) for order in orders]


def cancel_order(app: AppContext) -> None:
    """Cancel one order or all, or panic, which also blocks new orders."""
    orders = _read_open_orders(app)
    rows: list[Choice[Callable[[], None]]] = [Choice("0", "Back", lambda: None)]
    rows += numbered(order_lines(app, orders), [_cancel_task(app, order) for order in orders])
    if len(orders) > 1:
        rows.append(Choice("a", f"Cancel all {len(orders)} orders", _cancel_task(app, *orders)))
    label = "Panic: cancel all and lock trading (acts at once)"
    rows.append(Choice("p", label, lambda: _panic(app), is_immediate=True))
    if app.orders.block_reason() is not None:
        rows.append(Choice("r", "Unlock trading", lambda: _allow_orders(app)))
    ask_then(
        lambda _: app.prompter.choose("Cancel which order?", rows, is_consequential=True),
        lambda task: task(),
    )


def _cancel_task(app: AppContext, *orders: Order) -> Callable[[], None]:
    def cancel() -> None:
        cancel_orders(app, orders)

    return cancel


def _read_open_orders(app: AppContext) -> tuple[Order, ...]:
    """List the open orders; panic can cancel those that cannot be listed."""
    try:
        orders = app.run_with_spinner("Reading open orders…", app.orders.list_open_orders)
    except TradingError as error:
        app.show_error(f"Open orders unavailable. {error}")
        return ()
    if not orders:
        app.show_text("No open orders to cancel.")
    return orders


def _panic(app: AppContext) -> None:
    def progress_detail() -> str:
        orders = app.orders.under_way_count
        return f"Waiting for {text.pluralize(orders, 'order')} in progress…" if orders else ""

    shown = app.run_uninterruptible(
        app.orders.panic,
        replace(PANICKING, detail=progress_detail),
        show=lambda report: app.show(result.panic(report)),
        on_abandoned=lambda report: app.orders.announce(result.panic_result_text(report)),
    )
    if not shown:
        app.show_error("Panic continues in the background. The menu will show the result.")


def _allow_orders(app: AppContext) -> None:
    word = "ALLOW"
    question = f"Type {word} to unlock trading:"
    if not app.prompter.ask(question, typed_word(word), is_consequential=True):
        app.show_text("Trading stays locked.")
    elif app.orders.allow_orders():
        app.show_text("Trading is unlocked.")
    else:
        app.show_error("Trading stays locked: the journal could not be written.")


def cancel_orders(app: AppContext, orders: Sequence[Order]) -> bool:
    """Cancel orders one after another and show the result of each.

    Return True if every order is known to be no longer open.
    """
    lines = order_lines(app, orders)
    shown_ends: list[CancelResult] = []

    def show(ends: Sequence[CancelResult]) -> None:
        shown_ends.extend(ends)
        for line, end in zip(lines, ends, strict=True):
            say = app.show_text if end.is_acknowledged else app.show_error
            say(result.cancel_result_text(line, end))

    def announce(ends: Sequence[CancelResult]) -> None:
        for line, end in zip(lines, ends, strict=True):
            app.orders.announce(result.cancel_result_text(line, end))

    shown = app.run_uninterruptible(
        lambda: [app.orders.cancel_order(order) for order in orders],
        CANCELING,
        show=show,
        on_abandoned=announce,
    )
    if not shown:
        app.show_error("Still canceling in the background. The menu will show the result.")
    return shown and not any(
        not end.is_acknowledged and end.order.status is OrderStatus.RESTING for end in shown_ends
    )
