"""Orders from scripts: refusals, confirmations, and shared services."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from decimal import localcontext
from pathlib import Path

import pytest
from cases import naming
from screen_session import LONGER_THAN_ANY_RUN

from kalshi_trading import compose, trade_logger
from kalshi_trading.core.errors import (
    ConfirmationRequired,
    InvalidInputError,
    InvalidOrderError,
    KalshiAPIError,
    NotAvailableError,
    NotFoundError,
    OrderDeniedError,
    OrderNotSentError,
    TradeExecutionError,
)
from kalshi_trading.core.models import OrderStatus
from kalshi_trading.core.money import Cents
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.environments import Environment
from kalshi_trading.trade_executor import TradeExecutor


@pytest.fixture
def executor(script):
    return TradeExecutor()


@pytest.fixture(scope="module")
def ticker(still_exchange):
    """A market quoted on both sides.

    The exchange is still, so it stays quoted.
    """
    return next(
        market.ticker
        for market in still_exchange.client().get_markets(status="open")
        if None not in (market.yes_bid, market.yes_ask)
        and D("0.2") < market.yes_bid < market.yes_ask < D("0.8")
        and market.close_at > datetime.now(UTC) + LONGER_THAN_ANY_RUN
    )


def writes():
    """Return the order and cancel events of the journal."""
    records = compose.current_journal().read_journal().records
    return [record.event for record in records if record.event.startswith(("order.", "cancel."))]


# --- Placing and canceling ---------------------------------------------------------------------------


def test_a_market_order_fills_and_a_limit_away_from_the_book_stays_open(executor, ticker):
    bought = executor.place_market_order(ticker.lower(), "Yes", "2")
    assert (bought.outcome, bought.fill_count, bought["status"]) == (Outcome.ACKNOWLEDGED, 2, "executed")
    rests = executor.place_limit_order(ticker, "no", D("1.5"), 5)
    assert (rests["status"], rests.remaining_count, rests["price"]) == ("resting", D("1.5"), 5)
    order = executor.get_order_status(rests.order_id)
    assert (order.status, order.yes_price) == (OrderStatus.RESTING, D("0.95"))
    assert rests.order_id in [each.order_id for each in executor.list_open_orders()]

    canceled = executor.cancel_order(rests.order_id)

    assert canceled
    assert (canceled.reduced_by, canceled["reduced_by"]) == (D("1.5"), D("1.5"))
    assert executor.get_order_status(rests.order_id).status is OrderStatus.CANCELED
    again = executor.cancel_order(rests.order_id)
    assert not again
    assert "canceled, 0 filled" in again.message


def test_what_is_held_is_sold_and_closed(executor, ticker):
    tracker = PortfolioTracker()
    executor.close_position(ticker) if _net(tracker, ticker) else None
    executor.place_market_order(ticker, "no", 3)
    assert executor.place_market_order(ticker, "no", 1, action="sell").fill_count == 1
    assert _net(tracker, ticker) == -2
    closed = executor.close_position(ticker)
    assert (closed["action"], closed["side"], closed.fill_count) == ("sell", "no", 2)
    assert _net(tracker, ticker) == 0
    with pytest.raises(InvalidOrderError, match=f"No open position in {ticker}. Nothing was sent"):
        executor.close_position(ticker)


def _net(tracker, ticker):
    rows = [row.position for row in tracker.get_current_positions() if row.position.ticker == ticker]
    return rows[0].net if rows else 0


def test_a_quantity_in_dollars_spends_no_more_than_that(executor, ticker):
    bought = executor.place_market_order(ticker, "yes", "$3")
    assert bought.fill_count == bought.request.count > 0
    assert bought.fill_count * bought.average_price + bought.fee <= 3
    with pytest.raises(InvalidOrderError, match=r"\$0\.01 is too little.*Nothing was sent\."):
        executor.place_market_order(ticker, "yes", "$0.01")
    with pytest.raises(InvalidOrderError, match="Dollar amounts are for buying only"):
        executor.place_market_order(ticker, "yes", "$3", action="sell")


def test_an_unknown_order_cannot_be_canceled(executor):
    unknown = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFoundError, match=f"The exchange has no order {unknown}"):
        executor.cancel_order(unknown)
    for no_id in (None, 5):
        with pytest.raises(InvalidInputError, match="order_id must be text"):
            executor.cancel_order(no_id)


def test_a_ticker_is_valid_if_the_exchange_has_its_market(executor, ticker):
    assert executor.validate_ticker(ticker) is True
    assert executor.validate_ticker("NOSUCH-26NOV21") is False
    assert executor.validate_ticker("no ticker at all") is False
    assert executor.validate_ticker(None) is False


def test_markets_are_found_by_words_and_status(executor, ticker):
    found = executor.search_markets(ticker, limit=5)
    assert [(row["ticker"], row.market.ticker) for row in found] == [(ticker, ticker)]
    assert len(executor.search_markets(limit=3)) == 3
    assert all(row["status"] != "active" for row in executor.search_markets(status="closed"))
    with pytest.raises(InvalidInputError, match="status must be one of unopened, open, closed, settled"):
        executor.search_markets(status="resting")
    with pytest.raises(InvalidInputError, match="limit must be a whole number"):
        executor.search_markets(limit=-1)


# --- Prices and quantities: nothing is guessed -------------------------------------------------------

PRICES = {
    57: "0.57",
    "57": "0.57",
    "57c": "0.57",
    "0.57": "0.57",
    "$0.57": "0.57",
    D("0.57"): "0.57",
    1: "0.01",
}
WRONG_PRICES = [
    *(0.57, 57.0, float("nan"), True, None, b"57", [57]),
    *(0, 100, -5, 10**5000, D(57), D(1), D(0), D("NaN"), D("Infinity"), Cents("100.5"), Cents("-0.5")),
    *(D("0.04000000000000000000000000000000000001"), D("0.00001"), Cents("5.501"), D("1e-30")),
    *(Cents("0.5") * 1, (Cents("0.4") + Cents("0.8")) / 2, Cents("50") * D("0.01")),
    *("", "abc", "-0.5", "nan", "1e-1", "５７", "0", "100"),
]
WRONG_QUANTITIES = [
    *(1.0, 2.5, True, None, "buy", b"1", Cents("5.5")),
    *(10**40, D("1e30"), D("1.0000000000000000000000000000000000001"), Cents("5.5") * 2),
    *(0, -1, D("0.001"), D("NaN"), D("Infinity"), "0", "-1", "1e3", "ten", "0.001", "１", ""),
]


@pytest.fixture
def offline_executor(executor, monkeypatch):
    """An executor that fails the test if it asks the exchange anything."""

    def ask(*_, **__):
        pytest.fail("the exchange was asked")

    monkeypatch.setattr(executor._orders, "get_market_info", ask)
    monkeypatch.setattr(executor._orders, "preview", ask)
    return executor


def test_an_invalid_price_is_refused_before_any_request(offline_executor):
    for number, price in enumerate(WRONG_PRICES):
        with naming(number), pytest.raises(InvalidOrderError, match=r"Nothing was sent\.$"):
            offline_executor.place_limit_order("KX-1", "yes", 1, price)


def test_an_invalid_quantity_is_refused_before_any_request(offline_executor, ticker):
    for number, quantity in enumerate(WRONG_QUANTITIES):
        with naming(number), pytest.raises(InvalidOrderError, match=r"Nothing was sent\.$"):
            offline_executor.place_market_order("KX-1", "yes", quantity)


WRONG_ARGUMENTS = [
    (("KX-1", "buy", 1), {}, "side must be yes or no, not 'buy'. Argument order: ticker, side"),
    (("KX-1", "yes", "buy", 10, 45), {}, "action must be buy or sell, not 10."),
    (("KX-1", "yes", 1, "yes"), {}, "action must be buy or sell, not 'yes'."),
    (("KX-1", "yes", 1, "buy", "gtc"), {}, "order_type must be market or limit, not 'gtc'."),
    (("KX-1", "yes", 1), {"price": 50}, "A market order takes no price."),
    (("KX-1", "yes", 1), {"order_type": "limit"}, "A limit order needs a price."),
    (("no ticker", "yes", 1), {}, "Not a ticker."),
    ((7, "yes", 1), {}, "ticker must be text, not int."),
    (
        ("KX-1", "yes", 1, "buy", "limit", 0.29),
        {},
        "A float is not exact: 0.29 is 0.28999999999999998002.",
    ),
]


def test_arguments_that_do_not_fit_say_which_and_send_nothing(offline_executor):
    for arguments, named, sentence in WRONG_ARGUMENTS:
        with naming(arguments), pytest.raises(InvalidOrderError) as caught:
            offline_executor.place_order(*arguments, **named)
        assert str(caught.value).startswith(sentence)
        assert str(caught.value).endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("price", "dollars"), [(1, "0.01"), ("1c", "0.01"), ("$0.01", "0.01"), (D("0.02"), "0.02")]
)
def test_every_way_to_write_a_price_means_what_it_says(executor, ticker, price, dollars):
    placed = executor.place_limit_order(ticker, "yes", 1, price)
    assert executor.get_order_status(placed.order_id).yes_price == D(dollars)


def test_a_price_read_from_a_market_below_a_cent_is_never_taken_for_dollars(executor):
    """Half a cent and half a dollar are both written as 0.5."""
    market = next(
        found.market
        for found in executor.search_markets(limit=None)
        if found.market.yes_ask is not None and found.market.price_grid.contains(D("0.005"))
    )
    with pytest.raises(
        InvalidOrderError, match=r"0\.5 could be 0\.5¢ or 50¢\. Add c for cents or \$ for dollars\."
    ):
        executor.place_limit_order(market.ticker, "yes", 1, "0.5")
    placed = executor.place_limit_order(market.ticker, "yes", 1, Cents("0.5"))
    assert placed.request.price == D("0.005")
    assert placed["price"] == Cents("0.5")


# --- One way to refuse --------------------------------------------------------------------------------


def test_a_soft_limit_asks_and_its_confirmation_sends_exactly_that(script, exchange, ticker):
    script.setenv("KALSHI_SOFT_ORDER_COST", "0.10")
    executor = TradeExecutor()
    with pytest.raises(
        ConfirmationRequired, match=r"Confirmation required\. Nothing was sent.*confirm above \$0\.10"
    ) as caught:
        executor.place_market_order(ticker, "yes", 3)
    assert [finding.rule for finding in caught.value.findings] == ["cost per order"]
    assert writes() == []
    result = caught.value.confirm()
    assert (result.outcome, result.fill_count) == (Outcome.ACKNOWLEDGED, 3)


def test_what_became_worse_since_must_be_confirmed_anew(script, monkeypatch, ticker):
    script.setenv("KALSHI_SOFT_ORDER_COST", "0.10")
    executor = TradeExecutor()
    with pytest.raises(ConfirmationRequired) as caught:
        executor.place_limit_order(ticker, "yes", 3, 5)
    first = caught.value
    with pytest.raises(ConfirmationRequired) as caught:
        executor.place_limit_order(ticker, "yes", 3, 5)
    second = caught.value
    assert first.confirm()["status"] == "resting"
    with pytest.raises(ConfirmationRequired) as again:  # the same order was sent meanwhile
        second.confirm()
    assert "same order again" in [finding.rule for finding in again.value.findings]
    assert len([each for each in executor.list_open_orders() if each.ticker == ticker]) == 1
    assert again.value.confirm()["status"] == "resting"


def test_one_answer_sends_one_order_however_many_threads_give_it(script, ticker):
    script.setenv("KALSHI_SOFT_ORDER_COST", "0.10")
    executor = TradeExecutor()
    with pytest.raises(ConfirmationRequired) as caught:
        executor.place_limit_order(ticker, "yes", 3, 5)
    ends = in_threads(caught.value.confirm, 4)
    assert sorted(type(end).__name__ for end in ends) == [*["OrderDeniedError"] * 3, "SubmissionResult"]
    assert "Already confirmed. Nothing was sent again" in str(
        next(end for end in ends if isinstance(end, OrderDeniedError))
    )
    assert writes().count("order.intent") == 1


def test_threads_that_place_the_same_order_are_asked_about_it(executor, ticker):
    ends = in_threads(lambda: executor.place_limit_order(ticker, "yes", 1, 4), 4)
    assert sorted(type(end).__name__ for end in ends) == [*["ConfirmationRequired"] * 3, "SubmissionResult"]


def in_threads(work, count):
    """Run `work` in threads at once; return their results and errors."""
    ends, gate = [], threading.Barrier(count)

    def attempt():
        gate.wait()
        try:
            ends.append(work())
        except TradeExecutionError as error:
            ends.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return ends


def test_a_confirmed_market_order_keeps_the_worst_price_that_was_confirmed(script, monkeypatch, ticker):
    script.setenv("KALSHI_SOFT_ORDER_COST", "0.10")
    executor = TradeExecutor()
    services = compose.acquire().services
    with pytest.raises(ConfirmationRequired) as caught:
        executor.place_market_order(ticker, "yes", 3)
    seen, preview = [], services.orders.preview
    monkeypatch.setattr(services.orders, "preview", lambda ticket: seen.append(ticket) or preview(ticket))
    result = caught.value.confirm()
    assert [ticket.worst_price for ticket in seen] == [result.request.price]


@pytest.mark.parametrize(
    ("setting", "order", "reason"),
    [
        (
            {"KALSHI_HARD_ORDER_COUNT": "2", "KALSHI_SOFT_ORDER_COUNT": "2"},
            {},
            "max 2, KALSHI_HARD_ORDER_COUNT",
        ),
        ({"KALSHI_READ_ONLY": "1"}, {}, "read-only"),
        ({}, {"order_type": "limit", "price": "5.003c"}, "price"),
        ({}, {"order_type": "limit", "price": D("0.0511")}, "is not a valid price here. Try "),
    ],
    ids=["hard limit", "read-only", "no price", "off the grid"],
)
def test_what_denies_an_order_raises_and_sends_nothing(script, setting, order, reason, ticker):
    for name, text in setting.items():
        script.setenv(name, text)
    executor = TradeExecutor()
    with pytest.raises(TradeExecutionError, match=reason) as caught:
        executor.place_order(ticker, "yes", 3, **order)
    assert not isinstance(caught.value, ConfirmationRequired | KalshiAPIError)
    assert "order.intent" not in writes()


def test_a_denied_order_is_on_record_with_its_findings(script, ticker):
    script.setenv("KALSHI_HARD_ORDER_COUNT", "2")
    script.setenv("KALSHI_SOFT_ORDER_COUNT", "2")
    executor = TradeExecutor()
    with pytest.raises(OrderDeniedError) as caught:
        executor.place_market_order(ticker, "yes", 3)
    assert [finding.rule for finding in caught.value.findings] == ["contracts per order"]
    assert writes() == ["order.denied"]


def test_a_panic_blocks_scripts_and_lets_cancels_through(executor, ticker):
    rests = executor.place_limit_order(ticker, "yes", 1, 2)
    compose.acquire().services.orders.panic()
    with pytest.raises(OrderDeniedError, match="panic"):
        executor.place_limit_order(ticker, "yes", 1, 3)
    assert executor.get_order_status(rests.order_id).status is OrderStatus.CANCELED


def test_a_journal_that_fails_sends_nothing(executor, ticker):
    journal = compose.current_journal()
    journal.trades_path.unlink(missing_ok=True)
    journal.trades_path.mkdir(parents=True)
    with pytest.raises(OrderNotSentError, match=r"cannot be used: .* Nothing was sent\.$"):
        executor.place_limit_order(ticker, "yes", 1, 2)
    assert [order for order in executor.list_open_orders() if order.ticker == ticker] == []


def test_real_money_needs_its_own_word_where_the_service_is_built(executor, ticker, monkeypatch):
    services = executor._lease.services
    production = replace(services, settings=replace(services.settings, environment=Environment.PRODUCTION))
    careful, allowed = TradeExecutor(production), TradeExecutor(production, allow_production=True)
    assert careful.block_reason() == "This is real money. To allow orders, pass allow_production=True."
    assert allowed.block_reason() is None
    with pytest.raises(
        OrderDeniedError, match=r"real money\. To allow orders, pass allow_production=True"
    ) as caught:
        careful.place_limit_order(ticker, "yes", 1, 2)
    assert caught.value.findings[0].rule == "production"
    assert writes() == ["order.denied"]
    assert allowed.place_limit_order(ticker, "yes", 1, 2)["status"] == "resting"


# --- Through the client -----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["no", "false", 0, 1, None])
def test_only_a_bool_allows_real_money(script, word):
    with pytest.raises(InvalidInputError, match="allow_production must be True or False"):
        TradeExecutor(allow_production=word)


def test_what_blocks_every_order_is_named(script, tmp_path):
    script.setenv("KALSHI_READ_ONLY", "1")
    executor = TradeExecutor()
    assert "read-only" in executor.block_reason()
    services = compose.acquire().services
    services.orders.lock("The journal cannot be written.")
    assert executor.block_reason() == "The journal cannot be written."


def test_orders_have_the_same_action_and_side_wherever_they_are_read(executor, ticker):
    executor.place_market_order(ticker, "yes", 2)
    rests = executor.place_limit_order(ticker, "yes", 2, 95, "sell")
    order_id, client = rests["order_id"], KalshiClient()
    listed = next(each for each in executor.list_open_orders() if each.order_id == order_id)
    reads = [listed, executor.get_order_status(order_id), client.get_order(order_id), rests]
    reads += [each for each in client.get_orders(ticker.lower(), "resting") if each.order_id == order_id]
    reads.append(executor.cancel_order(order_id)["order"])
    assert {(each["action"], each["side"], each["price"]) for each in reads} == {("sell", "yes", 95)}
    assert len(reads) == 6


def test_a_journal_that_cannot_be_read_hides_no_orders(executor, ticker):
    rests = executor.place_limit_order(ticker, "no", 2, 4)
    path = compose.current_journal().trades_path
    path.rename(path.with_suffix(".aside"))
    path.mkdir()
    assert executor.get_order_status(rests["order_id"])["action"] == "buy"
    assert rests["order_id"] in [each["order_id"] for each in KalshiClient().get_orders(status="resting")]
    assert executor.cancel_order(rests["order_id"])


def test_the_client_places_and_cancels_by_way_of_the_same_protocol(script, ticker):
    client = KalshiClient()
    placed = client.place_order(ticker, "yes", 2, order_type="limit", price=3)
    assert placed["order"]["status"] == "resting"
    assert client.cancel_order(placed["order_id"])
    assert writes() == [
        *("order.intent", "order.sending", "order.acknowledged"),
        *("cancel.requested", "cancel.acknowledged"),
    ]


@pytest.mark.parametrize(
    "name", ["amend_order", "decrease_order", "batch_create_orders", "batch_cancel_orders"]
)
def test_what_is_not_there_yet_says_so(script, name):
    with pytest.raises(NotAvailableError, match=r"yet\. Nothing was sent; "):
        getattr(KalshiClient(), name)("order-1", 5)


def test_a_client_over_a_connection_of_its_own_places_no_orders(exchange):
    with pytest.raises(
        NotAvailableError, match=r"no journal for orders\. Nothing was sent; use KalshiClient\(\)"
    ):
        exchange.client().place_order("KX-1", "yes", 1)


# --- One session in a process -----------------------------------------------------------------------


def sessions(folder):
    return len(list((folder / "logs/practice/sessions").glob("*.lock")))


def test_all_that_is_built_shares_one_session_and_ends_with_the_last(script, tmp_path):
    with KalshiClient() as client, TradeExecutor() as executor:
        with PortfolioTracker() as tracker:
            assert sessions(tmp_path) == 1
            assert client._transport is tracker._client._transport
        assert tracker is not None
        client.get_balance()
        assert executor.list_open_orders() is not None
        assert sessions(tmp_path) == 1
    assert sessions(tmp_path) == 0
    client.close()  # a second call does nothing
    with TradeExecutor() as executor:
        assert sessions(tmp_path) == 1
        assert executor.list_open_orders() is not None


def test_closing_twice_ends_no_services_that_others_hold(script, tmp_path):
    executor, client = TradeExecutor(), KalshiClient()
    for _ in range(3):
        client.close()
    assert sessions(tmp_path) == 1
    assert executor.list_open_orders() is not None
    with pytest.raises(NotAvailableError, match="Already closed"):
        client.place_order("KX-1", "yes", 1)


def test_a_tracker_closes_no_client_but_its_own(script, tmp_path):
    client = KalshiClient()
    with PortfolioTracker(client):
        pass
    assert sessions(tmp_path) == 1
    with PortfolioTracker():
        pass
    assert sessions(tmp_path) == 1


def test_reading_the_history_holds_nothing(script, tmp_path):
    trade_logger.get_trade_history("today")
    trade_logger.export_trades_to_csv(tmp_path / "fills.csv")
    assert sessions(tmp_path) == 0
    with pytest.raises(InvalidInputError, match=r"does not exist\. Nothing was written"):
        trade_logger.export_trades_to_csv(tmp_path / "nowhere" / "fills.csv")


def test_what_was_shared_leaves_no_threads_and_files(script):
    sessions_begun, before = 5, threading.active_count()
    for _ in range(sessions_begun):
        with KalshiClient() as client:
            client.get_balance()
    ends_by = time.monotonic() + 20
    # each has several threads; one that was sending may stay idle, and so may those of other tests
    while threading.active_count() >= before + sessions_begun and time.monotonic() < ends_by:
        time.sleep(0.05)
    assert threading.active_count() < before + sessions_begun


def test_a_script_takes_over_the_order_of_a_session_that_was_killed(script, tmp_path, exchange, ticker):
    """It warns, because the order may be live."""
    with TradeExecutor() as executor:
        placed = executor.place_limit_order(ticker, "yes", 3, 3)
    compose.shut_down()
    journal = tmp_path / "logs/practice/trades.log"
    lines = journal.read_text().splitlines(keepends=True)
    cut = next(number for number, line in enumerate(lines) if "order.acknowledged" in line)
    journal.write_text("".join(lines[:cut]))  # as after a kill between send and answer
    with pytest.warns(UserWarning, match="Found: BUY 3 YES"):
        again = TradeExecutor()
    events = [record.event for record in compose.current_journal().read_journal().records]
    assert "order.acknowledged" in events[cut:]
    assert again.cancel_order(placed["order_id"])


def test_lines_of_the_journal_that_cannot_be_read_are_noted(script, tmp_path):
    journal = tmp_path / "logs/practice/trades.log"
    journal.parent.mkdir(parents=True)
    journal.write_text("no record at all\n")
    with pytest.warns(UserWarning, match="Orders on damaged lines cannot be checked"):
        executor = TradeExecutor()
    assert executor.block_reason() is None  # a note blocks no order


def test_the_notes_of_the_settings_are_shown(script):
    script.setenv("KALSHI_API_BASE_URL", "https://external-api.kalshi.com/trade-api/v2")
    with pytest.warns(UserWarning, match="KALSHI_API_BASE_URL has no effect in practice") as warned:
        TradeExecutor()
    assert [Path(each.filename).name for each in warned] == [Path(__file__).name]  # the script's own line


def test_a_script_that_takes_warnings_for_errors_leaves_no_session_behind(script, tmp_path):
    script.setenv("KALSHI_API_BASE_URL", "https://external-api.kalshi.com/trade-api/v2")
    with pytest.raises(UserWarning, match="has no effect in practice"):
        TradeExecutor()
    assert sessions(tmp_path) == 0


def test_a_script_that_rounds_its_decimals_may_not_round_money(executor):
    with localcontext() as context:
        context.prec = 6
        with pytest.raises(InvalidInputError, match=r"prec is 6, which rounds money\. Restore it to 28"):
            executor.place_market_order("KX-1", "yes", 1)
        with pytest.raises(InvalidInputError, match="which rounds money"):
            PortfolioTracker().get_current_positions()


def test_an_object_that_is_never_closed_keeps_what_it_shares(script, tmp_path):
    client = KalshiClient()
    with TradeExecutor():
        pass
    assert sessions(tmp_path) == 1
    assert client.get_balance().cash > 0


def test_threads_that_build_at_once_share_one_session(script, tmp_path):
    built, gate = [], threading.Barrier(8)

    def build():
        gate.wait()
        built.append(TradeExecutor())

    threads = [threading.Thread(target=build) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({id(each._orders) for each in built}) == 1
    assert sessions(tmp_path) == 1


def test_an_order_after_the_end_is_refused(script, ticker):
    executor = TradeExecutor()
    compose.shut_down()
    with pytest.raises(OrderDeniedError, match="The program is closing"):
        executor.place_limit_order(ticker, "yes", 1, 2)
    executor.close()
    with pytest.raises(NotAvailableError, match=r"Already closed\. Create a new one\."):
        executor.place_limit_order(ticker, "yes", 1, 2)


def test_a_forked_process_begins_a_session_of_its_own(executor, tmp_path):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with TradeExecutor() as own:
                is_own = sessions(tmp_path) == 2 and own.list_open_orders() is not None
            status = 0 if is_own and sessions(tmp_path) == 1 else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_was_built_before_a_fork_places_nothing_after_it(executor):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            executor.place_market_order("KX-1", "yes", 1)
        except NotAvailableError as error:
            status = 0 if "before a fork" in str(error) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
