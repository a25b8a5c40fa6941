"""Render a market's page with its book, and markets as choices.

Pure, over `formats`. Exchange text only ever appears as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import Event, Market, OrderBook
from kalshi_trading.core.models import Side
from kalshi_trading.core.money import ONE_DOLLAR, count_text
from kalshi_trading.markets import FoundMarket
from kalshi_trading.ui.formats import error_line, note_line, price, table_of, time_left, timestamp, to_cells

CHOICE_MARGIN = 8
"""Characters before a choice on its line, and one at its end."""
ALIGNED_TICKER = 26
SHORTEST_TEXT = 8


def market_labels(rows: Sequence[FoundMarket], width: int, now: datetime) -> list[str]:
    """Render each market on one line, as a choice.

    The line has the quotes of YES, the time to the close, the whole ticker and the terms.
    """
    aligned = min(max((len(row.market.ticker) for row in rows), default=0), ALIGNED_TICKER)
    labels = []
    for row in rows:
        market = row.market
        left = " ".join(time_left(market.close_at, now).split()[:2])
        quotes = f"{price(market.yes_bid):>5}/{price(market.yes_ask):<5}"
        known = f"{quotes} {left:>6}  {market.ticker:<{aligned}}"
        terms, room = f"{market.yes_label} · {row.event.title}", width - CHOICE_MARGIN - len(known) - 2
        if room >= SHORTEST_TEXT:
            known += f"  {terms if len(terms) <= room else terms[: room - 1] + '…'}"
        labels.append(known)
    return labels


def market_page(market: Market, event: Event | None, book: OrderBook | None, now: datetime) -> RenderableType:
    """Render a market with its terms and its depth."""
    title = event.title if event is not None else market.title
    facts = Text()
    facts.append(f"{title}\n", style="bold")
    facts.append(f"YES is: {market.yes_label}\n")
    facts.append(
        f"{market.status_word} · closes {timestamp(market.close_at, now)} ({time_left(market.close_at, now)})"
    )
    facts.append(f" · last {price(market.last_price)} · volume {count_text(market.volume)}\n")
    if market.settlement_value is not None:
        facts.append(f"settles at {price(market.settlement_value)} per YES contract\n")
    facts.append(market.rules_primary, style="dim")
    return Panel(
        Group(facts, depth(book, now)), title=Text(market.ticker), title_align="left", box=box.ROUNDED
    )


def depth(book: OrderBook | None, now: datetime, levels: int = 5) -> RenderableType:
    """Render both sides of the book in YES and in NO prices, best first."""
    if book is None:
        return error_line("The order book could not be read.")
    table = table_of(
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
            *to_cells(
                count_text(bid.count) if bid else "",
                price(bid.price) if bid else "",
                price(ask.price) if ask else "",
                count_text(ask.count) if ask else "",
                price(ONE_DOLLAR - ask.price) if ask else "",
                price(ONE_DOLLAR - bid.price) if bid else "",
            )
        )
    if not bids and not asks:
        return Group(note_line("The order book is empty."))
    age_s = max(0.0, (now - book.as_of).total_seconds())
    return Group(table, Text(f"book {age_s:.1f} s old", style="dim"))
