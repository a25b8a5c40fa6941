"""Orders through the executor on a real practice exchange.

Covers the four directions, cancels and the script doors.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from decimal import Decimal as D

import pytest
from api_examples import EXAMPLES
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from exchange_process import running_exchange
from loopback import reset, say, serving
from model_factory import order as sample_order

from kalshi_trading.core.errors import InvalidInputError, JournalError, KalshiAPIError
from kalshi_trading.core.models import Action, BookSide, OrderStatus, Side
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.order_book import best_ask, best_bid
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.journal.order_state import OrderStage, OrderState
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

ROW = EXAMPLES["rest"]["get_order"]["body"]["order"]
NOT_FOUND = EXAMPLES["errors"]["404_not_found"]
RESTING = sample_order(BookSide.BID, "0.55")
LONG_YES = {(Action.BUY, Side.YES), (Action.SELL, Side.NO)}


class Trader:
    """An executor connected to a real exchange, with its own journal."""

    def __init__(self, exchange, folder, limits=None, sleep=None):
        self.client = exchange.client()
        self.client.load_limits()
        self.journal = TradeLogger(folder, "practice")
        self.executor = OrderService(self.client, self.journal, limits=limits or Limits(), sleep=sleep)
        self.tracker = PortfolioTracker(self.client)

    def cash(self):
        return self.client.get_balance().cash

    def net(self, ticker):
        listing = self.client.get_positions(ticker=ticker).markets
        return next((row.net for row in listing if row.ticker == ticker), ZERO)

    def liquid_markets(self):
        """Open markets with a narrow two-sided book, latest close first.

        Prices near 0 or 1 are excluded.
        """
        rows = [
            market
            for market in self.client.get_markets(status="open", limit=400)
            if market.yes_bid is not None
            and market.yes_ask is not None
            and D("0.2") < market.yes_bid < market.yes_ask < D("0.8")
            and market.yes_ask - market.yes_bid <= D("0.04")
        ]
        return sorted(rows, key=lambda market: market.close_at, reverse=True)

    def place(self, ticker, action, side, count, price):
        preview = self.executor.preview(OrderTicket(ticker, action, side, D(count), price))
        assert not preview.is_denied, preview.findings
        return self.executor.submit(preview)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """An exchange for this module alone, because cash is checked exactly."""
    with running_exchange(tmp_path_factory.mktemp("executor"), "--seed", "5") as running:
        yield running


@pytest.fixture(scope="module")
def unused_markets(exchange, tmp_path_factory):
    """Markets not traded in this module yet, one after the other."""
    return iter(Trader(exchange, tmp_path_factory.mktemp("look")).liquid_markets())


@pytest.fixture
def trader(exchange, tmp_path):
    return Trader(exchange, tmp_path / "logs")


# --- Four directions, on the exchange's own book --------------------------------------------------

DIRECTIONS = list(itertools.product(Action, Side))


@pytest.mark.parametrize(("action", "side"), DIRECTIONS)
@pytest.mark.parametrize("kind", ["market", "limit"])
def test_each_direction_moves_position_and_cash_as_the_exchange_says(
    trader, unused_markets, action, side, kind
):
    ticker = next(unused_markets).ticker
    if action is Action.SELL:  # there must be contracts to sell
        assert trader.place(ticker, Action.BUY, side, 3, None).fill_count == 3
    book = trader.client.get_orderbook(ticker)
    touch = best_ask(book, side) if action is Action.BUY else best_bid(book, side)
    before_net, before_cash = trader.net(ticker), trader.cash()
    # Two cents through the book, because it may move in between.
    limit = touch.price + (D("0.02") if action is Action.BUY else D("-0.02"))

    result = trader.place(ticker, action, side, 3, limit if kind == "limit" else None)

    assert (result.outcome, result.fill_count, result.message) == (Outcome.ACKNOWLEDGED, 3, "filled")
    moved = trader.net(ticker) - before_net
    assert moved == (3 if (action, side) in LONG_YES else -3)
    # A closing sale receives its price, a purchase pays it; both pay the fee.
    gained = 3 * result.average_price * (1 if action is Action.SELL else -1)
    assert trader.cash() - before_cash == gained - result.fee
    worst = touch.price + D("0.05") if action is Action.BUY else touch.price - D("0.05")
    inside = result.average_price <= worst if action is Action.BUY else result.average_price >= worst
    assert inside


@pytest.mark.parametrize(("action", "side"), DIRECTIONS)
def test_a_limit_away_from_the_book_rests_is_listed_and_is_canceled(trader, unused_markets, action, side):
    market = next(unused_markets)
    book = trader.client.get_orderbook(market.ticker)
    # Beyond the best price of our side, on whole cents, so that it cannot trade.
    price = best_bid(book, side).price if action is Action.BUY else best_ask(book, side).price
    price = price.quantize(D("0.01")) + (D("-0.10") if action is Action.BUY else D("0.10"))
    before = trader.net(market.ticker)
    ticket = OrderTicket(market.ticker, action, side, D(2), price)
    placed = trader.executor.submit(trader.executor.preview(ticket))
    assert (placed.outcome, placed.message, placed.remaining_count) == (
        Outcome.ACKNOWLEDGED,
        "open",
        2,
    )
    mine = next(row for row in trader.executor.list_open_orders() if row.order_id == placed.order_id)
    assert mine.yes_price == (price if side is Side.YES else 1 - price)
    assert mine.book_side is (BookSide.BID if (action, side) in LONG_YES else BookSide.ASK)

    end = trader.executor.cancel_order(mine)

    assert (end.message, end.reduced_by) == ("Canceled.", 2)
    assert trader.executor.get_order_status(mine.order_id).status is OrderStatus.CANCELED
    assert trader.net(market.ticker) == before
    assert placed.order_id not in [row.order_id for row in trader.executor.list_open_orders()]
    again = trader.executor.cancel_order(mine)
    assert again.reduced_by is None
    assert "canceled, 0 filled" in again.message


def test_canceling_a_filled_order_says_that_it_was_filled(trader, unused_markets):
    placed = trader.place(next(unused_markets).ticker, Action.BUY, Side.YES, 3, None)
    end = trader.executor.cancel_order(trader.executor.get_order_status(placed.order_id))
    assert end.message == "Too late: already filled (3 contracts)."
    assert end.reduced_by is None
    assert [record.event for record in trader.journal.read_journal().records][-2:] == [
        "cancel.requested",
        "cancel.unconfirmed",
    ]


def test_twenty_five_no_are_held_as_twenty_five_no_and_valued_at_the_bid_for_no(trader, unused_markets):
    ticker = next(unused_markets).ticker
    assert trader.place(ticker, Action.BUY, Side.NO, 25, None).fill_count == 25
    assert trader.net(ticker) == -25
    row = trader.tracker.calculate_position_pnl(ticker)
    assert (row.position.side, row.position.count) == (Side.NO, 25)
    assert row.mark == 1 - trader.executor.get_market_info(ticker).yes_ask
    assert ticker in [held.position.ticker for held in trader.tracker.refresh().held]


def test_what_the_exchange_refuses_is_shown_as_refused(trader, unused_markets):
    market = next(unused_markets)
    ticket = OrderTicket(
        market.ticker, Action.BUY, Side.YES, D(1), market.yes_ask + D("0.02"), post_only=True
    )
    result = trader.executor.submit(trader.executor.preview(ticket))
    assert result.outcome is Outcome.REJECTED
    assert "post only cross" in result.message
    assert trader.net(market.ticker) == 0


def test_the_order_of_a_moment_ago_is_noticed_on_the_next_preview(trader, unused_markets):
    market = next(unused_markets)
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.05"))
    trader.executor.submit(trader.executor.preview(ticket))
    again = trader.executor.preview(ticket)
    assert "same order again" in [finding.rule for finding in again.findings]
    assert again.context.today.orders == 1
    assert again.context.today.bought == D("0.05")
    assert [row.remaining_count for row in again.context.resting] == [1]


@pytest.mark.parametrize("meets", ["preview", "panic"])
def test_an_order_that_had_been_written_off_is_noticed_by_whatever_lists_it(trader, unused_markets, meets):
    market = next(unused_markets)
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(2), D("0.05"))
    placed = trader.executor.submit(trader.executor.preview(ticket))
    pending = PendingOrders()
    later = OrderService(trader.client, trader.journal, limits=Limits(), pending=pending)
    order = trader.client.get_order(placed.order_id)
    written_off = OrderState(
        order.client_order_id, market.ticker, "BUY 2 YES", OrderStage.ABSENT, order.created_at
    )
    pending.track([written_off])
    later.preview(ticket) if meets == "preview" else later.panic()
    assert [news for news in later.messages() if placed.order_id in news and "Late" in news]
    later.panic()
    later.allow_orders()


def test_a_panic_in_another_session_that_runs_blocks_this_one_too(exchange, tmp_path, unused_markets):
    here, there = Trader(exchange, tmp_path).executor, Trader(exchange, tmp_path).executor
    ticket = OrderTicket(next(unused_markets).ticker, Action.BUY, Side.YES, D(1), D("0.02"))
    before = here.preview(ticket)
    assert not before.is_denied
    there.panic()
    assert here.preview(ticket).findings[0].rule == "panic"
    assert here.submit(before).outcome is Outcome.DENIED
    there.allow_orders()
    here.allow_orders()
    assert not here.preview(ticket).is_denied


def test_panic_names_what_another_session_may_still_have_under_way(exchange, tmp_path):
    here = Trader(exchange, tmp_path, sleep=lambda seconds: time.sleep(seconds / 100))
    there = Trader(exchange, tmp_path)
    lost = {"client_order_id": "lost", "ticker": "KX-1", "sentence": "BUY 150 YES KX-1 at 10¢"}
    there.journal.log_order_step("intent", lost)
    report = here.executor.panic()
    assert report.unresolved == ("BUY 150 YES KX-1 at 10¢",)
    assert not report.is_verified
    here.executor.allow_orders()


def test_orders_stay_blocked_while_it_cannot_be_recorded_that_they_are_allowed(trader):
    trader.executor.panic()
    log = trader.journal.trades_path
    kept = log.rename(log.with_suffix(".kept"))
    log.mkdir()
    assert not trader.executor.allow_orders()
    assert trader.executor.block_reason()
    log.rmdir()
    kept.rename(log)
    assert trader.executor.allow_orders()
    assert trader.executor.block_reason() is None


def test_an_unknown_market_is_named(trader):
    with pytest.raises(InvalidInputError, match="Market NOSUCH-26 not found"):
        trader.executor.preview(OrderTicket("NOSUCH-26", Action.BUY, Side.YES, D(1), None))
    with pytest.raises(InvalidInputError, match="not found"):
        trader.executor.get_market_info("nosuch-26")


@pytest.mark.parametrize("ticker", ["", "../x", "A B", "ＫＸ", "A" * 200, "KX\x00"])
def test_text_that_is_no_ticker_is_refused_before_anything_is_asked(trader, ticker):
    with pytest.raises(InvalidInputError, match="Not a ticker"):
        trader.executor.get_market_info(ticker)
    with pytest.raises(InvalidInputError, match="Not a ticker"):
        trader.executor.preview(OrderTicket(ticker, Action.BUY, Side.YES, D(1), None))


def test_a_session_that_may_only_look_sends_no_order_but_cancels(trader, unused_markets):
    ticker = next(unused_markets).ticker
    wish = OrderTicket(ticker, Action.BUY, Side.YES, D(1), D("0.05"))
    rests = trader.executor.submit(trader.executor.preview(wish))
    trader.executor.read_only = True
    denied = trader.executor.submit(trader.executor.preview(replace(wish, price=D("0.06"))))
    assert denied.outcome is Outcome.DENIED
    assert trader.executor.cancel_order(trader.executor.get_order_status(rests.order_id)).reduced_by == 1


# --- Cancels on a failing exchange ------------------------------------------------------------


def canceling(server, tmp_path):
    naps = []
    credentials = Credentials("key", Ed25519PrivateKey.generate())
    timing = Timing(connect_s=2, total_s=3, read_retries=0)
    client = KalshiClient(Transport(server.url, credentials, timing=timing))
    journal = TradeLogger(tmp_path / "logs", "practice")
    return OrderService(client, journal, limits=Limits(), sleep=naps.append), journal, naps


CANCEL = {"order_id": RESTING.order_id, "reduced_by": "10.00", "ts_ms": 1795271405165}
CANCELED = say(200, CANCEL)
GONE = say(NOT_FOUND["status"], NOT_FOUND["body"])


def listed(status, filled):
    return say(200, {"order": {**ROW, "status": status, "fill_count_fp": filled}})


@pytest.mark.parametrize(
    "lost", [reset, say(503, b"<html>"), say(200, b"{"), say(429, {"error": "too many"})]
)
def test_a_cancel_without_an_answer_is_repeated_until_there_is_one(tmp_path, lost):
    with serving(lost, lost, CANCELED) as server:
        executor, journal, naps = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert (end.message, end.reduced_by) == ("Canceled.", 10)
    assert naps == [0.5, 1.0]
    assert [record.event for record in journal.read_journal().records] == [
        "cancel.requested",
        "cancel.acknowledged",
    ]


def test_a_cancel_of_more_than_rested_is_not_believed(tmp_path):
    with serving(say(200, {**CANCEL, "reduced_by": "9999.00"})) as server:
        executor, journal, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert end.reduced_by is None
    assert "more than were open" in end.message
    assert journal.read_journal().records[-1].event == "cancel.unconfirmed"


def test_a_cancel_of_nothing_is_no_end_of_an_order_that_rests(tmp_path):
    with serving(say(200, {**CANCEL, "reduced_by": "0.00"}), listed("resting", "0.00")) as server:
        executor, _, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert not end.is_acknowledged
    assert "still lists the order" in end.message


@pytest.mark.parametrize(
    "lost", [reset, say(503, b"<html>"), say(404, b"<html>"), say(429, {"error": "many"})]
)
def test_a_cancel_is_tried_three_times_and_then_not_known(tmp_path, lost):
    with serving(lost) as server:
        executor, journal, naps = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert server.count("DELETE") == 3
    assert end.reduced_by is None
    assert "Cancel not confirmed; the order may still be open." in end.message
    assert naps == [0.5, 1.0]
    assert journal.read_journal().records[-1].event == "cancel.unconfirmed"


def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_canceled(tmp_path):
    refused = say(401, {"error": {"code": "unauthorized", "message": "no"}})
    with serving(reset, refused) as server:
        executor, journal, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert server.count("DELETE") == 2
    assert end.message.startswith("Cancel not confirmed; the order may still be open.")
    assert "Not" not in end.message
    assert "Nothing" not in end.message
    assert journal.read_journal().records[-1].event == "cancel.unconfirmed"


def test_a_cancel_that_is_refused_is_not_repeated(tmp_path):
    with serving(say(403, {"error": {"code": "forbidden", "message": "forbidden"}})) as server:
        executor, _, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert len(server.requests) == 1
    assert end.message.startswith("Not canceled.")
    assert end.reduced_by is None


@pytest.mark.parametrize(
    ("status", "filled", "words"),
    [
        ("executed", "20.00", "already filled (20 contracts)"),
        ("canceled", "3.00", "status: canceled, 3 filled"),
        ("resting", "0.00", "found nothing to cancel but still lists the order"),
        ("slumbering", "0.00", "status: unknown"),
    ],
)
def test_a_cancel_that_finds_nothing_tells_what_became_of_the_order(tmp_path, status, filled, words):
    with serving(GONE, listed(status, filled)) as server:
        executor, _, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert words in end.message
    assert end.reduced_by is None


def test_a_cancel_that_finds_nothing_and_cannot_ask_claims_nothing(tmp_path):
    with serving(GONE, say(500, {})) as server:
        executor, _, _ = canceling(server, tmp_path)
        end = executor.cancel_order(RESTING)
    assert "final status is unavailable" in end.message
    assert end.order == RESTING


def test_a_journal_that_fails_locks_orders_and_lets_the_cancel_through(tmp_path):
    with serving(CANCELED) as server:
        executor, journal, _ = canceling(server, tmp_path)
        journal.trades_path.mkdir(parents=True)
        assert executor.cancel_order(RESTING).reduced_by == 10
        assert executor.lock_reason is not None


def test_open_orders_with_a_row_missing_are_an_error_and_not_a_shorter_list(tmp_path):
    rows = [ROW, {**ROW, "book_side": "sideways"}]
    with serving(say(200, {"orders": rows, "cursor": ""})) as server:
        executor, _, _ = canceling(server, tmp_path)
        with pytest.raises(KalshiAPIError, match="The list is incomplete"):
            executor.list_open_orders()


def test_a_journal_that_cannot_be_read_stops_the_preview(trader, unused_markets):
    trader.journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        trader.executor.preview(OrderTicket(next(unused_markets).ticker, Action.BUY, Side.YES, D(1), None))
