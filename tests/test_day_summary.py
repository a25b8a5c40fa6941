"""The sums of a day: what it brought, market by market, whatever was held before it."""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta
from decimal import Decimal as D

from market_world import NOW, order
from rich.console import Console

from kalshi_trading import history_view
from kalshi_trading.day_summary import summarize
from kalshi_trading.journal import JournalRecord
from kalshi_trading.journal_orders import journaled_orders
from kalshi_trading.models import BookSide, Fill, MarketResult, Settlement
from kalshi_trading.periods import Period

DAY = NOW.astimezone().date()
TODAY = Period(DAY, DAY)
NOON = datetime.combine(DAY, time(12)).astimezone()


def fill(side, count, price, *, ticker="KXA-1-T1", fee="0", at=NOON, name=None):
    name = name or f"{ticker}{side}{count}{price}{at}"
    return Fill(name, "o", ticker, BookSide(side), D(count), D(price), True, D(fee), at)


def settlement(ticker, *, yes=("0", "0"), no=("0", "0"), revenue, fees="0", result=MarketResult.YES):
    return Settlement(
        *(ticker, "KXA-1", result, D(yes[0]), D(yes[1]), D(no[0]), D(no[1])),
        revenue=D(revenue),
        fees=D(fees),
        settled_at=NOON,
        value=D(1) if result is MarketResult.YES else D(0),
    )


def shown(summary):
    console = Console(file=io.StringIO(), width=80, record=True, emoji=False, markup=False)
    console.print(history_view.day_summary(summary))
    return console.export_text()


def test_a_sale_of_what_was_bought_before_earns_against_its_old_price():
    earlier = {"KXA-1-T1": [fill("bid", "10", "0.60", fee="0.168", at=NOON - timedelta(days=3))]}
    sold = fill("ask", "4", "0.65", fee="0.0637")
    summary = summarize(TODAY, [order("ask", "0.65", "0", created_at=NOON)], [], [sold], earlier, {})
    assert (summary.orders, summary.fills, summary.contracts) == (1, 1, 4)
    assert (summary.fees, summary.pnl) == (D("0.0637"), D("0.20") - D("0.0637"))
    assert (summary.best.ticker, summary.worst) == ("KXA-1-T1", None)


def test_a_settlement_brings_what_the_whole_market_made_less_what_it_had_made_before():
    """The worked example: 10 YES at 60¢, 4 of them sold at 65¢ the days before, settled YES today."""
    ticker = "KXA-1-T1"
    earlier = {
        ticker: [
            fill("ask", "4", "0.65", fee="0.0637", at=NOON - timedelta(days=1)),
            fill("bid", "10", "0.60", fee="0.1680", at=NOON - timedelta(days=2)),
        ]
    }
    row = settlement(ticker, yes=("10", "6"), no=("4", "1.40"), revenue="6", fees="0.2317")
    summary = summarize(TODAY, [], [], [], earlier, {ticker: row})
    assert (summary.pnl, summary.fees, summary.fills) == (D("2.40"), D(0), 0)


def test_best_and_worst_are_the_ends_and_the_sums_are_those_of_all_markets():
    fills = []
    for ticker, sold_at in (("KXA-1-T1", "0.70"), ("KXB-1-T1", "0.40"), ("KXC-1-T1", "0.55")):
        fills += [fill("ask", "10", sold_at, ticker=ticker, at=NOON + timedelta(hours=1))]
        fills += [fill("bid", "10", "0.50", ticker=ticker, fee="0.1")]
    summary = summarize(TODAY, [], [], fills, {}, {})
    assert [(day.ticker, day.pnl) for day in (summary.best, summary.worst)] == [
        ("KXA-1-T1", D("1.9")),
        ("KXB-1-T1", D("-1.1")),
    ]
    assert (summary.pnl, summary.fees, summary.fills) == (D("1.2"), D("0.3"), 6)
    text = shown(summary)
    assert "+$1.20 after fees" in text
    assert "+$1.90  KXA-1-T1" in text
    assert "−$1.10  KXB-1-T1" in text


def told(event, at, name):
    return JournalRecord(at, event, {"client_order_id": name})


def test_orders_are_counted_on_the_day_they_were_placed_with_what_became_of_them():
    days = [TODAY.start - timedelta(seconds=1), TODAY.start, TODAY.end - timedelta(seconds=1), TODAY.end]
    orders = [order("bid", "0.5", "1", created_at=at) for at in days]
    records = []
    for number, at in enumerate(days):
        for end in ("rejected", "unknown", "acknowledged", "absent"):
            records += [
                told("order.intent", at, f"{number}{end}"),
                told(f"order.{end}", at, f"{number}{end}"),
            ]
    own = journaled_orders(records, "sandbox", None).orders.values()
    summary = summarize(TODAY, orders, own, [], {}, {})
    assert (summary.orders, summary.rejected, summary.unknown) == (2, 2, 2)
    assert "2 placed · 2 rejected · 2 of unknown outcome" in shown(summary)


def test_a_day_without_trades_says_so_and_one_that_may_lack_something_says_that():
    empty = summarize(TODAY, [], [], [], {}, {})
    assert empty.is_empty
    assert f"Nothing was traded ({DAY})." in shown(empty)
    partial = summarize(TODAY, [], [], [fill("bid", "1", "0.5")], {}, {}, "the list broke off")
    assert "These sums may lack something: the list broke off." in shown(partial)
