"""The client against the API's examples: requests, pages, refusals.

Requests are checked with path, parameters and signature.
"""

from __future__ import annotations

import base64
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import responses
from api_examples import EXAMPLES
from api_reads import ORDER_ID, PAGE, PUBLIC, READS, TICKER
from cases import naming
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from responses import matchers

from kalshi_trading.core.errors import (
    InvalidInputError,
    KalshiAPIError,
    MalformedAnswerError,
    NotFoundError,
    OutcomeUnknownError,
    UnavailableError,
)
from kalshi_trading.core.models import Action, MarketResult, OrderRequest, OrderStatus, Side, TimeInForce
from kalshi_trading.core.results import Listing
from kalshi_trading.exchange import paging
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.exchange.wire.documented import ANSWERS
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.settings.credentials import Credentials

URL = "https://external-api.demo.kalshi.co/trade-api/v2"
ROOT = "/trade-api/v2"
KEY_ID = "11111111-2222-3333-4444-555555555555"
KEY = rsa.generate_private_key(65537, 2048)


def example(name):
    return EXAMPLES["rest"][name]["body"]


def signed(request):
    """Match only a request whose RSA signature verifies."""
    headers = request.headers
    if headers.get("KALSHI-ACCESS-KEY") != KEY_ID:
        return False, "no key"
    path = request.url.removeprefix("https://external-api.demo.kalshi.co").partition("?")[0]
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}{request.method}{path}"
    salted = padding.PSS(padding.MGF1(SHA256()), SHA256().digest_size)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    KEY.public_key().verify(signature, text.encode(), salted, SHA256())
    return True, ""


def public(request):
    return not any(name.startswith("KALSHI") for name in request.headers), "a public read carries a key"


def expect(method, path, body, *, query=None, who=signed, status=200, json_body=None):
    match = [matchers.query_param_matcher(query or {}, strict_match=True), who]
    if json_body is not None:
        match.append(matchers.json_params_matcher(json_body, strict_match=True))
    responses.add(method, URL + path, json=body, status=status, match=match)


@contextmanager
def exchange():
    """Yield a client of an exchange that must get every expected request."""
    timing = Timing(read_retries=1, first_pause_s=0.001)
    responses.start()
    try:
        yield KalshiClient(Transport(URL, Credentials(KEY_ID, KEY), timing=timing))
        assert not [expected.url for expected in responses.registered() if expected.call_count == 0]
    finally:
        responses.stop()
        responses.reset()


@pytest.fixture
def client():
    with exchange() as client:
        yield client


# --- Every read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "places", "call", "query", "who"), READS, ids=[row[0] for row in READS])
def test_each_read_asks_as_documented_and_understands_the_example(client, name, places, call, query, who):
    method, path = EXAMPLES["rest"][name]["request"].split()
    last_page = {field: "" if field == "cursor" else value for field, value in example(name).items()}
    expect(method, path.format(**places), last_page, query=query, who=public if who == PUBLIC else signed)
    found = call(client)
    if isinstance(found, Listing):
        assert found.incomplete is None
        rows = next(value for value in example(name).values() if isinstance(value, list))
        assert len(found) == len(rows)


def test_what_the_portfolio_reads_mean(client):
    expect("GET", "/portfolio/balance", example("get_balance"))
    assert client.get_balance().cash == Decimal("121.3683")
    wanted = {"settlement_status": "unsettled", **PAGE}
    expect("GET", "/portfolio/positions", example("get_positions"), query=wanted)
    position = client.get_positions().markets.require_complete()[0]
    assert (position.net, position.cost_basis, position.realized_pnl) == (6, Decimal("3.6"), Decimal("0.2"))


def test_books_of_many_markets_are_asked_a_hundred_at_a_time(client):
    tickers = [f"KX-{number}" for number in range(150)]
    row = example("get_market_orderbooks")["orderbooks"][0]
    for batch in (tickers[:100], tickers[100:]):
        books = {"orderbooks": [{**row, "ticker": ticker} for ticker in batch]}
        expect("GET", "/markets/orderbooks", books, query={"tickers": batch}, who=public)
    assert list(client.get_orderbooks(tickers)) == tickers


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_a_name_that_would_leave_its_place_in_the_path_is_not_sent(client, name):
    with pytest.raises(InvalidInputError):
        client.get_market(name)


def test_a_strange_name_stays_in_its_place_in_the_path(client):
    expect("GET", "/events/..%2F..%2Fx%3Fy%23z/metadata", example("get_event_metadata"), who=public)
    client.get_event_metadata("../../x?y#z")


