"""Find a market and trade it: ticket, preview, confirm, send, result.

Computes no money, builds no JSON and catches only errors a screen can continue from. The menu loop's error
boundary handles the others. Ctrl-C (LeaveTask) leaves a screen at any question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from kalshi_trading.core.errors import InvalidInputError, JournalError, TradeExecutionError
from kalshi_trading.core.fees import highest_rate
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import ZERO, Contracts, Price, count_text, parse_count, parse_price, price_text
from kalshi_trading.core.order_book import best_opposite
from kalshi_trading.core.text import describe_order
from kalshi_trading.core.valuation import floor_paid
from kalshi_trading.orders.execution.submission_result import unresolved_text
from kalshi_trading.orders.pretrade.findings import questions
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import (
    OrderSize,
    OrderTicket,
    off_grid,
    parse_size,
    two_meanings,
)
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.app import AppContext, ProgressMessages
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, Step, ask_in_turn, ask_then, numbered
from kalshi_trading.ui.screens.market import choose_market, read_book_and_fees
from kalshi_trading.ui.views import orders as orders_view
from kalshi_trading.ui.views import result as result_view
from kalshi_trading.ui.views import ticket as ticket_view

SENDING = ProgressMessages(
    first="Sending the order…",
    slow="Order status unknown, still checking. It may be live; don't resend.",
    finishing="Finishing the order",
)
_ORDER_TYPES = ("Limit: set your price", "Market: fill now, price capped")


@dataclass(frozen=True, slots=True)
class _Draft:
    """The answers so far on the way from a market to an order."""

    market: Market
    book: OrderBook | None = None
    fees: tuple[FeeSchedule, ...] = ()
    """The current schedule first, then the announced ones. Empty: unknown."""
    action: Action = Action.BUY
    side: Side = Side.YES
    is_market_order: bool = False
    price: Price | None = None
    """The limit, or the worst price of a market order. None: not answered yet."""
    size: OrderSize | None = None

    @property
    def highest_rate(self) -> Decimal | None:
        """The highest rate r·m this order can pay.

        A market order never rests, so a later fee schedule cannot apply to it.
        """
        schedules = self.fees[:1] if self.is_market_order else self.fees
        return highest_rate(schedules, is_taker=True)

    def ticket(self) -> OrderTicket:
        """Return the drafted order.

        If the user gave dollars, the cap used to count contracts stays fixed.
        """
        assert self.size is not None
        amount = self.size.amount
        return OrderTicket(
            self.market.ticker,
            self.action,
            self.side,
            self.size.count,
            price=None if self.is_market_order else self.price,
            worst_price=self.price if self.is_market_order and amount is not None else None,
            amount=amount,
        )


def find_market(app: AppContext) -> None:
    """Search, show a market with its depth, and offer to trade it."""

    def ask_to_trade(draft: _Draft) -> _Draft:
        rows = numbered(["Back", "Trade this market"], [False, True], start=0)
        if not app.prompter.choose("What next?", rows):
            raise GoBack
        return draft

    _draft_an_order(app, [Step(ask_to_trade), *_order_steps(app)])


def place_trade(app: AppContext) -> None:
    """Find a market, fill in a ticket, confirm it, send it, show the result."""
    _draft_an_order(app, _order_steps(app))


def _draft_an_order(app: AppContext, steps: Sequence[Step[_Draft]]) -> None:
    choose_market(app, lambda market: ask_in_turn(_Draft(market), steps))


def _order_steps(app: AppContext) -> list[Step[_Draft]]:
    """Return the questions from the side to the confirmation.

    The price comes before the size, because an amount in dollars needs it.
    """

    def ask_and_send(draft: _Draft) -> _Draft:
        trade_ticket(app, draft.ticket())
        return draft

    return [
        Step(partial(_ask_direction, app)),
        Step(partial(_ask_kind, app)),
        Step(partial(_ask_price, app), lambda draft: not draft.is_market_order),
        Step(partial(_ask_size, app)),
        Step(ask_and_send),
    ]


# --- Ticket → preview → confirm → result ----------------------------------------------------------


def trade_ticket(app: AppContext, ticket: OrderTicket) -> None:
    """Preview a ticket, ask, send it once and show the result.

    Raises GoBack if a rule denied it or the user did not confirm it: nothing was sent.
    """
    preview = _preview(app, ticket)
    while True:
        latest, moved = _confirm_and_reprice(app, preview)
        if not moved:
            _submit(app, latest)
            return
        app.show_error("Ticket changed. Nothing was sent.")
        for change in moved:
            app.show_text(f"  {change}")
        preview = _with_better_cap(app, latest)


def _with_better_cap(app: AppContext, preview: OrderPreview) -> OrderPreview:
    """Improve a market order's worst price if the book improved.

    It never becomes worse.
    """
    request, context = preview.request, preview.context
    if not preview.ticket.is_market_order or context.book is None:
        return preview
    cap = app.orders.worst_price(context.market, context.book, request.action, request.side)
    is_better = cap < request.price if request.action is Action.BUY else cap > request.price
    return _preview(app, replace(preview.ticket, worst_price=cap)) if is_better else preview


def _preview(app: AppContext, ticket: OrderTicket) -> OrderPreview:
    """Price a ticket. Raises TradingError, which says that nothing was sent."""
    try:
        return app.run_with_spinner("Pricing the order…", lambda: app.orders.preview(ticket))
    except JournalError as error:
        raise TradeExecutionError(f"{error} Nothing was sent.") from error


def _confirm_and_reprice(app: AppContext, preview: OrderPreview) -> tuple[OrderPreview, list[str]]:
    """Show the ticket and ask; after confirmation price it again.

    Return the new preview and the changes since. Raises GoBack.
    """
    app.show(ticket_view.ticket(preview, app.settings.environment))
    if preview.is_denied:
        app.show_error("Order blocked. Nothing was sent.")
        raise GoBack
    ask_then(lambda _: _ask_to_send(app, preview), lambda _: _ask_for_count(app, preview))
    ticket = preview.ticket
    if ticket.is_market_order:  # the worst price stays the one the user saw
        ticket = replace(ticket, worst_price=preview.request.price)
    latest = _preview(app, ticket)
    return latest, ticket_view.changes(preview, latest)


def _submit(app: AppContext, preview: OrderPreview) -> None:
    """Send and show the result.

    If the user stops waiting, the recovery loop finds the outcome.
    """
    shown = app.run_uninterruptible(
        lambda: app.orders.submit(preview),
        SENDING,
        show=lambda result: app.show(result_view.submission(result)),
        on_abandoned=lambda result: app.orders.announce(result_view.order_result_text(preview, result)),
    )
    if not shown:
        app.show_error(unresolved_text(preview.sentence))
        app.show_text("The menu will show the result.")


def _ask_direction(app: AppContext, draft: _Draft) -> _Draft:
    book, fees = read_book_and_fees(app, draft.market.ticker, draft.market)
    directions = [(action, side) for side in Side for action in Action]
    labels = [orders_view.action_label(action, side, book) for action, side in directions]
    marked = directions.index((draft.action, draft.side))
    action, side = app.prompter.choose("Choose a side", numbered(labels, directions), marked=marked)
    price = draft.price if (action, side) == (draft.action, draft.side) else None
    return replace(draft, book=book, fees=fees, action=action, side=side, price=price)


def ask_for_market_order(app: AppContext, *, proposed: bool = False) -> bool:
    return app.prompter.choose("Order type", numbered(_ORDER_TYPES, [False, True]), marked=int(proposed))


def _ask_kind(app: AppContext, draft: _Draft) -> _Draft:
    at_market = ask_for_market_order(app, proposed=draft.is_market_order)
    price = None if at_market != draft.is_market_order else draft.price
    if at_market:
        price = app.orders.worst_price(draft.market, draft.book, draft.action, draft.side)
    return replace(draft, is_market_order=at_market, price=price)


def _ask_price(app: AppContext, draft: _Draft) -> _Draft:
    price = ask_price(app, draft.market, draft.book, draft.action, draft.side, proposed=draft.price)
    return replace(draft, price=price)


def ask_price(
    app: AppContext,
    market: Market,
    book: OrderBook | None,
    action: Action,
    side: Side,
    *,
    proposed: Price | None = None,
) -> Price:
    """Ask for a limit in the terms of the chosen side, on the market's grid.

    Never rounds. The default is `proposed`, otherwise the best ask for a purchase or the best bid for a
    sale.
    """
    best = best_opposite(book, action, side) if book is not None else None
    if proposed is None and best is not None:
        proposed = best.price

    def parse(text: str) -> Price:
        price = parse_price(text)
        problem = two_meanings(text, price, market.price_grid, side) or off_grid(
            market.price_grid, side, price
        )
        if problem is not None:
            raise InvalidInputError(problem)
        return price

    question = f"{side.upper()} limit price (¢)"
    return app.prompter.ask(question, parse, default="" if proposed is None else price_text(proposed))


def _ask_size(app: AppContext, draft: _Draft) -> _Draft:
    """Ask for contracts, or for dollars when buying.

    The price is the most a contract can cost, before fees.
    """
    price, size, is_buy = draft.price, draft.size, draft.action is Action.BUY
    assert price is not None
    prepaid = floor_paid(draft.market, draft.side) or ZERO
    hint = " (10, or $50)" if is_buy else ""
    proposed = count_text(size.count if size is not None else app.settings.default_count).replace(",", "")
    if is_buy and size is not None and size.amount is not None:
        proposed = f"${size.amount}"
    size = app.prompter.ask(
        f"Quantity{hint}",
        lambda text: parse_size(text, draft.action, price, draft.highest_rate, prepaid),
        default=proposed,
    )
    return replace(draft, size=size)


def _ask_to_send(app: AppContext, preview: OrderPreview) -> None:
    rows = [Choice("0", "Back", False), Choice("1", "Place order", True, _short_text(preview))]
    if not app.prompter.choose("Place this order?", rows, is_consequential=True):
        app.show_text("Order not placed. Nothing was sent.")
        raise GoBack


def _short_text(preview: OrderPreview) -> str:
    """Describe the order without its market, which the ticket shows."""
    request = preview.request
    order = describe_order(request.action, request.count, request.side)
    if not preview.ticket.is_market_order:
        return f"{order} at {price_text(request.price)}"
    return f"{order}, {'max' if request.action is Action.BUY else 'min'} price {price_text(request.price)}"


def _ask_for_count(app: AppContext, preview: OrderPreview) -> None:
    """Ask for the count if a rule asks for it, or in production.

    Raises GoBack without it.
    """
    if not questions(preview.findings) and app.settings.environment is not Environment.PRODUCTION:
        return
    count = preview.request.count
    question = f"To confirm, type the quantity ({count_text(count)}):"
    if not app.prompter.ask(question, lambda text: matches_count(text, count), is_consequential=True):
        app.show_text("Not confirmed. Nothing was sent.")
        raise GoBack


def matches_count(text: str, count: Contracts) -> bool:
    """Return True if exactly this count was typed.

    Thousands separators are optional. Text that is no number confirms nothing. Raises InvalidInputError for
    another number.
    """
    try:
        typed = parse_count(text)
    except InvalidInputError:
        return False
    if typed != count:
        raise InvalidInputError(f"{text} does not match. Type {count_text(count)}, or “no” to go back.")
    return True
