"""Render a market's page with its book, and markets as choices.

Pure, over `formats` and `tables`. Exchange text only ever appears as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import BookLevel, Event, Market, OrderBook
from kalshi_trading.core.models import Side
from kalshi_trading.core.money import ONE_DOLLAR, count_text
from kalshi_trading.markets import FoundMarket
from kalshi_trading.ui.formats import (
    UNKNOWN,
    error_line,
    note_line,
    price,
    prices,
    sentence_case,
    time_left,
    time_to_end,
    timestamp,
    yes_terms,
)
from kalshi_trading.ui.tables import Column, FittingTable, aligned

CHOICE_MARGIN = 8
"""Characters before a choice on its line, and one at its end."""
ALIGNED_TICKER = 26
MIN_TEXT = 8


def market_labels(rows: Sequence[FoundMarket], width: int, now: datetime) -> tuple[str, list[str]]:
    """Name the columns, and render each market on one line, as a choice.

    The line has the quotes of YES, the time to the close, the whole ticker and the terms.
    """
    aligned = min(max((len(row.market.ticker) for row in rows), default=0), ALIGNED_TICKER)
    labels, has_time = [], False
    for row in rows:
        market = row.market
        left = " ".join(time_to_end(market, now).split()[:2])
        quotes = f"{price(market.yes_bid):>5}/{price(market.yes_ask):<5}"
        known = f"{quotes} {left:>7}  {market.ticker:<{aligned}}"
        if width - CHOICE_MARGIN - len(known) - 2 < len(market.yes_label):
            known = f"{quotes}  {market.ticker:<{aligned}}"  # the outcome matters more than the close
        else:
            has_time = True
        terms, room = f"{market.yes_label} · {row.event.title}", width - CHOICE_MARGIN - len(known) - 2
        if room >= MIN_TEXT:
            known += f"  {terms if len(terms) <= room else terms[: room - 1] + '…'}"
        labels.append(known)
    return f"(YES bid/ask, {'closes in, ' if has_time else ''}ticker)", labels


def market_page(market: Market, event: Event | None, book: OrderBook | None, now: datetime) -> RenderableType:
    """Render a market with its terms and its depth."""
    title = event.title if event is not None else market.title
    facts = Text()
    facts.append(f"{title}\n", style="bold")
    facts.append(f"{yes_terms(market)}\n")
    facts.append(f"{sentence_case(market.status_word)} · {_ending(market, now)}")
    volume = UNKNOWN if market.volume is None else count_text(market.volume)
    facts.append(f" · last price {price(market.last_price)} · volume {volume}\n")
    if market.settlement_value is not None:
        facts.append(f"Settlement: {price(market.settlement_value)} per YES contract\n")
    if market.settlement_floor:
        facts.append(f"Settlement floor: {price(market.settlement_floor)} already paid per YES contract\n")
    elif market.is_floor_unknown:
        facts.append("Settlement floor: unknown\n")
    facts.append(market.rules_primary, style="dim")
    return Panel(
        Group(facts, depth(book, now)), title=Text(market.ticker), title_align="left", box=box.ROUNDED
    )


def _ending(market: Market, now: datetime) -> str:
    closes = timestamp(market.close_at, now)
    end = market.expected_end(now)
    if end is not None:
        return f"expected end {timestamp(end, now)} ({time_left(end, now)}), closes {closes} at the latest"
    is_open = market.close_at > now
    return f"closes {closes} ({time_left(market.close_at, now)})" if is_open else f"closed {closes}"


def depth(book: OrderBook | None, now: datetime, levels: int = 5) -> RenderableType:
    """Render both sides of the book in YES and in NO prices, best first."""
    if book is None:
        return error_line("Order book unavailable.")
    bids, asks = order_book.bids(book, Side.YES)[:levels], order_book.asks(book, Side.YES)[:levels]
    if not bids and not asks:
        return Group(note_line("The order book is empty."))
    rows = max(len(bids), len(asks))
    columns = (
        Column("YES bid", 0, _padded(_prices(bids), rows)),
        Column("YES ask", 0, _padded(_prices(asks), rows)),
        Column("Ask size", 1, _padded([count_text(ask.count) for ask in asks], rows)),
        Column("NO bid", 3, _padded(_prices(asks, other_side=True), rows)),
        Column("NO ask", 2, _padded(_prices(bids, other_side=True), rows)),
    )
    sizes = aligned(_padded([count_text(bid.count) for bid in bids], rows), "Bid size")
    key_width = max(map(len, (*(size.plain for size in sizes), "Bid size")))
    table = FittingTable("Bid size", sizes, columns, key_width, key_kind="right")
    age_s = max(0.0, (now - book.as_of).total_seconds())
    return Group(table, Text(f"Book {age_s:.1f} s old", style="dim"))


def _prices(levels: Sequence[BookLevel], *, other_side: bool = False) -> list[str]:
    return prices([ONE_DOLLAR - level.price if other_side else level.price for level in levels])


def _padded(cells: list[str], rows: int) -> list[str]:
    return cells + [""] * (rows - len(cells))
