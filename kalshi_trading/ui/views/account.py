"""Render the header above the menu, and the limits of the account page.

Pure, over `formats`. A value that could not be read is named and never shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from kalshi_trading.core.market_models import ExchangeStatus
from kalshi_trading.core.money import ZERO, Dollars, count_text, price_text
from kalshi_trading.core.results import Fetched
from kalshi_trading.orders.pretrade.context import DayPnl, DayTotals
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Limits
from kalshi_trading.ui.formats import (
    UNKNOWN,
    dollars,
    environment_badge,
    error_line,
    note_line,
    pnl_text,
    table_of,
    to_cells,
)

_Rail = tuple[str, str, str]
"""A limit's name, its values, and its setting's name without the prefix KALSHI_."""


def rails(limits: Limits, today: Fetched[DayTotals], pnl: Fetched[DayPnl]) -> RenderableType:
    """Render every limit, those of the day with today's use."""
    table = table_of(("guard rail", "fixed"), ("today and limit", "wide"), ("setting KALSHI_", "fixed"))
    for row in (*_of_day(limits, today.value, pnl.value), *_of_order(limits)):
        table.add_row(*to_cells(*row))
    notes: list[RenderableType] = []
    if today.value is None:
        notes.append(error_line(f"Today's buying and orders not known: {today.unavailable}"))
    if pnl.value is None:
        notes.append(error_line(f"Today's P&L not known: {pnl.unavailable}"))
    else:
        realized, unrealized = pnl_text(pnl.value.realized).plain, pnl_text(pnl.value.unrealized).plain
        parts = f"net realized {realized}, unrealized {unrealized}"
        meaning = f"Realized today and open now: {parts}; at the limit only reducing orders pass."
        notes.append(note_line(meaning))
        if pnl.value.unmarked > ZERO:
            cost = dollars(pnl.value.unmarked)
            notes.append(note_line(f"Nobody bids for positions that cost {cost}; they count as zero in it."))
    return Group(table, *notes)


def _of_day(limits: Limits, today: DayTotals | None, pnl: DayPnl | None) -> Iterator[_Rail]:
    bought, orders = (UNKNOWN, UNKNOWN) if today is None else (dollars(today.bought), f"{today.orders:,}")
    yield "buys sent today", f"{bought} of {dollars(limits.daily_cost_limit)}", "DAILY_COST_LIMIT"
    yield "orders today", f"{orders} of {limits.daily_order_limit:,}", "DAILY_ORDER_LIMIT"
    total = pnl_text(None if pnl is None else pnl.total).plain
    limit = pnl_text(-limits.daily_loss_limit).plain
    yield "realized + open", f"{total} of {limit}", "DAILY_LOSS_LIMIT"


def _of_order(limits: Limits) -> Iterator[_Rail]:
    costs = dollars(limits.soft_order_cost), dollars(limits.hard_order_cost)
    counts = count_text(limits.soft_order_count), count_text(limits.hard_order_count)
    through = price_text(limits.warn_through), price_text(limits.block_through)
    yield "one order costs", f"{costs[0]} asks, {costs[1]} at most", "SOFT_, HARD_ORDER_COST"
    yield "contracts in it", f"{counts[0]} ask, {counts[1]} at most", "SOFT_, HARD_ORDER_COUNT"
    yield "lost in a market", f"{dollars(limits.market_loss_limit)} at most", "MARKET_LOSS_LIMIT"
    yield "beyond the best", f"{through[0]} warn, {through[1]} at most", "WARN_, BLOCK_THROUGH"
    yield "off the midpoint", f"{price_text(limits.warn_from_midpoint)} warn", "WARN_FROM_MIDPOINT"
    yield "market order", f"{price_text(limits.market_order_cap)} beyond the best", "MARKET_ORDER_CAP"


def header(
    environment: Environment,
    cash: Fetched[Dollars],
    status: Fetched[ExchangeStatus],
    *,
    news: Sequence[str],
    unresolved: Sequence[str],
    read_only: bool,
    locked: str | None,
) -> RenderableType:
    """Render the header above the menu: environment, cash, exchange status.

    Below it are news, unresolved orders and the reason of a lock.
    """
    line = Text.assemble(
        environment_badge(environment),
        "  cash ",
        (dollars(cash.value), "bold"),
        "  exchange ",
        _trading(status),
    )
    if read_only:
        line.append("  READ-ONLY", style="bold yellow")
    lines: list[RenderableType] = [Rule(style="dim"), line]
    if cash.unavailable:
        lines.append(error_line(f"Balance unavailable: {cash.unavailable}"))
    lines += [note_line(sentence) for sentence in news]
    lines += [
        error_line(f"Outcome unknown, still looking: {sentence}. It may be live. Do not send it again.")
        for sentence in unresolved
    ]
    if locked:
        lines.append(error_line(f"Orders are locked. {locked}"))
    return Group(*lines)


def _trading(status: Fetched[ExchangeStatus]) -> Text:
    if status.value is None:
        return Text("not reachable", style="bold red")
    if status.value.trading_active and status.value.exchange_active:
        return Text("trading", style="green")
    if status.value.exchange_active:
        return Text("paused (cancels only)", style="bold yellow")
    return Text("paused", style="bold red")