@pytest.mark.parametrize("ticker", ["../../x?y#z", "", "a b", None])
def test_what_is_no_ticker_is_refused_before_anything_is_asked(client, ticker):
    for read in (client.get_market, client.get_orderbook, client.get_market_history):
        with pytest.raises(InvalidInputError, match="Not a ticker"):
            read(ticker)
    with pytest.raises(InvalidInputError, match="ticker must be text"):
        client.get_fills(5)


@pytest.mark.parametrize("limit", [0, -1, "5", 2.5])
def test_a_limit_that_is_none_is_refused_before_anything_is_asked(client, limit):
    with pytest.raises(InvalidInputError, match="limit must be a whole number above 0"):
        client.get_orders(limit=limit)


def test_markets_are_not_listed_by_the_words_of_their_own_status(client):
    with pytest.raises(InvalidInputError, match="status must be one of unopened, open, paused"):
        client.get_markets(status="active")
    with pytest.raises(InvalidInputError, match="status must be one of resting, executed, canceled"):
        client.get_orders(status="filled")


def test_an_undecided_market_has_no_result(client):
    body = example("get_market")
    expect("GET", f"/markets/{TICKER}", {"market": {**body["market"], "result": ""}}, who=public)
    market = client.get_market(TICKER)
    assert (market.result, market["result"]) == (MarketResult.NONE, "")


@pytest.mark.parametrize("field", ["position_fp", "market_exposure_dollars", "realized_pnl_dollars"])
def test_money_that_is_missing_or_malformed_is_never_zero(field):
    body = example("get_positions")
    wanted = {"settlement_status": "unsettled", **PAGE}
    wrong = []
    for value in (None, "", 5, 0.5, "NaN", "1e3", "abc"):
        row = {**body["market_positions"][0], field: value}
        with naming(row), exchange() as client:
            expect("GET", "/portfolio/positions", {**body, "market_positions": [row]}, query=wanted)
            listing = client.get_positions().markets
        if len(listing) or field not in (listing.incomplete or "") or not is_refused_whole(listing):
            wrong.append((value, listing))
    assert wrong == []


def is_refused_whole(listing):
    try:
        listing.require_complete()
    except KalshiAPIError as error:
        return "The list is incomplete" in str(error)
    return False


def test_a_missing_balance_is_an_error_that_names_it(client):
    expect("GET", "/portfolio/balance", {"balance": 1200, "portfolio_value": 1, "updated_ts": 1})
    with pytest.raises(MalformedAnswerError, match="balance_dollars"):
        client.get_balance()


def test_an_unknown_word_and_unknown_fields_are_survived(client):
    row = {**example("get_order")["order"], "status": "slumbering", "shoe_size": {"eu": 43}}
    expect("GET", f"/portfolio/orders/{ORDER_ID}", {"order": row})
    assert client.get_order(ORDER_ID).status is OrderStatus.UNKNOWN


# --- Pages ---------------------------------------------------------------------------------------

ORDERS = "/portfolio/orders"


def order_rows(*names):
    return [{**example("get_order")["order"], "order_id": name} for name in names]


def page(names, cursor, *, asked=None, size=1000, rows=None):
    """Expect one page. `asked` is the cursor sent, `cursor` the one returned."""
    query = {"limit": str(size), **({"cursor": asked} if asked else {})}
    body = {"orders": order_rows(*names) if rows is None else rows, "cursor": cursor}
    expect("GET", ORDERS, {name: value for name, value in body.items() if value != "missing"}, query=query)


def ids(listing):
    return [order.order_id for order in listing]


@pytest.mark.parametrize("end", ["", None, "missing"])
def test_pages_are_followed_to_the_end_however_it_is_marked(client, end):
    page(["a", "b"], "c1")
    page(["c"], "c2", asked="c1")
    page(["d"], end, asked="c2")
    counts = []
    listing = client.get_orders(progress=counts.append)
    assert ids(listing) == ["a", "b", "c", "d"]
    assert listing.incomplete is None
    assert counts == [2, 3, 4]


def test_a_cursor_that_repeats_ends_the_list_and_says_so(client):
    page(["a"], "c1")
    page(["b"], "c1", asked="c1")
    listing = client.get_orders()
    assert ids(listing) == ["a", "b"]
    assert "repeated" in listing.incomplete


