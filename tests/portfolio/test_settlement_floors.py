"""Ticket, cash, positions and P&L while settlement floors rise and fall.

Each figure of the client must equal what the practice exchange then reports. It keeps its books with its own
code, and pays a floor out row by row.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal as D

import proof
import pytest
from cases import naming
from hypothesis import given, settings
from hypothesis import strategies as st
from model_factory import BOOK, MARKET, NOW, fill, floored, held, order, settlement, snapshot
from portfolio_histories import CENTS, OTHER, SCALAR, Histories, History

from kalshi_trading.core.errors import UnavailableError
from kalshi_trading.core.models import Action, Balance, MarketResult, OrderStatus, Side, Transfer
from kalshi_trading.core.money import BALANCE_GRAIN, ZERO, round_down
from kalshi_trading.core.pnl import paid_early, payout, settlement_gross_pnl
from kalshi_trading.core.results import Fetched, Listing
from kalshi_trading.core.valuation import (
    Exposure,
    Mark,
    OpenSize,
    floor_cancel,
    liquidate,
    mark_price,
    market_exposure,
    resting_collateral,
)
from kalshi_trading.history.export_tables import SETTLEMENTS, Exporter
from kalshi_trading.orders.pretrade.findings import Severity
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.explain.account import explain_all_cash, explain_value
from kalshi_trading.portfolio.explain.market import explain_cash, explain_settlement
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.portfolio.settled_floors import SettledFloors
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.practice.engine.exchange import NewOrder, Refusal
from kalshi_trading.practice.records import BookSide, FeeType, SelfTradePrevention, TimeInForce
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

ORDERS_EACH = 10
"""Orders of our account in one history."""

offers = st.tuples(st.sampled_from(list(BookSide)), st.integers(35, 75), st.integers(100, 1_500))
tickets = st.tuples(
    st.sampled_from([SCALAR, SCALAR, SCALAR, CENTS]),
    st.sampled_from(list(Action)),
    st.sampled_from(list(Side)),
    st.one_of(st.integers(1, 12).map(lambda whole: whole * 100), st.integers(1, 999)),
    st.one_of(st.none(), st.integers(20, 85)),
)
floors = st.one_of(st.none(), st.integers(0, 50))
steps = st.tuples(floors, st.booleans(), st.lists(offers, min_size=1, max_size=4), tickets)
"""A floor, whether our open orders are canceled, offers of others, and an order of ours."""


@pytest.fixture(scope="module")
def histories():
    exchange = Histories()
    yield exchange
    exchange.world.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("journal")


@settings(max_examples=proof.CURRENT.floor_orders // ORDERS_EACH)
@given(
    fee_type=st.sampled_from([FeeType.QUADRATIC, FeeType.QUADRATIC_WITH_MAKER_FEES]),
    dollars=st.sampled_from([5, 10, 1_000]),
    story=st.lists(steps, min_size=ORDERS_EACH, max_size=ORDERS_EACH),
    value=st.one_of(st.integers(0, 100), st.sampled_from([0, 100])),
)
def test_predictions_and_figures_are_what_the_exchange_then_reports(
    histories, folder, fee_type, dollars, story, value
):
    history = histories.begin(fee_type, 100, dollars)
    journal = TradeLogger(folder, "practice", clock=history.now)
    orders = OrderService(history.client, journal, limits=Limits(), clock=history.now)
    for floor, clears, others, ticket in story:
        if floor is not None:
            history.exchange.set_floor(history.tickers[SCALAR], floor * 100)
        for own in history.exchange.orders_of(history.name) if clears else ():
            if own.remaining_count:
                history.exchange.cancel(history.name, own.order_id)
        for side, cents, count in others:
            _place(history, OTHER, SCALAR, side, cents * 100, count)
        _trade(history, orders, ticket)
        assert_exact(history)
    _settle(history, value * 100)


def _settle(history: History, value: int) -> None:
    """Settle at a value, or at the floor. The exposure bounds the P&L."""
    ticker = history.tickers[SCALAR]
    floor = history.exchange.markets[ticker].floor
    row = next((row for row in history.portfolio().held if row.position.ticker == ticker), None)
    history.settle(SCALAR, max(value, floor))
    assert_exact(history)
    if row is None:
        return
    exposure = market_exposure(row.position.net, row.cost_basis, (), D(floor) / 10_000)
    earned = history.portfolio().ledgers[ticker].realized_by_settlement
    assert -exposure.worst <= earned
    if value <= floor:
        assert earned == -exposure.if_no
    elif value == 10_000:
        assert earned == -exposure.if_yes


def _place(
    history: History,
    account: str,
    kind: int,
    side: BookSide,
    price: int,
    count: int,
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED,
    *,
    reduce_only: bool = False,
) -> Refusal | None:
    order = NewOrder(
        ticker=history.tickers[kind],
        client_order_id=f"{history.name}-{next(history.ids)}",
        side=side,
        price=price,
        count=count,
        time_in_force=time_in_force,
        self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        reduce_only=reduce_only,
    )
    try:
        history.exchange.place(account, order)
    except Refusal as refusal:
        return refusal
    finally:
        history.clock.move(1)
        history.exchange.check()
    return None


def _trade(history: History, orders: OrderService, wish) -> None:
    """Preview an order, place it as previewed, and compare."""
    kind, action, side, count, cents = wish
    ticket = OrderTicket(
        history.tickers[kind], action, side, D(count) / 100, None if cents is None else D(cents) / 100
    )
    history.client.expire_balance()  # others may have traded since the last read
    preview = orders.preview(ticket)
    denied = {each.rule for each in preview.findings if each.severity is Severity.DENY}
    before = history.world.audit(history.name)
    refusal = _place(
        history,
        history.name,
        kind,
        BookSide(preview.request.book_side.value),
        int(preview.request.yes_price * 10_000),
        int(preview.request.count * 100),
        TimeInForce(preview.request.time_in_force.value),
        reduce_only=preview.request.reduce_only,
    )
    if refusal is not None:
        assert _is_expected(refusal, preview, denied), (refusal, preview.findings)
    elif "price grid" not in denied:
        assert_predicted(history, preview, before)
    assert refusal is not None or "price grid" not in denied


def _is_expected(refusal: Refusal, preview: OrderPreview, denied: set[str]) -> bool:
    """Return True if the ticket announced what the exchange refused."""
    if refusal.code == "invalid_price":
        return "price grid" in denied
    if refusal.code == "insufficient_balance":
        return any(each.rule == "cash" for each in preview.findings)
    return False


def assert_predicted(history: History, preview: OrderPreview, before) -> None:
    """Compare the change of cash with the ticket's prediction, if it has one."""
    after = history.world.audit(history.name)
    freed = (D(after.cash) - D(after.collateral)) - (D(before.cash) - D(before.collateral))
    fee, context = D(after.fees) - D(before.fees), preview.context
    if preview.bounds is not None and not context.resting:
        assert freed >= -preview.bounds.cost
    rests = preview.walk.left > ZERO and not preview.ticket.is_market_order
    if context.resting or (rests and preview.closing):
        return  # our open orders may close the contracts instead
    assert freed + fee == preview.expected.proceeds - preview.expected_cost
    if rests:  # its own fee comes with its fills
        return
    assert abs(fee - preview.expected_fee) <= BALANCE_GRAIN * 10
    assert preview.held_after - preview.held_before in (preview.request.count, -preview.request.count)


