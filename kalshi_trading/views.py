"""Models turned into what stands on the screen: every format of money, time and sign.

Pure: returns rich renderables, prints nothing, computes nothing beyond formatting. Text of the exchange
only ever appears as `Text`, never as markup. Colour never carries a meaning alone; an unknown number is
shown as `–`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading import order_book
from kalshi_trading.market_models import Event, ExchangeStatus, Market, OrderBook
from kalshi_trading.market_search import FoundMarket
from kalshi_trading.models import Action, BookSide, Order, Settlement, Side
from kalshi_trading.money import (
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    count_text,
    dollars_text,
    price_text,
)
from kalshi_trading.options import Environment
from kalshi_trading.pnl import settlement_net_pnl
from kalshi_trading.portfolio_tracker import Part, PortfolioSnapshot, PositionPnl, total_pnl
from kalshi_trading.trade_history import OrderRecord, TradeHistory
from kalshi_trading.trade_logger import JournalRecord

UNKNOWN = "–"
_BADGES = {
    Environment.PRACTICE: ("PRACTICE", "bold black on cyan"),
    Environment.SANDBOX: ("SANDBOX", "bold black on yellow"),
    Environment.PRODUCTION: ("PRODUCTION · REAL MONEY", "bold white on red"),
}


# --- Small pieces ---------------------------------------------------------------------------------


def price(value: Price | None) -> str:
    return UNKNOWN if value is None else price_text(value)


def dollars(value: Dollars | None) -> str:
    return UNKNOWN if value is None else dollars_text(value)


def gain(value: Dollars | None) -> Text:
    """Write profit or loss with its sign; the colour only repeats it."""
    if value is None:
        return Text(UNKNOWN)
    style = "green" if value > ZERO else "red" if value < ZERO else ""
    return Text(dollars_text(value, signed=True), style=style)


def holding(net: Contracts) -> str:
    """Write a signed position as count and side: −25 is `25 NO`."""
    if net == ZERO:
        return "0"
    return f"{count_text(abs(net))} {'YES' if net > ZERO else 'NO'}"


def moment(at: datetime | None) -> str:
    """Write a time in the user's zone."""
    return UNKNOWN if at is None else f"{at.astimezone():%b %d %H:%M:%S}"


def time_zone(at: datetime) -> str:
    offset = f"{at.astimezone():%z}"
    return f"UTC{offset[:3]}:{offset[3:]}"


def time_left(until: datetime, now: datetime) -> str:
    """Write the time until a close in its two largest units."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "closed"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (amount, _) in enumerate(units) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in units[first : first + 2] if amount)


def badge(environment: Environment) -> Text:
    name, style = _BADGES[environment]
    return Text(f" {name} ", style=style)


def problem(message: str) -> Text:
    return Text.assemble(("✗ ", "bold red"), message)


def notice(message: str) -> Text:
    return Text.assemble(("· ", "dim"), message)


def _table(*columns: str | tuple[str, str], title: str | None = None) -> Table:
    """Make a table; a column given as (name, "right") holds numbers and never wraps."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, expand=False)
    for column in columns:
        name, kind = column if isinstance(column, tuple) else (column, "")
        if kind == "right":
            table.add_column(name, justify="right", no_wrap=True)
        elif kind == "fixed":
            table.add_column(name, no_wrap=True)
        else:
            table.add_column(name, overflow="fold", ratio=1 if kind == "wide" else None)
    return table


def _cells(*values: str | Text) -> list[Text]:
    return [value if isinstance(value, Text) else Text(value) for value in values]


# --- Header ---------------------------------------------------------------------------------------


def header(
    environment: Environment,
    cash: Part[Dollars],
    status: Part[ExchangeStatus],
    *,
    unresolved: int,
    read_only: bool,
    locked: str | None,
) -> RenderableType:
    """The line above the menu: where we are, what there is, what is open."""
    line = Text.assemble(
        badge(environment), "  cash ", (dollars(cash.value), "bold"), "  exchange ", _trading(status)
    )
    if read_only:
        line.append("  READ-ONLY", style="bold yellow")
    lines: list[RenderableType] = [line]
    if cash.unavailable:
        lines.append(problem(f"Balance unavailable: {cash.unavailable}"))
    if unresolved:
        orders = "1 order has" if unresolved == 1 else f"{unresolved} orders have"
        lines.append(problem(f"{orders} an unknown outcome. Do not send again; see Trade history."))
    if locked:
        lines.append(problem(f"Orders are locked. {locked}"))
    return Group(*lines)


def _trading(status: Part[ExchangeStatus]) -> Text:
    if status.value is None:
        return Text("not reachable", style="bold red")
    if status.value.trading_active and status.value.exchange_active:
        return Text("trading", style="green")
    if status.value.exchange_active:
        return Text("paused (cancels only)", style="bold yellow")
    return Text("paused", style="bold red")


# --- Markets --------------------------------------------------------------------------------------