def test_cursors_in_a_circle_end_the_list_and_say_so(client):
    page(["a"], "c1")
    page(["b"], "c2", asked="c1")
    page(["c"], "c1", asked="c2")
    listing = client.get_orders()
    assert ids(listing) == ["a", "b", "c"]
    assert "repeated" in listing.incomplete


def test_an_empty_page_with_a_cursor_is_not_the_end(client):
    page([], "c1")
    page(["a"], "", asked="c1")
    listing = client.get_orders()
    assert ids(listing) == ["a"]
    assert listing.incomplete is None


def test_pages_without_end_are_cut_off_and_say_so(client, monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGES", 3)
    page([], "c1")
    page([], "c2", asked="c1")
    page([], "c3", asked="c2")
    assert "cut off after 3 pages" in client.get_orders().incomplete


def test_a_list_that_breaks_off_keeps_its_rows_and_says_why(client):
    page(["a"], "c1")
    query = {"limit": "1000", "cursor": "c1"}
    expect("GET", ORDERS, {"error": {"code": "internal_error", "message": "x"}}, query=query, status=500)
    listing = client.get_orders()
    assert ids(listing) == ["a"]
    assert "list stopped after 1 row:" in listing.incomplete


def test_a_first_page_that_cannot_be_read_is_an_error(client):
    expect("GET", ORDERS, {"error": {"code": "internal_error", "message": "x"}}, query=PAGE, status=500)
    with pytest.raises(UnavailableError):
        client.get_orders()


def test_an_unreadable_row_is_left_out_and_reported(client):
    rows = [*order_rows("a"), {**order_rows("b")[0], "yes_price_dollars": None}, *order_rows("c")]
    page([], "", rows=rows)
    listing = client.get_orders()
    assert ids(listing) == ["a", "c"]
    assert "1 row could not be read" in listing.incomplete
    assert "yes_price_dollars" in listing.incomplete


def test_an_unreadable_row_is_reported_even_if_the_list_broke_off(client):
    page([], "c1", rows=[{"order_id": "b"}])
    page(["a"], "c1", asked="c1")
    assert "could not be read" in client.get_orders().incomplete


def test_a_row_that_is_no_object_costs_one_row(client):
    page([], "", rows=[*order_rows("a"), None, *order_rows("c")])
    listing = client.get_orders()
    assert ids(listing) == ["a", "c"]
    assert "1 row could not be read" in listing.incomplete


def test_the_first_rows_are_asked_for_as_such(client):
    page(["a", "b"], "c1", size=2)
    listing = client.get_orders(limit=2)
    assert ids(listing) == ["a", "b"]
    assert "only the first 2" in listing.incomplete


def test_the_first_rows_of_a_list_that_ends_there_are_the_whole_list(client):
    page(["a", "b"], "", size=2)
    assert client.get_orders(limit=2).incomplete is None


def test_rows_that_say_nothing_do_not_count_as_asked_for(client):
    page(["a", "a"], "c1", size=2)
    page(["b"], "c2", asked="c1", size=1)
    listing = client.get_orders(limit=2)
    assert (ids(listing), listing.cursor) == (["a", "b"], "c2")
    assert "only the first 2" in listing.incomplete


def test_a_limit_over_one_page_follows_the_cursor(client):
    page(["a", "b"], "c1", size=3)
    page(["c"], "c2", asked="c1", size=1)
    listing = client.get_orders(limit=3)
    assert (ids(listing), listing.cursor) == (["a", "b", "c"], "c2")


def test_a_list_goes_on_where_its_cursor_says(client):
    page(["d"], "", asked="c2", size=3)
    listing = client.get_orders(limit=3, cursor="c2")
    assert (ids(listing), listing.cursor, listing.incomplete) == (["d"], "", None)


def test_rows_beyond_the_limit_are_kept_because_the_cursor_is_after_them(client):
    page(["a", "b"], "c1", size=3)
    page(["c", "d"], "c2", asked="c1", size=1)
    listing = client.get_orders(limit=3)
    assert (ids(listing), listing.cursor) == (["a", "b", "c", "d"], "c2")


def settlements(rows, cursor, *, asked=None):
    """Expect one page of settlements with these tickers and fees."""
    basis = example("get_settlements")["settlements"][0]
    body = {
        "settlements": [{**basis, "ticker": name, "fee_cost": fee} for name, fee in rows],
        "cursor": cursor,
    }
    expect("GET", "/portfolio/settlements", body, query=PAGE | ({"cursor": asked} if asked else {}))


def test_a_settlement_repeated_because_the_list_moved_is_listed_once(client):
    settlements([("KX-3", "0.1"), ("KX-2", "0.1")], "c1")
    settlements([("KX-2", "0.1"), ("KX-1", "0.1")], "", asked="c1")
    assert [row.ticker for row in client.each_settlement()] == ["KX-3", "KX-2", "KX-1"]


def test_settlements_of_two_subaccounts_in_one_market_are_both_listed(client):
    settlements([("KX-2", "0.1"), ("KX-2", "0.2")], "c1")
    settlements([("KX-2", "0.1"), ("KX-1", "0.1")], "", asked="c1")
    listed = [(row.ticker, str(row.fees)) for row in client.each_settlement()]
    assert listed == [("KX-2", "0.1"), ("KX-2", "0.2"), ("KX-1", "0.1")]


def test_an_order_is_listed_once_wherever_it_is_repeated(client):
    page(["a", "b"], "c1")
    page(["b", "c"], "", asked="c1")
    body = {"orders": order_rows("c", "d"), "cursor": ""}
    expect("GET", "/historical/orders", body, query=PAGE)
    assert ids(client.each_order()) == ["a", "b", "c", "d"]


class ExclusiveBounds:
    """An exchange that counts in whole seconds and excludes both bounds."""

    def __init__(self, *times):
        self.times = times

    def read(self, path, query=(), *, signed=True):
        asked, name = dict(query), path.rpartition("/")[2]
        first, last = int(asked.get("min_ts", "0")), int(asked.get("max_ts", "9999999999"))
        basis = example(f"get_{name}")[name][0]
        names = {"fill_id", "order_id", "trade_id", "ticker"} & basis.keys()
        times = {"created_time", "settled_time"} & basis.keys()
        rows = [
            {**basis, **dict.fromkeys(names, f"ROW-{number}"), **dict.fromkeys(times, at.isoformat())}
            for number, at in enumerate(self.times)
            if first < int(at.timestamp()) < last
        ]
        return {name: rows, "cursor": ""}


FIRST, LAST = datetime(2026, 11, 21, 5, tzinfo=UTC), datetime(2026, 11, 22, 4, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "is_bound_above"),
    [
        (KalshiClient.get_fills, True),
        (KalshiClient.get_orders, True),
        (KalshiClient.get_settlements, True),
        (KalshiClient.get_trades, True),
        (KalshiClient.get_historical_fills, True),
        (KalshiClient.get_historical_orders, True),
        (KalshiClient.each_fill, True),
        (KalshiClient.each_order, False),
        (KalshiClient.each_settlement, True),
    ],
)
def test_rows_of_the_bounds_themselves_are_read_whatever_the_exchange_takes_them_for(read, is_bound_above):
    client = KalshiClient(ExclusiveBounds(LAST, FIRST))
    bounds = {"since": FIRST} | ({"until": LAST} if is_bound_above else {})
    assert len(list(read(client, **bounds))) == 2


