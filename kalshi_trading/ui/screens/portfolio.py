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
from kalshi_trading.core.models import Action, Order, Settlement, Side
from kalshi_trading.core.money import ZERO, Contracts, Price, count_text, parse_count
from kalshi_trading.core.order_book import without_own_orders
from kalshi_trading.core.valuation import Mark, floor_paid, liquidate, market_exposure
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.portfolio import breakdown
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.explain.market import explain_settlement
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.ui.app import RECENT_LINES, AppContext
from kalshi_trading.ui.formats import net_position, sentence_case
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
from kalshi_trading.ui.views.position import PositionData
from kalshi_trading.ui.views.positions import PAGE, Sorting

T = TypeVar("T")
CHOICES_LINES = 3
"""Lines that the choices and their question take on a narrow screen."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The account as read, its sorting, and the page on the screen."""

    snapshot: PortfolioSnapshot
    sorting: Sorting = Sorting.VALUE
    start: int = 0
    size: int = PAGE

    @property
    def rows(self) -> list[PositionPnl]:
        """The positions of this page."""
        held, as_of = self.snapshot.held, self.snapshot.as_of
        start = positions_view.page_start(self.start, len(held), self.size)
        return positions_view.sort_positions(held, self.sorting, as_of)[start : start + self.size]


def portfolio(app: AppContext) -> None:
    """Show the account and offer tasks until the user goes back."""
    page = _show(app, _Page(_read_and_show(app, Mark.BEST_BID)))
    run_tasks(app, "Portfolio", page, _tasks)


def _tasks(page: _Page) -> list[Choice[PageTask[_Page] | None]]:
    tasks: list[tuple[str, PageTask[_Page] | None]] = [
        ("Back", None),
        ("View or close", _position),
        ("Explain a figure", _explain),
        ("P&L over time", _over_time),
        ("Sort", _sort),
        ("Pricing", _revalue),
        ("Settlements", _settlements),
        ("Refresh", _refresh),
    ]
    if len(page.snapshot.held) > page.size:
        tasks.append(("More positions", _turn_page))
    return numbered([name for name, _ in tasks], [way for _, way in tasks], start=0)


def _read(app: AppContext, mark: Mark, first_look: Callable[[PortfolioSnapshot], None]) -> PortfolioSnapshot:
    return app.run_with_count(
        "Reading positions and fills…",
        lambda progress: app.tracker.refresh(mark=mark, progress=progress, first_look=first_look),
    )


def _read_and_show(app: AppContext, mark: Mark) -> PortfolioSnapshot:
    """Read the account, and show early what is known before the fills."""

    def show_early(early: PortfolioSnapshot) -> None:
        width, is_brief = app.console.width, _is_low(app)
        summary = portfolio_view.first_look(early, width, is_brief=is_brief)
        app.show(summary)
        size = _fitting_rows(app, summary)
        app.show(positions_view.positions(early, Sorting.COST, 0, width, page=size, is_brief=is_brief))

    return _read(app, mark, show_early)


def _show(app: AppContext, page: _Page) -> _Page:
    """Show the summary, and as many positions as fit on the screen.

    Return the page with its size.
    """
    snapshot = page.snapshot
    today = snapshot.realized_since(start_of_day(snapshot.as_of))
    check = check_account(snapshot)
    summary = portfolio_view.summary(snapshot, today, check, app.console.width, is_brief=_is_low(app))
    app.show(summary)
    page = replace(page, size=_fitting_rows(app, summary))
    _show_positions(app, page)
    return page


def _is_low(app: AppContext) -> bool:
    return app.console.is_terminal and app.console.height < portfolio_view.LOW_SCREEN


def _fitting_rows(app: AppContext, above: RenderableType) -> int:
    """Return how many positions fit between `above` and the choices below."""
    if not app.console.is_terminal:
        return PAGE
    lines = app.console.height - len(app.console.render_lines(above)) - CHOICES_LINES
    return positions_view.page_size(lines, is_brief=_is_low(app))


def _show_positions(app: AppContext, page: _Page) -> None:
    width, is_brief = app.console.width, _is_low(app)
    app.show(
        positions_view.positions(
            page.snapshot, page.sorting, page.start, width, page=page.size, is_brief=is_brief
        )
    )


def _refresh(app: AppContext, page: _Page) -> _Page:
    return _show(app, replace(page, snapshot=_read_and_show(app, page.snapshot.mark), start=0))


def _sort(app: AppContext, page: _Page) -> _Page:
    sorting = choose_by_name(app.prompter, "Sort by", {sentence_case(by): by for by in Sorting})
    page = replace(page, sorting=sorting, start=0)
    _show_positions(app, page)
    return page


def _turn_page(app: AppContext, page: _Page) -> _Page:
    """Show the next page; after the last one, the first."""
    following = page.start + page.size
    page = replace(page, start=following if following < len(page.snapshot.held) else 0)
    _show_positions(app, page)
    return page


def _revalue(app: AppContext, page: _Page) -> _Page:
    names = ["Best bid: what you can sell at now", "Midpoint of bid and ask", "Last price"]
    mark = choose_by_name(app.prompter, "Price positions at", dict(zip(names, Mark, strict=True)))
    return _show(app, replace(page, snapshot=_read_and_show(app, mark)))


# --- One position ---------------------------------------------------------------------------------


def _position(app: AppContext, page: _Page) -> _Page:
    """Choose one position and show it."""
    held = {row.position.ticker: row for row in page.snapshot.held}
    if not held:
        app.show_text("No open positions to show.")
        return page
    width = max((len(row.position.ticker) for row in page.rows), default=0)
    labels = [(f"{row.position.ticker:<{width}}  {net_position(row.position.net)}", row) for row in page.rows]
    return choose_or_type(app, "Which position?", labels, held, partial(_one_position, app, page))