def market_label(found: FoundMarket, width: int) -> str:
    """One market on one line, for choosing."""
    market = found.market
    quotes = f"{price(market.yes_bid):>6}/{price(market.yes_ask):<6}"
    text = f"{found.event.title} · {market.yes_label}"
    room = max(20, width - len(quotes) - 8)
    return f"{quotes} {text if len(text) <= room else text[: room - 1] + '…'}"


def market_page(market: Market, event: Event | None, book: OrderBook | None, now: datetime) -> RenderableType:
    """A market with its terms and its depth."""
    title = event.title if event is not None else market.title
    facts = Text()
    facts.append(f"{title}\n", style="bold")
    facts.append(f"YES is: {market.yes_label}\n")
    facts.append(
        f"{market.status_word} · closes {moment(market.close_at)} ({time_left(market.close_at, now)})"
    )
    facts.append(f" · last {price(market.last_price)} · volume {count_text(market.volume)}\n")
    if market.settlement_value is not None:
        facts.append(f"settles at {price(market.settlement_value)} per YES contract\n")
    facts.append(market.rules_primary, style="dim")
    return Panel(
        Group(facts, depth(book, now)), title=Text(market.ticker), title_align="left", box=box.ROUNDED
    )


def depth(book: OrderBook | None, now: datetime, levels: int = 5) -> RenderableType:
    """Both sides of the book in YES and in NO prices, best first."""
    if book is None:
        return problem("The order book could not be read.")
    table = _table(
        ("bid count", "right"),
        ("YES bid", "right"),
        ("YES ask", "right"),
        ("ask count", "right"),
        ("NO bid", "right"),
        ("NO ask", "right"),
    )
    bids, asks = order_book.bids(book, Side.YES)[:levels], order_book.asks(book, Side.YES)[:levels]
    for row in range(max(len(bids), len(asks))):
        bid = bids[row] if row < len(bids) else None
        ask = asks[row] if row < len(asks) else None
        table.add_row(
            *_cells(
                count_text(bid.count) if bid else "",
                price(bid.price) if bid else "",
                price(ask.price) if ask else "",
                count_text(ask.count) if ask else "",
                price(ONE_DOLLAR - ask.price) if ask else "",
                price(ONE_DOLLAR - bid.price) if bid else "",
            )
        )
    if not bids and not asks:
        return Group(notice("The order book is empty."))
    return Group(table, Text(f"book {_age(book, now)} old", style="dim"))


def _age(book: OrderBook, now: datetime) -> str:
    seconds = max(0.0, (now - book.as_of).total_seconds())
    return f"{seconds:.1f} s"


# --- Portfolio ------------------------------------------------------------------------------------


def portfolio(snapshot: PortfolioSnapshot) -> RenderableType:
    """Cash, positions at their marks and P&L; a part that failed says why."""
    parts: list[RenderableType] = [_summary(snapshot)]
    if snapshot.positions.value is None:
        parts.append(problem(f"Positions unavailable: {snapshot.positions.unavailable}"))
    elif snapshot.held:
        parts.append(positions_table(snapshot.held, snapshot.as_of))
        parts.append(
            Text("mark: best bid for the side held · P&L without fees unless said · – : nobody bids", "dim")
        )
    else:
        parts.append(notice("No open positions."))
    if snapshot.settlements.value:
        parts.append(settlements_table(snapshot.settlements.value[:10]))
    if snapshot.settlements.unavailable:
        parts.append(problem(f"Settlements unavailable: {snapshot.settlements.unavailable}"))
    return Group(*parts)


def _summary(snapshot: PortfolioSnapshot) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    balance, resting = snapshot.balance, snapshot.resting
    cash = dollars(balance.value.cash) if balance.value else f"unavailable: {balance.unavailable}"
    table.add_row(*_cells("cash", cash))
    values = [row.value for row in snapshot.held]
    known = [value for value in values if value is not None]
    if snapshot.positions.value is not None:
        worth = dollars(sum(known, ZERO)) + (
            "" if len(known) == len(values) else " + positions without a mark"
        )
        table.add_row(*_cells("positions at mark", worth))
        table.add_row(
            *_cells("at risk (cost)", dollars(_sum(row.position.cost_basis for row in snapshot.held)))
        )
    if resting.value is not None:
        table.add_row(*_cells("resting orders", str(len(resting.value))))
    else:
        table.add_row(*_cells("resting orders", f"unavailable: {resting.unavailable}"))
    if snapshot.positions.value is not None and snapshot.settlements.value is not None:
        total = total_pnl(snapshot.positions.value, snapshot.settlements.value)
        table.add_row(*_cells("P&L open", gain(total.unrealized)))
        table.add_row(*_cells("P&L realized", gain(total.realized)))
        table.add_row(*_cells("fees paid", dollars(total.fees)))
        table.add_row(*_cells("P&L net of fees", gain(total.net)))
    as_of = f"as of {moment(snapshot.as_of)} {time_zone(snapshot.as_of)}"
    return Panel(table, title="portfolio", title_align="left", subtitle=as_of, box=box.ROUNDED, expand=False)


def _sum(amounts: Iterable[Dollars]) -> Dollars:
    return sum(amounts, ZERO)