# --- Orders --------------------------------------------------------------------------------------

WISH = OrderRequest(
    client_order_id="0d9f6c3e-0002-4b7a-8e55-c0ffee000002",
    ticker=TICKER,
    action=Action.BUY,
    side=Side.NO,
    count=Decimal(4),
    price=Decimal("0.35"),
    time_in_force=TimeInForce.GOOD_TILL_CANCELED,
)
TAKEN = {
    "order_id": "a1c5e7d2-2222-4a6b-9c20-7f3e5d8b0002",
    "client_order_id": WISH.client_order_id,
    "fill_count": "1.00",
    "remaining_count": "3.00",
    "average_fill_price": "0.6500",
    "average_fee_paid": "0.0160",
    "ts_ms": 1795271405165,
}


def answering(body, status=201):
    expect(
        "POST",
        "/portfolio/events/orders",
        body,
        status=status,
        json_body=EXAMPLES["requests"]["buy_no_limit_at_0.35"]["body"],
    )


def writes():
    """Return the requests that change something."""
    return [call for call in responses.calls if call.request.method != "GET"]


def test_an_order_is_sent_as_the_example_says_and_its_answer_read(client):
    answering(TAKEN)
    said = client.send_order(WISH)
    assert (said.order_id, said.fill_count, said.remaining_count) == (TAKEN["order_id"], 1, 3)


