"""The history: our action and side, external orders, missing orders."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from market_factory import TICKER
from model_factory import NOW, fill, order
from responses import matchers

from kalshi_trading.core.dates import Period
from kalshi_trading.core.errors import JournalError, KalshiAPIError
from kalshi_trading.core.models import Action, OrderStatus, Side
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.history import load_history
from kalshi_trading.history.comparison import MismatchKind, differences_of
from kalshi_trading.history.rows import HistoryFilter, HistoryRow, OrderResult, describe
from kalshi_trading.history.trade_history import history_from_journal
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.trade_logger import TradeLogger

URL = "https://external-api.demo.kalshi.co/trade-api/v2"
KEY_ID = "11111111-2222-3333-4444-555555555555"
KEY = rsa.generate_private_key(65537, 2048)


def signed(request):
    headers = request.headers
    path = request.url.removeprefix("https://external-api.demo.kalshi.co").partition("?")[0]
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}{request.method}{path}"
    salted = padding.PSS(padding.MGF1(SHA256()), SHA256().digest_size)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    KEY.public_key().verify(signature, text.encode(), salted, SHA256())
    return headers["KALSHI-ACCESS-KEY"] == KEY_ID, "another key"


def intent(action, side, **more):
    return JournalRecord(NOW, "order.intent", {"action": action, "side": side, **more})


def executed(book_side, yes_price, count):
    return order(
        *(book_side, yes_price, "0"),
        fill_count=Decimal(count),
        initial_count=Decimal(count),
        status=OrderStatus.EXECUTED,
    )


@pytest.mark.parametrize(
    ("action", "side", "book_side", "price"),
    [
        (Action.BUY, Side.YES, "bid", "0.65"),
        (Action.SELL, Side.YES, "ask", "0.65"),
        (Action.BUY, Side.NO, "ask", "0.35"),
        (Action.SELL, Side.NO, "bid", "0.35"),
    ],
)
def test_an_order_of_ours_has_action_and_side_of_its_intent(action, side, book_side, price):
    row = describe(order(book_side, "0.65", "10"), intent(action.value, side.value))
    assert (row.action, row.side, row.price) == (action, side, Decimal(price))
    assert row.is_external is False


@pytest.mark.parametrize(
    ("book_side", "side", "price"), [("bid", Side.YES, "0.65"), ("ask", Side.NO, "0.35")]
)
@pytest.mark.parametrize(
    "known",
    [None, intent("", ""), intent("juggle", "yes"), intent("buy", None)],
    ids=["no intent", "empty", "no word of ours", "half"],
)
def test_an_order_placed_elsewhere_is_described_by_its_effect(book_side, side, price, known):
    row = describe(order(book_side, "0.65", "10"), known)
    assert (row.action, row.side, row.price) == (None, side, Decimal(price))
    assert row.is_external is True


def test_an_intent_that_means_the_other_direction_is_not_believed():
    row = describe(order("bid", "0.65", "10"), intent("sell", "yes"))
    assert (row.action, row.side) == (None, Side.YES)


def test_the_average_price_is_that_of_the_fills_in_the_terms_of_the_side():
    fills = (
        fill("bid", "4", "0.60"),
        fill("bid", "6", "0.65"),
        fill("bid", "99", "0.01", order_id="another"),
    )
    bought_yes = describe(executed("bid", "0.65", "10"), intent("buy", "yes"), fills)
    sold_no = describe(executed("bid", "0.65", "10"), intent("sell", "no"), fills)
    assert (bought_yes.average_price, sold_no.average_price) == (Decimal("0.63"), Decimal("0.37"))


def test_an_average_over_some_of_the_fills_would_be_wrong_so_there_is_none():
    assert describe(executed("bid", "0.65", "10"), None, (fill("bid", "4", "0.60"),)).average_price is None
    assert describe(order("bid", "0.65", "10"), None).average_price is None


# --- Read from the exchange and the journal -------------------------------------------------------


def wire_order(number, **changes):
    return {
        "order_id": f"order-{number}",
        "user_id": "me",
        "client_order_id": f"client-{number}",
        "ticker": TICKER,
        "outcome_side": "yes",
        "book_side": "bid",
        "type": "limit",
        "status": "executed",
        "yes_price_dollars": "0.6500",
        "no_price_dollars": "0.3500",
        "fill_count_fp": "2.00",
        "remaining_count_fp": "0.00",
        "initial_count_fp": "2.00",
        "taker_fill_cost_dollars": "1.300000",
        "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.031900",
        "maker_fees_dollars": "0.000100",
        "created_time": (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=number)).isoformat(),
        **changes,
    }


def wire_fill(number, price="0.6400"):
    return {
        "fill_id": f"fill-{number}",
        "order_id": f"order-{number}",
        "ticker": TICKER,
        "book_side": "bid",
        "count_fp": "2.00",
        "yes_price_dollars": price,
        "is_taker": True,
        "fee_cost": "0.032000",
    }


def exchange_has(orders, fills, *, old_orders=(), old_fills=(), status=200, cursor="", period=None):
    """Answer the four lists of a history, of all times or from a period on."""
    begin = {} if period is None else {"min_ts": unix(period.start - timedelta(days=1, seconds=1))}
    for path, query, rows in (
        ("/portfolio/orders", {"limit": "1000", **begin}, {"orders": orders, "cursor": cursor}),
        ("/historical/orders", {"limit": "1000", **begin}, {"orders": [*old_orders], "cursor": ""}),
        ("/portfolio/fills", {"limit": "1000", **begin}, {"fills": fills, "cursor": ""}),
        ("/historical/fills", {"limit": "1000", **begin}, {"fills": [*old_fills], "cursor": ""}),
    ):
        match = [matchers.query_param_matcher(query, strict_match=True), signed]
        responses.add("GET", URL + path, json=rows, status=status, match=match)


def unix(at):
    return str(int(at.timestamp()))


@pytest.fixture
def client():
    return KalshiClient(
        Transport(URL, Credentials(KEY_ID, KEY), timing=Timing(read_retries=0, first_pause_s=0.001))
    )


@pytest.fixture
def journal(tmp_path):
    return TradeLogger(tmp_path, "sandbox")


@responses.activate
def test_the_history_joins_exchange_and_journal_newest_first(client, journal):
    exchange_has(
        [wire_order(1), wire_order(3), wire_order(2, created_time=None), wire_order(4)],
        [wire_fill(1), wire_fill(4, "0.6300")],
    )
    journal.log_order_step("intent", {"client_order_id": "client-4", "action": "sell", "side": "no"})
    journal.log_cancel_step("requested", {"client_order_id": "client-4"})
    journal.log_cancel_step("requested", {"client_order_id": "client-3"})
    history = load_history(client, journal)
    assert [row.order_id for row in history.rows] == ["order-4", "order-3", "order-1", "order-2"]
    ours, theirs = history.rows[0], history.rows[1]
    assert (ours.action, ours.side, ours.price) == (Action.SELL, Side.NO, Decimal("0.35"))
    assert (ours.average_price, ours.fees) == (Decimal("0.37"), Decimal("0.0320"))
    assert [record.event for record in ours.records] == ["order.intent", "cancel.requested"]
    assert [fill.fill_id for fill in ours.fills] == ["fill-4"]
    assert (ours.is_external, theirs.is_external) == (False, True)
    assert [record.event for record in theirs.records] == ["cancel.requested"]  # we canceled another's order
    assert (history.incomplete, len(history.damage)) == (None, 0)


@responses.activate
def test_what_has_moved_to_the_archive_is_there_once_and_as_it_ended(client, journal):
    exchange_has(
        [wire_order(3), wire_order(2, status="resting", fill_count_fp="0.00", remaining_count_fp="2.00")],
        [wire_fill(3), wire_fill(2)],
        old_orders=[wire_order(2), wire_order(1)],
        old_fills=[wire_fill(2), wire_fill(1)],
    )
    history = load_history(client, journal)
    assert [row.order_id for row in history.rows] == ["order-3", "order-2", "order-1"]
    assert [row.result for row in history.rows] == [OrderResult.FILLED] * 3
    assert [len(row.fills) for row in history.rows] == [1, 1, 1]
    lists = [call.request.url.partition("?")[0].removeprefix(URL) for call in responses.calls]
    assert lists.index("/historical/orders") > lists.index("/portfolio/orders")  # rows move that way only
    assert lists.index("/historical/fills") > lists.index("/portfolio/fills")


def journaled(journal, name, at, *steps, **fields):
    """Journal an order: its intent at a given time, and further events."""
    own = TradeLogger(journal.folder.parent, "sandbox", clock=lambda: at)
    named = {"client_order_id": name, "ticker": TICKER, "action": "buy", "side": "yes"}
    own.log_order_step("intent", named | {"count": Decimal(2), "price": Decimal("0.65"), **fields})
    for step in steps:
        own.log_order_step(step, named | fields)


@responses.activate
def test_orders_the_exchange_never_took_stand_in_the_history_too(client, journal):
    exchange_has([wire_order(3)], [wire_fill(3)])
    at = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
    journaled(journal, "client-3", at + timedelta(minutes=29), "sending", "acknowledged")
    journaled(journal, "mine-1", at, "sending", "rejected")
    journaled(journal, "mine-2", at - timedelta(minutes=1), "sending", "unknown")
    journaled(journal, "mine-3", at - timedelta(minutes=2), "sending", "unknown", "absent")
    journaled(journal, "mine-4", at - timedelta(minutes=3), "not_sent")
    report = {
        "order_id": "o",
        "fill_count": Decimal(1),
        "remaining_count": Decimal(1),
        "fee": Decimal("0.01"),
    }
    journaled(journal, "mine-5", at - timedelta(minutes=4), "sending", "acknowledged", **report)
    history = load_history(client, journal)
    assert [row.client_order_id for row in history.rows] == ["client-3", *(f"mine-{n}" for n in range(1, 6))]
    assert [row.result for row in history.rows] == [
        *(
            OrderResult.FILLED,
            OrderResult.REJECTED,
            OrderResult.UNKNOWN,
            OrderResult.NOT_PLACED,
            OrderResult.NOT_PLACED,
        ),
        OrderResult.RESTING,
    ]
    rejected, unknown, *_, unlisted = history.rows[1:]
    assert (rejected.fill_count, unknown.fill_count) == (Decimal(0), None)
    assert (unlisted.order_id, unlisted.fill_count, unlisted.fees) == ("o", Decimal(1), Decimal("0.01"))
    assert not any(row.is_external for row in history.rows)


@responses.activate
def test_orders_of_another_key_are_counted_and_left_out(client, journal):
    exchange_has([], [])
    for account, name in (("a", "mine"), ("b", "theirs"), ("", "either")):
        log = TradeLogger(journal.folder.parent, "sandbox", account=account or None)
        log.log_order_step("intent", {"client_order_id": name})
    history = load_history(client, journal, account="a")
    assert ({row.client_order_id for row in history.rows}, history.foreign_count) == ({"mine", "either"}, 1)


@responses.activate
def test_a_period_takes_what_was_placed_in_it_and_joins_an_intent_of_a_moment_before(client, journal):
    period = Period(date(2026, 11, 21), date(2026, 11, 21))
    second = timedelta(seconds=1)
    times = [period.start - second, period.start, period.end - second, period.end]
    rows = [wire_order(number, created_time=at.isoformat()) for number, at in enumerate(times)]
    exchange_has(rows, [wire_fill(number) for number in range(4)], period=period)
    journaled(journal, "client-1", period.start - second, "sending")  # before midnight by our clock
    journaled(journal, "client-3", period.end - second, "sending")  # at the exchange it was the next day
    journaled(journal, "lost-0", period.start - second)
    journaled(journal, "lost-1", period.start)
    history = load_history(client, journal, period=period)
    assert {row.client_order_id for row in history.rows} == {"client-1", "client-2", "lost-1"}
    assert {row.is_external for row in history.rows if row.client_order_id == "client-1"} == {False}


@responses.activate
def test_a_list_that_was_cut_ends_where_it_ends_for_the_journal_too(client, journal):
    newest = [wire_order(2), wire_order(1)]
    match = [matchers.query_param_matcher({"limit": "2"}, strict_match=True)]
    responses.add("GET", f"{URL}/portfolio/orders", json={"orders": newest, "cursor": "more"}, match=match)
    oldest = datetime(2026, 11, 21, 1, tzinfo=UTC)
    since = {"min_ts": unix(oldest - timedelta(seconds=1))}
    for path, name, rows in (
        ("/historical/orders", "orders", [wire_order(0)]),
        ("/portfolio/fills", "fills", [wire_fill(2), wire_fill(1)]),
        ("/historical/fills", "fills", []),
    ):
        match = [matchers.query_param_matcher({"limit": "1000", **since}, strict_match=True)]
        responses.add("GET", URL + path, json={name: rows, "cursor": ""}, match=match)
    journaled(journal, "older", oldest - timedelta(seconds=1), "rejected")
    journaled(journal, "newer", oldest + timedelta(seconds=1), "rejected")
    history = load_history(client, journal, most=2)
    assert [row.client_order_id for row in history.rows] == ["client-2", "newer", "client-1"]
    assert "only the first 2" in history.incomplete


@responses.activate
def test_an_archive_is_read_only_until_there_are_as_many_orders_as_wanted(client, journal):
    """With few live orders and a long archive, read one archive page.

    Read only the fills of that page.
    """
    oldest = datetime(2026, 11, 21, 1, tzinfo=UTC)
    fills_from = {"limit": "1000", "min_ts": unix(oldest - timedelta(seconds=1))}
    for path, query, answer in (
        ("/portfolio/orders", {"limit": "2"}, {"orders": [wire_order(3)], "cursor": ""}),
        ("/historical/orders", {"limit": "2"}, {"orders": [wire_order(2), wire_order(1)], "cursor": "more"}),
        ("/portfolio/fills", fills_from, {"fills": [wire_fill(3)], "cursor": ""}),
        ("/historical/fills", fills_from, {"fills": [wire_fill(2), wire_fill(1)], "cursor": ""}),
    ):
        match = [matchers.query_param_matcher(query, strict_match=True)]
        responses.add("GET", URL + path, json=answer, match=match)
    journaled(journal, "older", oldest - timedelta(seconds=1), "rejected")
    counts = []
    history = load_history(client, journal, most=2, progress=counts.append)
    assert [row.client_order_id for row in history.rows] == ["client-3", "client-2", "client-1"]
    assert [len(row.fills) for row in history.rows] == [1, 1, 1]
    assert "only the first 2" in history.incomplete
    assert counts == [1, 3, 1, 3]  # orders and fills, each counted over both lists
    assert len(responses.calls) == 4


@responses.activate
def test_a_history_with_an_unreadable_row_says_so(client, journal):
    exchange_has([wire_order(1), {"order_id": "order-2"}], [])
    history = load_history(client, journal)
    assert len(history.rows) == 1
    assert "could not be read" in history.incomplete
    assert history.rows[0].fills_missing == 2
    assert history.rows[0].average_price is None


@responses.activate
@pytest.mark.parametrize("status", [401, 500])
def test_a_history_that_cannot_be_read_is_an_error_and_not_empty(client, journal, status):
    exchange_has([], [], status=status)
    with pytest.raises(KalshiAPIError):
        load_history(client, journal)


@responses.activate
def test_a_journal_that_cannot_be_read_is_an_error_and_makes_nothing_external(client, journal):
    exchange_has([wire_order(1)], [])
    journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        load_history(client, journal)


@responses.activate
def test_damaged_lines_of_the_journal_are_reported_with_the_history(client, journal):
    exchange_has([], [])
    journaled(journal, "mine", NOW)
    with journal.trades_path.open("ab") as file:
        file.write(b"half a li\n")
    assert [str(line) for line in load_history(client, journal).damage.first] == ["trades.log line 2"]


def test_another_environment_is_read_from_its_journal_alone(journal):
    report = {"order_id": "o", "fill_count": Decimal(2), "remaining_count": Decimal(0)}
    journaled(journal, "mine", NOW, "acknowledged", **report)
    history = history_from_journal(journal)
    (row,) = history.rows
    assert (row.result, row.fill_count, row.order, history.is_joined) == (OrderResult.FILLED, 2, None, False)


# --- By the journal alone -------------------------------------------------------------------------


def by_the_journal(*events):
    """Return the history of BUY 10 YES at 65¢ from its records alone.

    The records are the exchange's reports, oldest first.
    """
    records = [intent("buy", "yes", client_order_id="x", count="10", price="0.65")]
    records += [JournalRecord(NOW, event, {"client_order_id": "x", **said}) for event, said in events]
    own = logged_orders(records, "sandbox", None).orders["x"]
    return HistoryRow(None, own, own.records, ())


def rests(filled, remaining, **more):
    return "order.acknowledged", {"order_id": "E", "fill_count": filled, "remaining_count": remaining, **more}


def cancel(reduced_by):
    return "cancel.acknowledged", {"reduced_by": reduced_by}


@pytest.mark.parametrize(
    ("events", "result", "filled"),
    [
        ([rests("0", "10")], OrderResult.RESTING, 0),
        ([rests("0", "10"), ("cancel.requested", {})], OrderResult.RESTING, 0),
        ([rests("0", "10"), cancel("10")], OrderResult.CANCELED, 0),
        ([rests("4", "6"), cancel("6")], OrderResult.PARTLY, 4),
        ([rests("0", "10"), cancel("6")], OrderResult.PARTLY, 4),  # 4 filled in between
        ([rests("4", "6"), cancel("6"), cancel("6")], OrderResult.PARTLY, 4),  # two cancels crossed
        ([cancel("10"), rests("0", "10")], OrderResult.CANCELED, 0),  # a list that lagged
        ([cancel("6"), rests("4", "0")], OrderResult.PARTLY, 4),
        ([rests("0", "10"), cancel("0")], OrderResult.UNKNOWN, None),  # filled, or canceled elsewhere
        ([rests("10", "0"), cancel("0")], OrderResult.FILLED, 10),
        ([rests("3", "0")], OrderResult.PARTLY, 3),
    ],
)
def test_an_acknowledged_cancel_ended_the_order_and_tells_what_was_filled(events, result, filled):
    row = by_the_journal(*events)
    assert (row.result, row.fill_count) == (result, filled)


def test_what_a_cancel_shows_to_have_filled_since_has_no_reported_price_and_fee():
    fill = "order.fill", {**rests("4", "6")[1], "average_price": "0.65", "fee": "0.05"}
    row = by_the_journal(fill, cancel("6"))
    assert (row.fill_count, row.average_price, row.fees) == (4, Decimal("0.65"), Decimal("0.05"))
    more = by_the_journal(fill, cancel("2"))
    assert (more.fill_count, more.average_price, more.fees) == (8, None, None)


@pytest.mark.parametrize(
    ("reduced_by", "possible"),
    [
        ((), set(OrderStatus)),
        (("6",), {OrderStatus.CANCELED}),
        (("0",), set(OrderStatus) - {OrderStatus.RESTING}),
    ],
)
@pytest.mark.parametrize("reported", [("0", "10"), ("4", "6")])
def test_the_comparison_takes_an_acknowledged_cancel_for_the_same_end(reported, reduced_by, possible):
    row = by_the_journal(rests(*reported), *map(cancel, reduced_by))
    is_told_to_rest = row.result is OrderResult.RESTING
    assert is_told_to_rest == (OrderStatus.RESTING in possible)
    filled = Decimal(10) if row.fill_count is None else row.fill_count
    left = Decimal(10) - filled if is_told_to_rest else Decimal(0)
    for status in OrderStatus:
        numbers = {"fill_count": filled, "initial_count": Decimal(10), "status": status}
        points = differences_of(replace(row, order=order("bid", "0.65", left, **numbers)))
        assert MismatchKind.COUNT not in {point.kind for point in points}
        assert (MismatchKind.STATUS in {point.kind for point in points}) == (status not in possible)


# --- Filters --------------------------------------------------------------------------------------


def row(listed):
    return HistoryRow(listed, None, (), ())


def there(status="executed", filled="10", remaining="0", ticker=TICKER, side="bid", at=NOW):
    counts = {"fill_count": Decimal(filled), "initial_count": Decimal(10), "status": OrderStatus(status)}
    return row(order(side, "0.65", remaining, ticker=ticker, created_at=at, **counts))


ROWS = {
    "filled": there(),
    "partly": there("canceled", "3"),
    "canceled": there("canceled", "0"),
    "resting": there("resting", "0", "10"),
    "half": there("resting", "5", "5"),
    "no": there(side="ask"),
    "elsewhere": there(ticker="KXCPI-26NOV-T3"),
    "old": there(at=NOW - timedelta(days=40)),
    "only": there(ticker="KXELONMARS-99"),
    "timeless": there(at=None),
    "odd": there("unknown", "1"),
}
FILLED = {"filled", "no", "elsewhere", "old", "only", "timeless"}
DAY = NOW.astimezone().date()


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (HistoryFilter(), set(ROWS)),
        (HistoryFilter(result=OrderResult.FILLED), FILLED),
        (HistoryFilter(result=OrderResult.PARTLY), {"partly", "half", "odd"}),
        (HistoryFilter(result=OrderResult.CANCELED), {"canceled"}),
        (HistoryFilter(result=OrderResult.RESTING), {"resting", "half"}),
        (HistoryFilter(result=OrderResult.UNKNOWN), {"odd"}),
        (HistoryFilter(result=OrderResult.REJECTED), set()),
        (HistoryFilter(side=Side.NO), {"no"}),
        (HistoryFilter(market="CPI"), {"elsewhere"}),
        (HistoryFilter(market=TICKER), set(ROWS) - {"elsewhere", "only"}),
        (HistoryFilter(event="KXCPI"), {"elsewhere"}),
        (HistoryFilter(event="KXHIGHNY-26NOV21"), set(ROWS) - {"elsewhere", "only"}),
        (HistoryFilter(event="26NOV21"), set()),
        (HistoryFilter(event="KXELONMARS-99"), {"only"}),  # a market may be named like its event
        (HistoryFilter(event="KXELONMARS"), {"only"}),
        (HistoryFilter(event=f"{TICKER}"), set(ROWS) - {"elsewhere", "only"}),
        (HistoryFilter(period=Period(DAY, DAY)), set(ROWS) - {"old"}),
        (
            HistoryFilter(period=Period(DAY, DAY), side=Side.YES, result=OrderResult.FILLED),
            FILLED - {"no", "old"},
        ),
    ],
)
def test_a_filter_takes_what_it_says_and_no_more(wanted, names):
    assert {name for name, each in ROWS.items() if wanted.takes(each)} == names
