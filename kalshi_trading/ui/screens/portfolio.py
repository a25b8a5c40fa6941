"""Screens of the portfolio: account, positions, P&L and settlements.

Asks, calls and shows; computes no money. Closing a position takes the same path as any order: ticket,
preview, confirmation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from rich.console import RenderableType

from kalshi_trading.core.dates import local_date, start_of_day
from kalshi_trading.core.errors import InvalidInputError, JournalError
from kalshi_trading.core.models import Action, Order, Settlement
from kalshi_trading.core.money import Contracts, Price, count_text, parse_count
from kalshi_trading.core.order_book import without_own_orders
from kalshi_trading.core.valuation import Mark, liquidate, market_exposure
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.portfolio import breakdown
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.explain_market import (
    explain_settlement,
)
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.ui.app import RECENT_LINES, AppContext
from kalshi_trading.ui.formats import net_position
from kalshi_trading.ui.prompts.prompter import (
    Choice,
    Step,
    ask_in_turn,
    choose_by_name,
    choose_task,
    numbered,
)
from kalshi_trading.ui.screens import explain as explain_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.screens.choose import PageTask, choose_or_type, run_tasks
from kalshi_trading.ui.screens.market import read_book_and_fees
from kalshi_trading.ui.views import pnl
from kalshi_trading.ui.views import portfolio as portfolio_view
from kalshi_trading.ui.views import position as position_view
from kalshi_trading.ui.views import positions as positions_view
from kalshi_trading.ui.views.position import PositionLook
from kalshi_trading.ui.views.positions import PAGE, Sorting

T = TypeVar("T")
CHOICES_LINES = 3
"""Lines that the choices and their question take on a narrow screen."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The account as read, its sorting, and the page on the screen."""

    snapshot: PortfolioSnapshot
    sorting: Sorting = Sorting.VALUE
    start: int = 0
    page: int = PAGE

    @property
    def rows(self) -> list[PositionPnl]:
        """The positions of this page."""
        start = positions_view.page_start(self.start, len(self.snapshot.held), self.page)
        return positions_view.in_order(self.snapshot.held, self.sorting)[start : start + self.page]


def portfolio(app: AppContext) -> None:
    """Show the account and offer tasks until the user goes back."""
    look = _shown(app, _Look(_read_and_shown(app, Mark.BEST_BID)))
    run_tasks(app, "Portfolio", look, _tasks)


def _tasks(look: _Look) -> list[Choice[PageTask[_Look] | None]]:
    tasks: list[tuple[str, PageTask[_Look] | None]] = [
        ("Back", None),
        ("View or close", _position),
        ("Explain a figure", _explain),
        ("P&L over time", _over_time),
        ("Sort", _sort),
        ("Pricing", _revalue),
        ("Settlements", _settlements),
        ("Refresh", _again),
    ]
    if len(look.snapshot.held) > look.page:
        tasks.append(("More positions", _turn_page))
    return numbered([name for name, _ in tasks], [way for _, way in tasks], start=0)


def _read(app: AppContext, mark: Mark, first_look: Callable[[PortfolioSnapshot], None]) -> PortfolioSnapshot:
    return app.run_with_count(
        "Reading positions and fills…",
        lambda progress: app.tracker.refresh(mark=mark, progress=progress, first_look=first_look),
    )


def _read_and_shown(app: AppContext, mark: Mark) -> PortfolioSnapshot:
    """Read the account, and show early what is known before the fills."""

    def show_early(early: PortfolioSnapshot) -> None:
        width, is_brief = app.console.width, _is_low(app)
        summary = portfolio_view.first_look(early, width, is_brief=is_brief)
        app.show(summary)
        page = _room(app, summary)
        app.show(positions_view.positions(early, Sorting.COST, 0, width, page=page, is_brief=is_brief))

    return _read(app, mark, show_early)


def _shown(app: AppContext, look: _Look) -> _Look:
    """Show the summary, and as many positions as fit on the screen.

    Return the look with its page size.
    """
    snapshot = look.snapshot
    today = snapshot.realized_since(start_of_day(snapshot.as_of))
    check = check_account(snapshot)
    summary = portfolio_view.summary(snapshot, today, check, app.console.width, is_brief=_is_low(app))
    app.show(summary)
    look = replace(look, page=_room(app, summary))
    _show_positions(app, look)
    return look