def _one_position(app: AppContext, page: _Page, row: PositionPnl) -> _Page:
    """Show one position with its book, and offer to close or explain it."""
    data = _position_data(app, page.snapshot, row)
    app.show(position_view.position_page(data))

    def explain() -> _Page:
        if data.row.ledger is None:
            app.show_text("Only the exchange's figures above are available.")
        else:
            explain_screens.explain_market(app, data.row.ledger, data.row.floor_paid or ZERO)
        return page

    names = ["Close all or part", "Explain a figure"]
    tasks: list[Callable[[], _Page]] = [partial(_close, app, page, data), explain]
    return choose_task(app.prompter, "What next?", numbered(names, tasks))


def _position_data(app: AppContext, snapshot: PortfolioSnapshot, row: PositionPnl) -> PositionData:
    """Collect the data of one position, with its current book."""
    position = row.position
    book, fees = read_book_and_fees(app, position.ticker, row.market)
    orders = snapshot.resting.value
    own = tuple(order for order in orders or () if order.ticker == position.ticker)
    book = None if book is None else without_own_orders(book, own)
    floor = floor_paid(row.market, Side.YES) or ZERO
    prepaid = floor_paid(row.market, position.side)
    liquidation = None
    if book is not None and prepaid is not None:
        liquidation = liquidate(position.net, book, fees[0] if fees else None, prepaid)
    return PositionData(
        row=row,
        mark=snapshot.mark,
        resting=None if orders is None else own,
        alone=market_exposure(position.net, row.cost_basis, (), floor),
        exposure=None if orders is None else snapshot.exposures.get(position.ticker),
        book=book,
        liquidation=liquidation,
        now=app.clock(),
        own_orders=_own_orders(app, orders or ()),
    )


def _own_orders(app: AppContext, resting: Sequence[Order]) -> OwnOrders:
    """Map order ids to our own orders, as far as recent journal lines reach."""
    try:
        own = OwnOrders(reversed(list(app.journal.recent_records(RECENT_LINES))))
    except JournalError as error:
        app.show_error(f"{error} Orders and fills are shown as the exchange reports them, yours included.")
        return OwnOrders(())
    for order in resting:
        own.remember(order)
    return own


@dataclass(frozen=True, slots=True)
class _Sale:
    """The answers so far on the way to selling a position."""

    count: Contracts
    at_market: bool = False
    price: Price | None = None


def _close(app: AppContext, page: _Page, data: PositionData) -> _Page:
    """Open a ticket that sells all or part of a position.

    The result stays on the screen.
    """
    position, side = data.row.position, data.row.position.side
    assert side is not None  # only positions with contracts are offered
    market = data.row.market or app.orders.get_market_info(position.ticker)

    def ask_count(sale: _Sale) -> _Sale:
        count = app.prompter.ask(
            f"Quantity to sell (of {net_position(position.net)})",
            lambda text: _at_most(parse_count(text), position.count),
            default=count_text(sale.count),
        )
        return replace(sale, count=count)

    def ask_kind(sale: _Sale) -> _Sale:
        return replace(sale, at_market=trade_screens.ask_for_market_order(app, proposed=sale.at_market))

    def ask_price(sale: _Sale) -> _Sale:
        price = trade_screens.ask_price(app, market, data.book, Action.SELL, side, proposed=sale.price)
        return replace(sale, price=price)

    def send(sale: _Sale) -> _Sale:
        price = None if sale.at_market else sale.price
        trade_screens.trade_ticket(app, OrderTicket(position.ticker, Action.SELL, side, sale.count, price))
        return sale

    steps = [Step(ask_count), Step(ask_kind), Step(ask_price, lambda sale: not sale.at_market), Step(send)]
    ask_in_turn(_Sale(position.count), steps)
    snapshot = _read(app, page.snapshot.mark, lambda early: None)
    return replace(page, snapshot=snapshot, start=0)


def _at_most(count: Contracts, held: Contracts) -> Contracts:
    if count > held:
        raise InvalidInputError(f"You hold {count_text(held)}. Selling more would open the opposite side.")
    return count


# --- Explaining -----------------------------------------------------------------------------------


def _explain(app: AppContext, page: _Page) -> _Page:
    explain_screens.explain(app, page.snapshot, page.rows)
    return page


def _settlements(app: AppContext, page: _Page) -> _Page:
    """Show the payouts, and one of them line by line."""
    rows = page.snapshot.settlements.value
    if rows is None:
        app.show_error(f"Settlements unavailable. {page.snapshot.settlements.unavailable}")
        return page
    ledgers = page.snapshot.ledgers
    app.show(pnl.settlements_table(rows, ledgers, page.snapshot.as_of, app.console.width))
    if rows:
        shown = [(row.ticker, row) for row in rows[: pnl.ROWS_SHOWN]]
        known = {row.ticker: row for row in rows}

        def show(row: Settlement) -> None:
            explain_screens.show_explanation(app, explain_settlement(row, ledgers.get(row.ticker)))

        choose_or_type(app, "Choose a settlement", shown, known, show)
    return page


# --- P&L over time --------------------------------------------------------------------------------


def _over_time(app: AppContext, page: _Page) -> _Page:
    """Show P&L as a curve over days, or by market, event or series."""
    ledgers = page.snapshot.ledgers.values()
    if page.snapshot.realized is None:
        app.show_error("Realized P&L unavailable: positions or settlements could not be read.")
        return page
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
        app.show(pnl.pnl_by_day(days, local_date(page.snapshot.as_of), app.console.width))
    app.show(pnl.exchange_only_markets(ledgers))
    return page
