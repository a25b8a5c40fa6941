"""Daily totals: orders, fills and P&L by market, after older positions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import model_factory
import pytest
from market_factory import market
from model_factory import NOW, order
from screen_session import rendered
from zones import local_noon

from kalshi_trading.core.dates import Period
from kalshi_trading.core.models import MarketResult, Position, Positions, Settlement
from kalshi_trading.core.pnl import fifo_position, oldest_first
from kalshi_trading.core.records.exchange import HistoricalCutoff
from kalshi_trading.core.results import Listing
from kalshi_trading.history import read_summary
from kalshi_trading.history.day_summary import summarize
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.views import history as history_view

DAY = NOW.astimezone().date()
TODAY = Period(DAY, DAY)
NOON = local_noon(DAY.year, DAY.month, DAY.day)


def fill(side, count, price, *, ticker="KXA-1-T1", fee="0", at=NOON, name=None):
    return model_factory.fill(side, count, price, fee=fee, at=at, ticker=ticker, fill_id=name)


def settlement(ticker, *, yes=("0", "0"), no=("0", "0"), revenue, fees="0", result=MarketResult.YES):
    return Settlement(
        *(ticker, "KXA-1", result, D(yes[0]), D(yes[1]), D(no[0]), D(no[1])),
        revenue=D(revenue),
        fees=D(fees),
        settled_at=NOON,
        value=D(1) if result is MarketResult.YES else D(0),
    )


def shown(summary):
    return rendered(history_view.day_summary(summary), width=80)


def account(*fills, settled=None):
    """Build the account of one market from fills, newest first."""
    ordered = oldest_first(fills)
    ticker = ordered[0].ticker if ordered else settled.ticker
    net = fifo_position(ordered).net
    position = Position(ticker, net, *[D(0)] * 4, NOW, 0) if net and settled is None else None
    return market_ledger(ticker, ordered, position=position, settlement=settled)


def test_a_sale_of_what_was_bought_before_earns_against_its_old_price():
    sold = fill("ask", "4", "0.65", fee="0.0637")
    bought = fill("bid", "10", "0.60", fee="0.168", at=NOON - timedelta(days=3))
    summary = summarize(TODAY, [order("ask", "0.65", "0", created_at=NOON)], [], [account(sold, bought)])
    assert (summary.orders, summary.fills, summary.contracts) == (1, 1, 4)
    assert (summary.fees, summary.pnl) == (D("0.0637"), D("0.20") - D("0.0637"))
    assert (summary.best.ticker, summary.worst) == ("KXA-1-T1", None)


def test_a_settlement_brings_what_the_whole_market_made_less_what_it_had_made_before():
    """Worked example: 10 YES at 60¢, 4 sold earlier at 65¢, settled YES today."""
    fills = [
        fill("ask", "4", "0.65", fee="0.0637", at=NOON - timedelta(days=1)),
        fill("bid", "10", "0.60", fee="0.1680", at=NOON - timedelta(days=2)),
    ]
    row = settlement("KXA-1-T1", yes=("10", "6"), no=("4", "1.40"), revenue="6", fees="0.2317")
    summary = summarize(TODAY, [], [], [account(*fills, settled=row)])
    assert (summary.pnl, summary.fees, summary.fills) == (D("2.40"), D(0), 0)


def test_best_and_worst_are_the_ends_and_the_sums_are_those_of_all_markets():
    accounts = []
    for ticker, sold_at in (("KXA-1-T1", "0.70"), ("KXB-1-T1", "0.40"), ("KXC-1-T1", "0.55")):
        sold = fill("ask", "10", sold_at, ticker=ticker, at=NOON + timedelta(hours=1))
        accounts.append(account(sold, fill("bid", "10", "0.50", ticker=ticker, fee="0.1")))
    summary = summarize(TODAY, [], [], accounts)
    assert [(day.ticker, day.pnl) for day in (summary.best, summary.worst)] == [
        ("KXA-1-T1", D("1.9")),
        ("KXB-1-T1", D("-1.1")),
    ]
    assert (summary.pnl, summary.fees, summary.fills) == (D("1.2"), D("0.3"), 6)
    text = shown(summary)
    assert "+$1.20 after fees" in text
    assert "+$1.90  KXA-1-T1" in text
    assert "−$1.10  KXB-1-T1" in text


def step_record(event, at, name):
    return JournalRecord(at, event, {"client_order_id": name})


def test_orders_are_counted_on_the_day_they_were_placed_with_what_became_of_them():
    days = [TODAY.start - timedelta(seconds=1), TODAY.start, TODAY.end - timedelta(seconds=1), TODAY.end]
    orders = [order("bid", "0.5", "1", created_at=at) for at in days]
    records = []
    for number, at in enumerate(days):
        for end in ("rejected", "unknown", "acknowledged", "absent"):
            records += [
                step_record("order.intent", at, f"{number}{end}"),
                step_record(f"order.{end}", at, f"{number}{end}"),
            ]
    own = logged_orders(records, "sandbox", None).orders.values()
    summary = summarize(TODAY, orders, own, [])
    assert (summary.orders, summary.rejected, summary.unknown) == (2, 2, 2)
    assert "2 placed · 2 rejected · 2 unknown" in shown(summary)


def test_an_order_of_unknown_outcome_that_the_exchange_lists_is_counted_once():
    records = [
        step_record(f"order.{step}", NOON, name) for name in ("x", "y") for step in ("intent", "unknown")
    ]
    own = logged_orders(records, "sandbox", None).orders.values()
    there = [order("bid", "0.5", "1", created_at=NOON, client_order_id="x")]
    summary = summarize(TODAY, there, own, [])
    assert (summary.orders, summary.unknown) == (1, 1)  # y is still sought
    assert "1 placed · 1 unknown" in shown(summary)


def test_a_day_without_trades_says_so_and_one_that_may_lack_something_says_that():
    empty = summarize(TODAY, [], [], [])
    assert empty.is_empty
    assert f"No trades ({DAY})." in shown(empty)
    cut = summarize(TODAY, [], [], [], [None, "the list broke off", "the list broke off"])
    assert not cut.is_empty
    assert "Summary may be incomplete: the list broke off." in shown(cut)


# --- What the lists do not explain ----------------------------------------------------------------


class Lists:
    """An exchange that lists what it is given.

    It has dropped settlements older than `cutoff`.
    """

    clock_skew_s = 0.0

    def __init__(self, *fills, old=(), settled=(), held=(), markets=(), orders=(), cutoff=None):
        self.fills, self.old, self.settled, self.held = fills, old, settled, held
        self.markets, self.orders = markets, orders
        self.cutoff = cutoff or NOON - timedelta(days=90)
        self.asked_for = []
        self.broken = {}

    def get_orders(self, **_):
        return Listing(tuple(self.orders), self.broken.get("orders"))

    def get_historical_orders(self, **_):
        return Listing(())

    def get_fills(self, *, ticker=None, since=None, progress=None):
        self.asked_for.append(ticker)
        rows = self._listed(self.fills, ticker, since)
        return replace(rows, incomplete=self.broken.get("fills"))

    def get_historical_fills(self, *, ticker=None, since=None, progress=None):
        return self._listed(self.old, ticker, since)

    def _listed(self, fills, ticker, since):
        wanted = None if ticker is None else ticker.split(",")
        return Listing(
            tuple(
                each
                for each in fills
                if (wanted is None or each.ticker in wanted)
                and (since is None or each.created_at is None or each.created_at >= since)
            )
        )

    def get_settlements(self, *, since):
        rows = tuple(row for row in self.settled if row.settled_at >= since)
        return Listing(rows, self.broken.get("settlements"))

    def get_positions(self):
        return Positions(Listing(tuple(Position(t, D(net), *[D(0)] * 4, NOW, 0) for t, net in self.held)), ())

    def get_historical_cutoff(self):
        return HistoricalCutoff(self.cutoff, self.cutoff, self.cutoff, None)

    def get_markets(self, *, tickers):
        return Listing(tuple(each for each in self.markets if each.ticker in tickers))

    def get_historical_markets(self, *, tickers):
        return Listing(())


def summary_of(exchange, tmp_path, period=TODAY):
    return read_summary(exchange, TradeLogger(tmp_path, "sandbox"), period)


EARLIER = NOON - timedelta(days=40)
TICKER = "KXA-1-T1"


def test_a_sale_whose_purchase_is_in_the_archive_earns_against_it(tmp_path):
    sold, bought = fill("ask", "10", "0.65"), fill("bid", "10", "0.60", at=EARLIER)
    summary = summary_of(Lists(sold, old=[bought]), tmp_path)
    assert (summary.pnl, summary.fills, summary.incomplete) == (D("0.50"), 1, None)


def test_a_sale_whose_purchase_is_not_listed_has_unknown_profit(tmp_path):
    summary = summary_of(Lists(fill("ask", "10", "0.65", fee="0.16")), tmp_path)
    assert (summary.pnl, summary.fees, summary.fills, summary.best) == (None, D("0.16"), 1, None)
    assert TICKER in summary.incomplete
    text = " ".join(shown(summary).split())
    assert "after fees" not in text
    assert f"P&L of {TICKER}: fills add up to -10 contracts, the exchange shows 0" in text


def test_a_settlement_whose_fills_are_not_listed_is_no_profit_of_its_day(tmp_path):
    row = settlement(TICKER, yes=("10", "6"), no=("4", "1.40"), revenue="6")
    summary = summary_of(Lists(settled=[row]), tmp_path)
    assert (summary.pnl, TICKER in summary.incomplete) == (None, True)


@pytest.mark.parametrize(("yes", "no"), [(("10", "6"), ("4", "1.40")), (("6", "3.60"), ("0", "0"))])
def test_a_settlement_row_counts_what_was_bought_or_what_was_held_and_brings_the_same(tmp_path, yes, no):
    fills = [
        fill("ask", "4", "0.65", at=NOON - timedelta(hours=1)),
        fill("bid", "10", "0.60", at=NOON - timedelta(hours=2)),
    ]
    summary = summary_of(Lists(*fills, settled=[settlement(TICKER, yes=yes, no=no, revenue="6")]), tmp_path)
    assert (summary.pnl, summary.incomplete) == (D("2.60"), None)


def test_fills_and_orders_without_a_time_are_named_and_not_counted_as_nothing(tmp_path):
    placed = order("bid", "0.6", "0", created_at=None)
    exchange = Lists(fill("bid", "10", "0.60", at=None), held=[(TICKER, 10)], orders=[placed])
    summary = summary_of(exchange, tmp_path)
    assert (summary.is_empty, summary.pnl) == (False, None)
    assert summary.incomplete == f"1 order without a time; P&L of {TICKER}: 1 fill without a time"


def test_a_settlement_whose_row_is_gone_is_rebuilt_from_its_market(tmp_path):
    """The position is older than the period and has no fill in it.

    Its settlement is so old that no row is left.
    """
    day = EARLIER.astimezone().date()
    ended = market(
        ticker=TICKER,
        event_ticker="KXA-1",
        result=MarketResult.YES,
        settlement_value=D(1),
        settled_at=EARLIER,
    )
    bought = fill("bid", "10", "0.60", fee="0.1", at=EARLIER - timedelta(days=2))
    exchange = Lists(old=[bought], markets=[ended], cutoff=NOON - timedelta(days=20))
    summary = summary_of(exchange, tmp_path, Period(day, day))
    assert (summary.pnl, summary.fees, summary.fills, summary.incomplete) == (D("4"), D(0), 0, None)


def test_only_the_markets_of_the_day_are_read_whole(tmp_path):
    other = fill("bid", "1", "0.5", ticker="KXB-1-T1", at=EARLIER)
    exchange = Lists(fill("bid", "1", "0.5"), other, held=[(TICKER, 1), ("KXB-1-T1", 1)])
    summary = summary_of(exchange, tmp_path)
    assert ([day.ticker for day in summary.markets], exchange.asked_for[1:]) == ([TICKER], [TICKER])


def test_what_was_settled_after_the_period_does_not_hide_its_trades(tmp_path):
    yesterday = NOON - timedelta(days=1)
    fills = [fill("ask", "4", "0.65", at=yesterday), fill("bid", "10", "0.60", at=EARLIER)]
    row = settlement(TICKER, yes=("10", "6"), no=("4", "1.40"), revenue="6")
    summary = summary_of(
        Lists(*fills, settled=[row]), tmp_path, Period(DAY - timedelta(days=1), DAY - timedelta(days=1))
    )
    assert (summary.pnl, summary.incomplete) == (D("0.20"), None)


@pytest.mark.parametrize(("broken", "pnl"), [("fills", None), ("settlements", None), ("orders", D(1))])
def test_profit_is_not_known_where_a_market_of_the_day_may_be_missing(tmp_path, broken, pnl):
    """The missing rows could be a large loss in a market not listed at all."""
    sold, bought = fill("ask", "10", "0.70", at=NOON), fill("bid", "10", "0.60", at=NOON - timedelta(hours=1))
    exchange = Lists(sold, bought)
    exchange.broken = {broken: "the list broke off after 2 rows: HTTP 503"}
    summary = summary_of(exchange, tmp_path)
    assert (summary.pnl, summary.best is None) == (pnl, pnl is None)
    assert summary.incomplete.startswith(exchange.broken[broken])
    assert ("Net realized  –" in shown(summary)) == (pnl is None)


def test_a_damaged_journal_is_not_known_to_hold_nothing(tmp_path):
    journal = TradeLogger(tmp_path, "sandbox", clock=lambda: NOON)
    for step in ("intent", "unknown"):
        journal.log_order_step(step, {"client_order_id": "x", "ticker": TICKER})
    lines = journal.trades_path.read_bytes().splitlines()
    journal.trades_path.write_bytes(b"".join(line[:-3] + b"\n" for line in lines))
    summary = read_summary(Lists(), journal, TODAY)
    assert (summary.is_empty, summary.unknown) == (False, 0)
    assert summary.incomplete == "2 journal lines are damaged"
    assert summary.pnl == 0  # P&L comes from the exchange alone