def assert_exact(history: History) -> None:
    """Compare positions, P&L and cash with the exchange's books."""
    snapshot, audit = history.portfolio(), history.world.audit(history.name)
    paid = {row.position.ticker: row.floor_paid for row in snapshot.held}
    assert snapshot.ledgers.keys() == audit.markets.keys()
    for ticker, book in audit.markets.items():
        ledger = snapshot.ledgers[ticker]
        assert ledger.mismatch is None
        figures = {
            "position": ledger.fifo.net,
            "exposure": ledger.fifo.cost_basis,
            "realized_by_trading": ledger.realized_by_trading,
            "realized_by_settlement": ledger.realized_by_settlement,
            "fees": ledger.fees_paid,
            "cash": ledger.fifo.cash + paid.get(ticker, ZERO),
        }
        assert figures == {name: D(getattr(book, name)) for name in figures}
    assert snapshot.collateral == D(audit.collateral)
    free = round_down(D(audit.cash) - D(audit.collateral), BALANCE_GRAIN)
    assert snapshot.balance.value.cash == free
    assert explain_all_cash(snapshot).total == free
    check = check_account(snapshot)
    assert (check.differences, check.not_compared) == ((), ())
    assert snapshot.realized is not None
    assert snapshot.realized.net == D(audit.realized) - D(audit.fees)


# --- Worked rows -----------------------------------------------------------------------------------