def outcome_of_an_order(body, status):
    """Send an order that gets this answer.

    Returns its acknowledgement or error, and the number of requests sent.
    """
    with naming(f"{status} {body}"), exchange() as client:
        answering(body, status)
        try:
            return client.send_order(WISH), len(writes())
        except KalshiAPIError as error:
            return error, len(writes())


def test_an_answer_that_does_not_fit_the_order_leaves_it_unknown():
    changes = [
        {"order_id": None},
        {"order_id": ""},
        {"order_id": 5},
        {"order_id": "\x1b[2J"},
        {"client_order_id": "of-another-program"},
        {"client_order_id": 7},
        {"client_order_id": None},
        {"client_order_id": ""},
        {"fill_count": None},
        {"fill_count": 1},
        {"fill_count": "many"},
        {"fill_count": "-1.00"},
        {"fill_count": "-0.00"},
        {"fill_count": "01.00"},
        {"fill_count": "1.000"},
        {"remaining_count": "-0.00"},
        {"fill_count": "5.00", "remaining_count": "0.00"},
        {"remaining_count": "4.00"},
        {"remaining_count": "-3.00"},
        {"ts_ms": "now"},
        {"ts_ms": 10**30},
        {"average_fill_price": "NaN"},
        {"error": {"code": "insufficient_balance", "message": "insufficient balance"}},
    ]
    wrong = []
    for change in changes:
        outcome, sent = outcome_of_an_order({**TAKEN, **change}, 201)
        if not isinstance(outcome, OutcomeUnknownError) or sent != 1:
            wrong.append((change, outcome, sent))
    assert wrong == []


def test_no_refusal_of_the_exchange_is_ever_an_order():
    wrong = []
    for name, refusal in EXAMPLES["errors"].items():
        if name in ("404_not_found", "409_duplicate", "400_param", "503_service_unavailable"):
            continue
        outcome, sent = outcome_of_an_order(refusal["body"], refusal["status"])
        is_refused = isinstance(outcome, KalshiAPIError) and not isinstance(outcome, OutcomeUnknownError)
        if not is_refused or sent != 1:
            wrong.append((name, outcome, sent))
    assert wrong == []


def cancel_answers(body, status=200):
    path = f"/portfolio/events/orders/{ORDER_ID}"
    expect("DELETE", path, body, query={"market_ticker": TICKER}, status=status)


def test_a_cancel_names_the_market_so_that_it_reaches_the_right_shard(client):
    cancel_answers({"order_id": ORDER_ID, "reduced_by": "20.00", "ts_ms": 1795271405165})
    assert client.send_cancel(ORDER_ID, ticker=TICKER).reduced_by == 20


def test_a_cancel_answered_for_another_order_is_not_believed(client):
    cancel_answers({"order_id": "another", "reduced_by": "20.00", "ts_ms": 1795271405165})
    with pytest.raises(OutcomeUnknownError, match="another order"):
        client.send_cancel(ORDER_ID, ticker=TICKER)


def test_a_cancel_that_finds_nothing_says_so(client):
    cancel_answers(EXAMPLES["errors"]["404_not_found"]["body"], 404)
    with pytest.raises(NotFoundError):
        client.send_cancel(ORDER_ID, ticker=TICKER)


# --- The account's limits ------------------------------------------------------------------------


@pytest.mark.usefixtures("client")
def test_limits_and_costs_are_learned_from_the_exchange():
    now = [1000.0]
    transport = Transport(URL, Credentials(KEY_ID, KEY), monotonic=lambda: now[0])
    expect("GET", "/account/limits", example("get_account_api_limits"))
    expect("GET", "/account/endpoint_costs", example("get_account_endpoint_costs"), who=public)
    KalshiClient(transport).load_limits()
    assert transport.rate_limiter.cost("GET", f"{ROOT}/portfolio/orders/x") == 2
    now[0] += 3  # the time in which a bucket of 900 refills
    for _ in range(72):  # the write bucket of 900, less the reserve for cancels
        transport.rate_limiter.acquire("POST", f"{ROOT}/portfolio/events/orders", within_s=0)


def test_every_documented_answer_is_asked_for_here():
    asked = {row[0] for row in READS} | {"create_order_v2", "cancel_order_v2"}
    asked.add("amend_order_v2")  # decoded, not sent yet
    methods = (EXAMPLES["rest"][name]["request"] for name in asked)
    assert {re.sub(r"{[a-z_]+}", "{}", method) for method in methods} == {
        re.sub(r"{[a-z_]+}", "{}", endpoint) for endpoint in ANSWERS
    }