def positions_table(rows: Sequence[PositionPnl], now: datetime) -> Table:
    table = _table(
        ("market", "wide"),
        ("held", "right"),
        ("avg cost", "right"),
        ("mark", "right"),
        ("value", "right"),
        ("unrealized", "right"),
        ("realized", "right"),
        ("fees", "right"),
    )
    for row in rows:
        position = row.position
        name = Text(position.ticker)
        if row.market is not None:
            name.append(f"\n{row.market.yes_label}", style="dim")
        table.add_row(
            *_cells(
                name,
                holding(position.net),
                _average(position.cost_basis, position.count),
                price(row.mark),
                dollars(row.value),
                gain(row.unrealized_pnl),
                gain(position.realized_pnl),
                dollars(position.fees_paid),
            )
        )
    return table


def _average(cost: Dollars, count: Contracts) -> str:
    """Write an average price; `~` where it had to be rounded to a hundredth of a cent."""
    if count == ZERO:
        return UNKNOWN
    exact = cost / count
    shown = exact.quantize(Decimal("0.0001"))
    return price_text(shown) if shown == exact else f"~{price_text(shown)}"


def settlements_table(rows: Sequence[Settlement]) -> Table:
    table = _table(
        ("settled market", "wide"),
        ("result", "right"),
        ("paid out", "right"),
        ("net P&L", "right"),
        ("when", "right"),
    )
    for row in rows:
        value = "" if row.value is None else f" {price_text(row.value)}"
        result = row.result.value + (value if row.result.value == "scalar" else "")
        table.add_row(
            *_cells(
                row.ticker,
                result,
                dollars(row.revenue),
                gain(settlement_net_pnl(row)),
                moment(row.settled_at),
            )
        )
    return table


# --- Orders ---------------------------------------------------------------------------------------


def order_words(row: OrderRecord) -> str:
    """Say what an order does: ours in our words, an external one by its effect."""
    verb = "long" if row.action is None else row.action.upper()
    return f"{verb} {count_text(row.order.initial_count)} {row.side.upper()} at {price_text(row.price)}"


def open_orders(rows: Sequence[OrderRecord], now: datetime) -> RenderableType:
    if not rows:
        return notice("No resting orders.")
    table = _table(
        ("market", "wide"), ("order", "fixed"), ("filled", "right"), ("resting", "right"), ("placed", "right")
    )
    for row in rows:
        table.add_row(
            *_cells(
                row.order.ticker,
                order_words(row) + (" (external)" if row.is_external else ""),
                count_text(row.order.fill_count),
                count_text(row.order.remaining_count),
                moment(row.order.created_at),
            )
        )
    return Group(table, Text(f"times in {time_zone(now)}", style="dim"))


def history(trades: TradeHistory, now: datetime) -> RenderableType:
    if not trades.orders:
        return notice("No orders yet.")
    table = _table(
        ("placed", "fixed"),
        ("market", "wide"),
        ("order", "fixed"),
        ("status", "fixed"),
        ("filled", "right"),
        ("avg", "right"),
        ("fee", "right"),
    )
    for row in trades.orders:
        table.add_row(
            *_cells(
                moment(row.order.created_at),
                row.order.ticker,
                order_words(row) + (" (external)" if row.is_external else ""),
                row.order.status.value,
                count_text(row.order.fill_count),
                price(row.average_price),
                dollars(row.fees),
            )
        )
    notes = [Text(f"times in {time_zone(now)}", style="dim")]
    if trades.incomplete:
        notes.append(notice(f"Not the whole history: {trades.incomplete}."))
    return Group(table, *notes)


def order_line(order: Order) -> str:
    """One resting order on one line, for choosing, by its effect on the YES book."""
    yes = order.book_side is BookSide.BID
    shown = order.yes_price if yes else ONE_DOLLAR - order.yes_price
    return (
        f"{count_text(order.remaining_count)} {'YES' if yes else 'NO'} at {price_text(shown)}  {order.ticker}"
    )


def journal(records: Sequence[JournalRecord], damaged: Sequence[int]) -> RenderableType:
    """The last events of the journal in plain words."""
    if not records:
        return notice("The journal is empty.")
    table = _table(("when", "fixed"), ("event", "fixed"), ("what", "wide"))
    for record in records:
        what = record.text("sentence") or record.text("reason") or record.text("order_id")
        table.add_row(*_cells(moment(record.at), record.event, what))
    if not damaged:
        return table
    lines = ", ".join(str(number) for number in damaged[:10])
    return Group(table, problem(f"{len(damaged)} damaged lines were skipped: {lines}."))


def action_label(action: Action, side: Side, book: OrderBook | None) -> str:
    """One of the four directions with what it would trade at now."""
    best = order_book.touch(book, action, side) if book is not None else None
    if best is None:
        return f"{action.title():<4} {side.upper()}"
    return f"{action.title():<4} {side.upper():<3}  best {price_text(best.price)} × {count_text(best.count)}"


def facts(rows: Sequence[tuple[str, str]]) -> RenderableType:
    """Names and values, one pair a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(*_cells(name, value))
    return table