def test_the_worked_trade_earns_by_price_and_pays_by_floor():
    """A buys 100 YES, the floor rises, A sells 50, the market settles at 50¢."""
    bought, sold = fill("bid", "100", "0.40"), fill("ask", "50", "0.45")
    row = held("100", "40", bought, market=floored("0.30", yes_bid=D("0.44")))
    assert (row.floor_paid, row.value, row.unrealized_pnl) == (30, 14, 4)
    for revenue in ("10.00", "25.00"):  # what is paid at the end, or all of it
        paid = replace(settled("0.50", revenue), yes_count=D(100), no_count=D(50), no_cost=D("27.50"))
        ledger = market_ledger(MARKET.ticker, (bought, sold), position=None, settlement=paid)
        assert ledger.realized_pnl == settlement_gross_pnl(paid) == D("7.50")
        assert ledger.fifo.cash == D("-40") + D("22.50") + 25
        explained = explain_settlement(paid, ledger)
        assert explained.total == D("7.50")
        texts = [line.text for line in explained.lines]
        assert ("settlement floor, already paid" in texts) is (revenue == "10.00")
        each = "20¢" if revenue == "10.00" else "50¢"
        assert any(f"payout for 50 YES at {each} each" in text for text in texts)
        assert explain_cash(ledger).total == ledger.fifo.cash


def test_the_cut_of_a_fractional_payout_is_a_fee_of_what_is_paid_at_the_end():
    bought = fill("bid", "33.33", "0.40")
    row = replace(settled("0.50", "6.66"), yes_count=D("33.33"), no_count=ZERO, fees=D("0.006"))
    ledger = market_ledger(MARKET.ticker, (bought,), position=None, settlement=row)
    assert (ledger.fees_paid, ledger.realized_pnl) == (D("0.006"), D("3.333"))


def test_a_corrected_floor_takes_back_the_difference():
    """G holds 50 YES: the floor of 30¢ becomes 25¢, then it settles at 50¢."""
    before, after = (held("50", "20", market=floored(floor)) for floor in ("0.30", "0.25"))
    assert after.floor_paid - before.floor_paid == D("-2.50")
    assert payout(replace(settled("0.50", "12.50"), floor=D("0.25"))) == 25
    assert paid_early(replace(settled("0.50", "12.50"), floor=D("0.25"))) == D("12.50")


def test_a_no_position_is_paid_nothing_early():
    row = held("-100", "60", market=floored("0.30", yes_ask=D("0.45")))
    assert (row.floor_paid, row.value) == (0, 55)


def test_an_unknown_floor_leaves_the_value_unknown_and_the_cash_unchecked():
    row = held("100", "40", fill("bid", "100", "0.40"), market=floored(None))
    assert (row.floor_paid, row.value, row.unrealized_pnl) == (None, None, 23)
    balance, deposits = Fetched(Balance(D(90), D(0), NOW, ())), Fetched((paid_in("100"),))
    account = snapshot(row, balance=balance, deposits=deposits)
    assert account.total_value is None
    assert account.min_total_value == 90
    check = check_account(account)
    assert check.differences == ()
    assert check.not_compared == (f"cash: settlement floor of {MARKET.ticker} unknown",)
    assert "is unknown" in explain_all_cash(account).caution


def test_the_account_counts_a_floor_once():
    """The exchange may show a position's cost with or without the floor."""
    bought, deposits = fill("bid", "100", "0.40"), Fetched((paid_in("100"),))
    for cost in ("40", "10"):
        row = held("100", cost, bought, market=floored("0.30", yes_bid=D("0.44")))
        account = snapshot(row, balance=Fetched(Balance(D(90), D(0), NOW, ())), deposits=deposits)
        assert check_account(account).differences == ()
        assert account.total_value == 90 + 14
        lines = {line.text: line.amount for line in explain_all_cash(account).lines}
        assert lines[f"{MARKET.ticker}: settlement floor"] == 30
        (value,) = explain_value(account).lines
        assert value.text.endswith("100 YES at 44¢ less $30.00 settlement floor")
    short = replace(account, balance=Fetched(Balance(D(60), D(0), NOW, ())))
    assert [row.what for row in check_account(short).differences] == ["cash"]


def test_open_orders_hold_the_cash_above_the_floor():
    orders = (order("bid", "0.46", "100"), order("ask", "0.46", "10"))
    sizes = [OpenSize(each.book_side, each.yes_price, each.remaining_count) for each in orders]
    assert resting_collateral(ZERO, sizes, D("0.45")) == D("1.00") + D("5.40")
    assert market_exposure(ZERO, ZERO, sizes, D("0.45")) == Exposure(D("5.40"), D("1.00"))


