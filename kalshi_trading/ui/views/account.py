"""Render the header above the menu, and the limits of the account page.

Pure, over `formats` and `tables`. A value that could not be read is named and never shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from kalshi_trading.core.money import ZERO, Dollars, count_text, price_text
from kalshi_trading.core.records.exchange import ExchangeStatus
from kalshi_trading.core.results import Fetched
from kalshi_trading.orders.execution.submission_result import unresolved_text
from kalshi_trading.orders.pretrade.context import DayPnl, DayTotals
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Limits
from kalshi_trading.ui.formats import (
    UNKNOWN,
    at_least,
    at_most,
    dollars,
    environment_badge,
    error_line,
    limit,
    note_line,
    pnl_text,
    two_dollars,
)
from kalshi_trading.ui.tables import table_of, to_cells

SETTINGS_WIDTH = 76
_LimitRow = tuple[str, str, str]
"""A limit's name, its values, and its setting's name without the prefix KALSHI_."""


def limits_table(
    limits: Limits, today: Fetched[DayTotals], pnl: Fetched[DayPnl], width: int
) -> RenderableType:
    """Render every limit, those of the day with today's use.

    A narrow screen leaves out the names of the settings.
    """
    columns = (("Limit", "fixed"), ("Today / limit", "wide"), ("Setting KALSHI_", "fixed"))
    shown = len(columns) if width >= SETTINGS_WIDTH else len(columns) - 1
    table = table_of(*columns[:shown])
    for row in (*_daily_limits(limits, today.value, pnl.value), *_order_limits(limits)):
        table.add_row(*to_cells(*row[:shown]))
    notes: list[RenderableType] = []
    if today.value is None:
        notes.append(error_line(f"Today's buys and orders unavailable: {today.unavailable}"))
    if pnl.value is None:
        notes.append(error_line(f"Today's P&L unavailable: {pnl.unavailable}"))
    else:
        realized, unrealized = pnl_text(pnl.value.realized).plain, pnl_text(pnl.value.unrealized).plain
        notes.append(note_line(f"Today's P&L: net realized {realized}, unrealized {unrealized}"))
        if pnl.value.total <= -limits.daily_loss_limit:
            notes.append(note_line("At the daily loss limit: only closing orders are allowed."))
        if pnl.value.unmarked > ZERO:
            cost = dollars(pnl.value.unmarked)
            notes.append(note_line(f"Positions without bids count as zero (cost {cost})."))
    return Group(table, *notes)


def api_changes(note: Sequence[str]) -> Iterator[RenderableType]:
    """Render how the exchange's answers differ from the documentation."""
    yield from (error_line(sentence) for sentence in note[:1])
    yield from (note_line(sentence) for sentence in note[1:])
    if note:
        yield note_line(f"Missing values show as {UNKNOWN}. Check for a newer version of this program.")


def _daily_limits(limits: Limits, today: DayTotals | None, pnl: DayPnl | None) -> Iterator[_LimitRow]:
    bought, orders = (UNKNOWN, UNKNOWN) if today is None else (at_most(today.bought), f"{today.orders:,}")
    yield "Daily buys", f"{bought} of {limit(limits.daily_cost_limit)}", "DAILY_COST_LIMIT"
    yield "Daily orders", f"{orders} of {limits.daily_order_limit:,}", "DAILY_ORDER_LIMIT"
    total = UNKNOWN if pnl is None else two_dollars(pnl.total, -limits.daily_loss_limit)[0]
    yield "Daily loss", f"{total} of −{limit(limits.daily_loss_limit)}", "DAILY_LOSS_LIMIT"


def _order_limits(limits: Limits) -> Iterator[_LimitRow]:
    costs = limit(limits.soft_order_cost), limit(limits.hard_order_cost)
    counts = count_text(limits.soft_order_count), count_text(limits.hard_order_count)
    through = price_text(limits.warn_through), price_text(limits.block_through)
    yield "Order cost", f"confirm over {costs[0]}, max {costs[1]}", "SOFT_/HARD_ORDER_COST"
    yield "Quantity", f"confirm over {counts[0]}, max {counts[1]}", "SOFT_/HARD_ORDER_COUNT"
    yield "Market loss", f"max {limit(limits.market_loss_limit)}", "MARKET_LOSS_LIMIT"
    yield "Beyond best price", f"warn over {through[0]}, max {through[1]}", "WARN_/BLOCK_THROUGH"
    yield "From midpoint", f"warn over {price_text(limits.warn_from_midpoint)}", "WARN_FROM_MIDPOINT"
    yield (
        "Market order",
        f"up to {price_text(limits.market_order_cap)} past the best",
        "MARKET_ORDER_CAP",
    )


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
        "  Cash ",
        (at_least(cash.value), "bold"),
        "  ",
        trading_status(status),
    )
    if read_only:
        line.append("  READ-ONLY", style="bold yellow")
    lines: list[RenderableType] = [Rule(style="dim"), line]
    if cash.unavailable:
        lines.append(error_line(f"Balance unavailable: {cash.unavailable}"))
    lines += [note_line(sentence) for sentence in news]
    lines += [error_line(unresolved_text(sentence)) for sentence in unresolved]
    if locked:
        is_whole = locked.startswith("Trading is locked")
        lines.append(error_line(locked if is_whole else f"Trading is locked. {locked}"))
    return Group(*lines)


def trading_status(status: Fetched[ExchangeStatus]) -> Text:
    """Render whether the exchange accepts orders."""
    if status.value is None:
        return Text("Exchange unreachable", style="bold red")
    if status.value.trading_active and status.value.exchange_active:
        return Text("Market open", style="green")
    if status.value.exchange_active:
        return Text("Trading paused (cancel only)", style="bold yellow")
    return Text("Exchange paused", style="bold red")