def _is_low(app: AppContext) -> bool:
    return app.console.is_terminal and app.console.height < portfolio_view.LOW_SCREEN


def _room(app: AppContext, above: RenderableType) -> int:
    """Return how many positions fit between `above` and the choices below."""
    if not app.console.is_terminal:
        return PAGE
    lines = app.console.height - len(app.console.render_lines(above)) - CHOICES_LINES
    return positions_view.page_size(lines, is_brief=_is_low(app))


def _show_positions(app: AppContext, look: _Look) -> None:
    width, is_brief = app.console.width, _is_low(app)
    app.show(
        positions_view.positions(
            look.snapshot, look.sorting, look.start, width, page=look.page, is_brief=is_brief
        )
    )


def _again(app: AppContext, look: _Look) -> _Look:
    return _shown(app, replace(look, snapshot=_read_and_shown(app, look.snapshot.mark), start=0))


def _sort(app: AppContext, look: _Look) -> _Look:
    sorting = choose_by_name(app.prompter, "Sort by", {str(by): by for by in Sorting})
    look = replace(look, sorting=sorting, start=0)
    _show_positions(app, look)
    return look


def _turn_page(app: AppContext, look: _Look) -> _Look:
    """Show the next page; after the last one, the first."""
    following = look.start + look.page
    look = replace(look, start=following if following < len(look.snapshot.held) else 0)
    _show_positions(app, look)
    return look


def _revalue(app: AppContext, look: _Look) -> _Look:
    names = ["Best bid: what you can sell at now", "Midpoint of bid and ask", "Last price"]
    mark = choose_by_name(app.prompter, "Price positions at", dict(zip(names, Mark, strict=True)))
    return _shown(app, replace(look, snapshot=_read_and_shown(app, mark)))


# --- One position ---------------------------------------------------------------------------------


def _position(app: AppContext, look: _Look) -> _Look:
    """Choose one position and show it."""
    held = {row.position.ticker: row for row in look.snapshot.held}
    if not held:
        app.show_text("No open positions to show.")
        return look
    width = max((len(row.position.ticker) for row in look.rows), default=0)
    labels = [(f"{row.position.ticker:<{width}}  {net_position(row.position.net)}", row) for row in look.rows]
    return choose_or_type(app, "Which position?", labels, held, partial(_one_position, app, look))


def _one_position(app: AppContext, look: _Look, row: PositionPnl) -> _Look:
    """Show one position with its book, and offer to close or explain it."""
    seen = _seen(app, look.snapshot, row)
    app.show(position_view.position_page(seen))

    def explain() -> _Look:
        if seen.row.ledger is None:
            app.show_text("Only the exchange's figures above are available.")
        else:
            explain_screens.explain_market(app, seen.row.ledger)
        return look

    names = ["Close all or part", "Explain a figure"]
    tasks: list[Callable[[], _Look]] = [partial(_close, app, look, seen), explain]
    return choose_task(app.prompter, "What next?", numbered(names, tasks))


def _seen(app: AppContext, snapshot: PortfolioSnapshot, row: PositionPnl) -> PositionLook:
    """Collect the data of one position, with its current book."""
    position = row.position
    book, fees = read_book_and_fees(app, position.ticker, row.market)
    orders = snapshot.resting.value
    own = tuple(order for order in orders or () if order.ticker == position.ticker)
    book = None if book is None else without_own_orders(book, own)
    return PositionLook(
        row=row,
        mark=snapshot.mark,
        resting=None if orders is None else own,
        alone=market_exposure(position.net, row.cost_basis, ()),
        exposure=None if orders is None else snapshot.exposures.get(position.ticker),
        book=book,
        sale=None if book is None else liquidate(position.net, book, fees[0] if fees else None),
        now=app.clock(),
        words=_own_orders(app, orders or ()),
    )