def test_quotes_at_or_below_the_floor_are_no_marks():
    position = held("10", "4").position
    market = floored("0.30", yes_bid=D("0.30"), yes_ask=D("0.40"), last_price=D("0.25"))
    assert [mark_price(position, market, mark) for mark in Mark] == [None, None, None]
    above = replace(market, yes_bid=D("0.32"), last_price=D("0.31"))
    assert [mark_price(position, above, mark) for mark in Mark] == [D("0.32"), D("0.36"), D("0.31")]


def test_liquidation_leaves_out_what_was_paid():
    sale = liquidate(D(100), BOOK, None, D("0.30"))
    assert (sale.proceeds, sale.floor_paid) == (100 * D("0.33"), 30)
    assert liquidate(D(-10), BOOK, None).floor_paid == 0


def test_an_order_that_a_rising_floor_canceled_says_so():
    rows = [
        ("bid", "0.44", "0.45", True),
        ("bid", "0.45", "0.45", True),
        ("bid", "0.46", "0.45", False),
        ("ask", "0.50", "0.45", False),
        ("ask", "0.42", "0.45", True),
        ("bid", "0.44", "0", False),
        ("bid", "0.44", None, False),
    ]
    for side, price, floor, is_canceled in rows:
        with naming((side, price, floor)):
            gone = order(side, price, status=OrderStatus.CANCELED)
            reason = floor_cancel(gone, floored(floor))
            assert reason == ("canceled as the settlement floor rose to 45¢" if is_canceled else None)
            assert floor_cancel(replace(gone, status=OrderStatus.EXECUTED), floored(floor)) is None


class Settled:
    """An exchange with one settled market; `asked` counts the reads."""

    def __init__(self, market, error=None):
        self.market, self.error, self.asked = market, error, 0

    def get_historical_markets(self, *, tickers):
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Listing(())

    def get_markets(self, *, tickers):
        assert tickers == [self.market.ticker]
        return Listing((self.market,))


def test_a_settlement_row_gets_the_floor_of_its_market_once():
    exchange = Settled(floored("0.30", settlement_value=D("0.50")))
    floors = SettledFloors(exchange)
    row = settled("0.20", "20.00", floor=None)  # a row whose value leaves the floor out
    for _ in range(2):
        (found,) = floors.apply([row])
        assert (found.floor, found.value, payout(found), paid_early(found)) == (D("0.30"), D("0.50"), 50, 30)
    assert exchange.asked == 1
    won = replace(row, result=MarketResult.YES, revenue=D(100))
    assert floors.apply([won, replace(row, yes_count=ZERO, no_count=D(5))])[0] == won
    assert exchange.asked == 1


def test_a_market_that_cannot_be_read_leaves_its_row():
    row = settled("0.50", "20.00", floor=None)
    exchange = Settled(floored("0.30", settlement_value=D("0.50")), UnavailableError("No answer."))
    floors = SettledFloors(exchange)
    assert floors.apply([row]) == (row,)
    exchange.error = None
    assert floors.apply([row])[0].floor == D("0.30")


def test_an_export_reads_the_markets_of_its_settlements_together(tmp_path):
    rows = [replace(settled("0.20", "20.00", floor=None), ticker=f"KX-{number}") for number in range(3)]

    class Exchange(Settled):
        def each_settlement(self, *, since, until):
            yield from rows

        def get_markets(self, *, tickers):
            return Listing(tuple(replace(self.market, ticker=ticker) for ticker in tickers))

    exchange, path = Exchange(floored("0.30", settlement_value=D("0.50"))), tmp_path / "settlements.csv"
    journal = TradeLogger(tmp_path, "practice")
    exporter = Exporter(exchange, PortfolioTracker(exchange), journal, clock=lambda: NOW)
    assert exporter.export(SETTLEMENTS, path).rows == len(rows)
    assert exchange.asked == 1
    assert {row["value"] for row in csv.DictReader(path.read_text().splitlines())} == {"0.50"}


def settled(value, revenue, floor="0.30"):
    row = settlement(
        yes=("100", "40"), no=("50" if floor else "0", "27.50" if floor else "0"), revenue=revenue
    )
    known = None if floor is None else D(floor)
    return replace(row, result=MarketResult.SCALAR, value=D(value), floor=known)


def paid_in(amount):
    return Transfer("t", "applied", "ach", D(amount), D(0), NOW)