def _own_orders(app: AppContext, resting: Sequence[Order]) -> OwnOrders:
    """Map order ids to our own orders, as far as recent journal lines reach."""
    try:
        words = OwnOrders(reversed(list(app.journal.recent_records(RECENT_LINES))))
    except JournalError as error:
        app.show_error(f"{error} Orders and fills are shown as the exchange reports them, yours included.")
        return OwnOrders(())
    for order in resting:
        words.remember(order)
    return words


@dataclass(frozen=True, slots=True)
class _Sale:
    """The answers so far on the way to selling a position."""

    count: Contracts
    at_market: bool = False
    price: Price | None = None


def _close(app: AppContext, look: _Look, seen: PositionLook) -> _Look:
    """Open a ticket that sells all or part of a position.

    The result stays on the screen.
    """
    position, side = seen.row.position, seen.row.position.side
    assert side is not None  # only positions with contracts are offered
    market = seen.row.market or app.executor.get_market_info(position.ticker)

    def ask_count(sale: _Sale) -> _Sale:
        count = app.prompter.ask(
            f"Quantity to sell (of {net_position(position.net)})",
            lambda text: _at_most(parse_count(text), position.count),
            default=count_text(sale.count),
        )
        return replace(sale, count=count)

    def ask_kind(sale: _Sale) -> _Sale:
        return replace(sale, at_market=trade_screens.asks_for_market_order(app, proposed=sale.at_market))

    def ask_price(sale: _Sale) -> _Sale:
        price = trade_screens.ask_price(app, market, seen.book, Action.SELL, side, proposed=sale.price)
        return replace(sale, price=price)

    def send(sale: _Sale) -> _Sale:
        price = None if sale.at_market else sale.price
        trade_screens.trade_ticket(app, OrderTicket(position.ticker, Action.SELL, side, sale.count, price))
        return sale

    steps = [Step(ask_count), Step(ask_kind), Step(ask_price, lambda sale: not sale.at_market), Step(send)]
    ask_in_turn(_Sale(position.count), steps)
    snapshot = _read(app, look.snapshot.mark, lambda early: None)
    return replace(look, snapshot=snapshot, start=0)


def _at_most(count: Contracts, held: Contracts) -> Contracts:
    if count > held:
        raise InvalidInputError(f"You hold {count_text(held)}. Selling more would open the opposite side.")
    return count


# --- Explaining -----------------------------------------------------------------------------------


def _explain(app: AppContext, look: _Look) -> _Look:
    explain_screens.explain(app, look.snapshot, look.rows)
    return look


def _settlements(app: AppContext, look: _Look) -> _Look:
    """Show the payouts, and one of them line by line."""
    rows = look.snapshot.settlements.value
    if rows is None:
        app.show_error(f"Settlements unavailable. {look.snapshot.settlements.unavailable}")
        return look
    ledgers = look.snapshot.ledgers
    app.show(pnl.settlements_table(rows, ledgers, look.snapshot.as_of, app.console.width))
    if rows:
        shown = [(row.ticker, row) for row in rows[: pnl.ROWS_SHOWN]]
        known = {row.ticker: row for row in rows}

        def show(row: Settlement) -> None:
            explain_screens.show_explained(app, explain_settlement(row, ledgers.get(row.ticker)))

        choose_or_type(app, "Choose a settlement", shown, known, show)
    return look


# --- P&L over time --------------------------------------------------------------------------------


def _over_time(app: AppContext, look: _Look) -> _Look:
    """Show P&L as a curve over days, or by market, event or series."""
    ledgers = look.snapshot.ledgers.values()
    if look.snapshot.realized is None:
        app.show_error("Realized P&L unavailable: positions or settlements could not be read.")
        return look
    breakdowns = {
        "market": breakdown.by_market,
        "event": breakdown.by_event,
        "series": breakdown.by_series,
    }
    ways = {"By day, as a chart": "", **{f"By {name}": name for name in breakdowns}}
    by = choose_by_name(app.prompter, "Show P&L", ways)
    if by:
        app.show(pnl.breakdown(by, breakdowns[by](ledgers), app.console.width))
    else:
        days = breakdown.by_day(ledgers, local_date)
        app.show(pnl.pnl_by_day(days, local_date(look.snapshot.as_of), app.console.width))
    app.show(pnl.exchange_only_markets(ledgers))
    return look
