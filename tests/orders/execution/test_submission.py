"""The order protocol on an exchange that accepts, refuses or loses orders.

It may also send garbled answers.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import model_factory
import pytest
from api_examples import EXAMPLES
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from journaled import order_states
from loopback import ROOT, http, reset, say, send_and_close, serving, unused_port
from model_factory import MARKET, NOW, preview

from kalshi_trading.core.errors import JournalError, NotSentError
from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.core.records.exchange import AccountLimits, TokenBucketLimit
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.journal.files import file_locks
from kalshi_trading.journal.files.log_files import lock_of
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import FIRST_PAUSES_S, OrderRecovery
from kalshi_trading.orders.execution.submission import OrderSubmitter, SubmissionStep
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.trade_logger import TradeLogger

CREATE = f"{ROOT}/portfolio/events/orders"
ORDER_ID = "a1c5e7d2-1111-4a6b-9c20-7f3e5d8b0001"
ROW = EXAMPLES["rest"]["get_order"]["body"]["order"]
FILL = EXAMPLES["rest"]["get_fills"]["body"]["fills"][1]
TIMING = Timing(connect_s=2, total_s=2, read_retries=0)
BUY_10_YES = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.65"))
IDS = iter(f"0d9f6c3e-{number:04}" for number in range(10_000))


def fresh(ticket=BUY_10_YES, **how):
    """Return a preview of NOW with its own client_order_id."""
    made = preview(ticket, **how)
    return replace(made, request=replace(made.request, client_order_id=next(IDS)))


class Exchange:
    """An exchange: its reaction to a create, and its lists."""

    def __init__(self, create):
        self.create = create
        self.orders = []
        self.fills = []
        self.lists_work = True

    def __call__(self, connection, request):
        if request.method == "POST":
            self.create(connection, request)
        elif not self.lists_work:
            say(503, b"<html>")(connection, request)
        elif request.path.endswith("/fills"):
            say(200, {"fills": self.fills, "cursor": ""})(connection, request)
        else:
            say(200, {"orders": self.orders, "cursor": ""})(connection, request)

    def accept(self, connection, request, *, filled="0.00", remaining="10.00"):
        """Accept the order and answer as the exchange does."""
        order_id = self.list_order(request, filled=filled, remaining=remaining)
        body = {"order_id": order_id, "client_order_id": json.loads(request.body)["client_order_id"]}
        body |= {"fill_count": filled, "remaining_count": remaining, "ts_ms": 1795271405165}
        connection.sendall(http(201, body))

    def list_order(self, request, *, filled="0.00", remaining="10.00", status="resting"):
        counts = {"fill_count_fp": filled, "remaining_count_fp": remaining, "initial_count_fp": "10.00"}
        own = {"client_order_id": json.loads(request.body)["client_order_id"], "order_id": ORDER_ID}
        self.orders.append({**ROW, **counts, **own, "status": status})
        return ORDER_ID


class Trader:
    """A submitter with an exchange and a journal; `naps` are its pauses."""

    def __init__(self, url, folder, key):
        self.now = NOW
        transport = Transport(url, Credentials("key", key), timing=TIMING, clock=lambda: self.now)
        self.client = KalshiClient(transport)
        self.journal = TradeLogger(folder, "practice")
        self.naps = []
        self.between_looks = lambda: None
        self.pending = PendingOrders()
        self.recovery = OrderRecovery(
            self.client,
            self.journal,
            self.pending,
            clock=lambda: self.now,
            monotonic=lambda: self.now.timestamp(),
            sleep=self._nap,
        )
        self.lock = TradingLock(self.journal)
        self.submitter = self.open_submitter()

    def open_submitter(self, client=None, **how):
        how = {"clock": lambda: self.now, "sleep": self._nap, **how}
        return OrderSubmitter(
            client or self.client, self.journal, self.pending, self.recovery, self.lock, **how
        )

    def _nap(self, seconds):
        self.naps.append(seconds)
        self.between_looks()

    def events(self):
        return [record.event for record in self.journal.read_journal().records]

    def last(self):
        return self.journal.read_journal().records[-1]


KEY = Ed25519PrivateKey.generate()


def recover(recovery):
    """Do what the next start does."""
    return recovery.recover(account="", is_alive=lambda session_id: False)


@pytest.fixture
def open_trader(tmp_path):
    return lambda server: Trader(server.url, tmp_path / "logs", KEY)


# --- Acknowledged --------------------------------------------------------------------------------


def test_a_resting_order_is_acknowledged_and_recorded_in_the_order_of_the_protocol(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        order = fresh()
        result = trader.submitter.submit(order)
        assert (result.outcome, result.message, result.order_id) == (
            Outcome.ACKNOWLEDGED,
            "open",
            ORDER_ID,
        )
        assert (result.fill_count, result.remaining_count, result.fee) == (0, 10, 0)
        assert result.recorded
        assert trader.events() == ["order.intent", "order.sending", "order.acknowledged"]
        assert trader.pending.orders() == ()
    intent = trader.journal.read_journal().records[0]
    assert intent.text("client_order_id") == order.request.client_order_id
    assert intent.text("sentence") == order.sentence
    assert json.loads(server.requests[0].body)["client_order_id"] == order.request.client_order_id


def test_the_intent_is_on_the_disk_before_the_order_is_on_the_wire(open_trader):
    seen = []
    exchange = Exchange(None)

    def create(connection, request):
        seen.append(trader.events())
        exchange.accept(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.submitter.submit(fresh())
    assert seen == [["order.intent", "order.sending"]]


def test_the_result_is_on_the_disk_before_the_fills_are_read(open_trader):
    seen = []

    class Watched(Exchange):
        def __call__(self, connection, request):
            if request.path.endswith("/fills"):
                seen.append(trader.events()[-1])
            super().__call__(connection, request)

    exchange = Watched(None)
    exchange.create = lambda connection, request: exchange.accept(
        connection, request, filled="10.00", remaining="0.00"
    )
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.submitter.submit(fresh())
    assert seen == ["order.acknowledged"]


def test_the_steps_come_in_the_order_in_which_the_journal_needs_them(open_trader):
    seen = []
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        submitter = trader.open_submitter(
            on_step=lambda step: seen.append((step, len(trader.events()), server.count("POST")))
        )
        submitter.submit(fresh())
    assert seen == [
        (SubmissionStep.CONFIRMED, 0, 0),
        (SubmissionStep.INTENT_RECORDED, 1, 0),
        (SubmissionStep.SIGNED, 1, 0),
        (SubmissionStep.SENDING_RECORDED, 2, 0),
        (SubmissionStep.CHECKED, 2, 0),
        (SubmissionStep.ANSWERED, 2, 1),
        (SubmissionStep.RESULT_RECORDED, 3, 1),
    ]


def filled_exchange(fills):
    exchange = Exchange(None)
    exchange.create = lambda connection, request: exchange.accept(
        connection, request, filled="10.00", remaining="0.00"
    )
    exchange.fills = fills
    return exchange


def test_price_and_fee_of_a_fill_are_those_of_the_fills(open_trader):
    fills = [
        {**FILL, "fill_id": "f1", "count_fp": "4.00", "yes_price_dollars": "0.6000", "fee_cost": "0.067200"},
        {**FILL, "fill_id": "f2", "count_fp": "6.00", "yes_price_dollars": "0.6500", "fee_cost": "0.095600"},
    ]
    with serving(filled_exchange(fills)) as server:
        trader = open_trader(server)
        result = trader.submitter.submit(fresh())
    assert (result.message, result.average_price, result.fee) == ("filled", D("0.63"), D("0.1628"))
    assert trader.events()[-1] == "order.fill"


def test_the_average_price_of_a_no_order_is_in_no_dollars(open_trader):
    fills = [{**FILL, "count_fp": "10.00", "yes_price_dollars": "0.6300"}]
    with serving(filled_exchange(fills)) as server:
        ticket = OrderTicket(MARKET.ticker, Action.BUY, Side.NO, D(10), D("0.37"))
        result = open_trader(server).submitter.submit(fresh(ticket))
    assert result.average_price == D("0.37")


@pytest.mark.parametrize("fills", [[], [{**FILL, "count_fp": "4.00"}], [{**FILL, "fee_cost": None}]])
def test_fills_that_are_not_all_there_yet_leave_the_fee_unknown_instead_of_wrong(open_trader, fills):
    with serving(filled_exchange(fills)) as server:
        result = open_trader(server).submitter.submit(fresh())
    assert (result.outcome, result.fill_count) == (Outcome.ACKNOWLEDGED, 10)
    assert result.fee is None
    assert result.average_price is None


@pytest.mark.parametrize(
    ("filled", "remaining", "words"),
    [
        ("0.00", "10.00", "open"),
        ("4.00", "6.00", "partly filled, the rest is open"),
        ("10.00", "0.00", "filled"),
        ("4.00", "0.00", "partly filled, the rest was canceled"),
        ("0.00", "0.00", "canceled at once, nothing filled"),
    ],
)
def test_what_happened_is_read_from_the_counts(open_trader, filled, remaining, words):
    exchange = Exchange(None)
    exchange.create = lambda connection, request: exchange.accept(
        connection, request, filled=filled, remaining=remaining
    )
    with serving(exchange) as server:
        assert open_trader(server).submitter.submit(fresh()).message == words


# --- Refused, and not sent -----------------------------------------------------------------------


NOT_DEFINITE = {"409_duplicate", "400_param", "503_service_unavailable"}
"""Errors that do not prove that no order was placed."""


@pytest.mark.parametrize("name", [name for name in EXAMPLES["errors"] if name not in NOT_DEFINITE])
def test_a_refused_order_is_rejected_and_never_placed(open_trader, name):
    refusal = EXAMPLES["errors"][name]
    with serving(Exchange(say(refusal["status"], refusal["body"]))) as server:
        trader = open_trader(server)
        result = trader.submitter.submit(fresh())
        assert result.outcome is Outcome.REJECTED
        assert (result.order_id, result.fill_count, result.remaining_count) == (None, 0, 0)
        assert trader.last().event == "order.rejected"
        assert trader.pending.orders() == ()
    assert len(server.requests) == 1
    assert trader.naps == []


def test_an_exchange_that_cannot_be_reached_got_nothing(tmp_path):
    trader = Trader(f"http://127.0.0.1:{unused_port()}{ROOT}", tmp_path, KEY)
    result = trader.submitter.submit(fresh())
    assert result.outcome is Outcome.NOT_SENT
    assert result.message.endswith("Nothing was sent.")
    assert trader.events() == ["order.intent", *["order.sending"] * 3, "order.not_sent"]
    assert trader.pending.orders() == ()


class Unreachable:
    """A client that fails to reach the exchange at first.

    `sent` keeps the orders it was asked to place.
    """

    def __init__(self, client, failures):
        self._client = client
        self._failures = failures
        self.sent = []

    def __getattr__(self, name):
        return getattr(self._client, name)

    def send_order(self, request, *, before_sending):
        before_sending()
        self.sent.append(request)
        if len(self.sent) <= self._failures:
            raise NotSentError("The exchange cannot be reached. Nothing was sent.")
        return self._client.send_order(request)  # recorded and checked by now


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_what_never_left_is_sent_again_twice_at_most_with_the_same_id(open_trader, failures):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        client = Unreachable(trader.client, failures)
        submitter = trader.open_submitter(client=client)
        order = fresh()
        result = submitter.submit(order)
    assert (result.outcome, result.message) == (Outcome.ACKNOWLEDGED, "open")
    assert client.sent == [order.request] * (failures + 1)
    assert trader.naps == [0.5] * failures
    assert server.count("POST") == 1


def test_nothing_is_sent_again_after_the_machine_slept(open_trader):
    """A sleeping machine's monotonic clock stops; the wall clock does not."""
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        client = Unreachable(trader.client, 99)
        moments = [NOW]
        submitter = trader.open_submitter(
            client=client,
            clock=lambda: moments[-1],
            monotonic=lambda: 0.0,
            sleep=lambda pause: moments.append(NOW + timedelta(hours=8)),
        )
        assert submitter.submit(fresh()).outcome is Outcome.NOT_SENT
    assert len(client.sent) == 1


def test_nothing_is_sent_again_once_the_program_is_ending(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        client = Unreachable(trader.client, 99)
        submitter = trader.open_submitter(client=client, sleep=lambda pause: stop())

        def stop():
            submitter.stop()

        result = submitter.submit(fresh())
        later = submitter.submit(fresh())
    assert (result.outcome, result.message) == (Outcome.NOT_SENT, "The program is closing.")
    assert (later.outcome, later.message) == (Outcome.DENIED, "The program is closing.")
    assert len(client.sent) == 1


def test_an_order_that_the_last_check_stopped_is_not_tried_again_when_the_reason_has_gone(open_trader):
    """A panic comes after the confirmation and is lifted at once."""
    blocked = iter([None, "New orders are blocked."])
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        submitter = trader.open_submitter(block_reason=lambda: next(blocked, None))
        result = submitter.submit(fresh())
    assert (result.outcome, result.message) == (Outcome.NOT_SENT, "New orders are blocked.")
    assert trader.events() == ["order.intent", "order.sending", "order.not_sent"]
    assert trader.last().text("reason") == result.message
    assert (trader.naps, server.requests) == ([], [])


def test_a_lock_that_ends_while_it_is_asked_gives_the_reason_that_was_seen(open_trader, monkeypatch):
    reasons = iter(["The journal cannot be written."])
    monkeypatch.setattr(TradingLock, "reason", property(lambda lock: next(reasons, None)))
    monkeypatch.setattr(TradingLock, "retry", lambda lock: None)
    with serving(Exchange(reset)) as server:
        result = open_trader(server).open_submitter().submit(fresh())
    assert result.message == "Trading is locked. The journal cannot be written."


def test_what_stops_another_try_is_the_reason_that_is_shown(open_trader):
    blocked = iter([None, None, "New orders are blocked."])
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        client = Unreachable(trader.client, 99)
        submitter = trader.open_submitter(client=client, block_reason=lambda: next(blocked))
        result = submitter.submit(fresh())
    assert (result.outcome, result.message) == (Outcome.NOT_SENT, "New orders are blocked.")
    assert (len(client.sent), trader.naps) == (1, [0.5])


@pytest.mark.parametrize(("each_takes_s", "sends"), [(0.1, 3), (3.0, 2), (4.4, 2), (4.6, 1), (12.0, 1)])
def test_nothing_is_sent_again_later_than_five_seconds_after_the_first_try(open_trader, each_takes_s, sends):
    seconds = itertools.count()
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        client = Unreachable(trader.client, 99)
        submitter = trader.open_submitter(client=client, monotonic=lambda: next(seconds) * each_takes_s)
        assert submitter.submit(fresh()).outcome is Outcome.NOT_SENT
    assert len(client.sent) == sends
    assert server.requests == []


def test_an_order_over_our_own_request_budget_was_not_rejected_but_not_sent(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        budget = trader.client._transport.rate_limiter
        budget.configure(AccountLimits("x", TokenBucketLimit(1, 10), TokenBucketLimit(1, 10)), None)
        budget.acquire("POST", CREATE, within_s=0)
        assert trader.submitter.submit(fresh()).outcome is Outcome.NOT_SENT
    assert server.requests == []


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (10.5, "The ticket is 10 s old."),
        (3600, "The ticket is 3,600 s old."),
        (-1, "This computer's clock was set back after the ticket was priced."),
    ],
)
def test_a_preview_that_is_not_of_this_moment_is_denied(open_trader, age_s, words):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        trader.now = NOW + timedelta(seconds=age_s)
        result = trader.submitter.submit(fresh())
    assert result.outcome is Outcome.DENIED
    assert result.message.startswith(words)
    assert server.requests == []


def test_a_preview_of_ten_seconds_ago_is_still_sent(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.now = NOW + timedelta(seconds=10)
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED


def test_the_same_preview_is_sent_only_once(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        order = fresh()
        trader.submitter.submit(order)
        again = trader.submitter.submit(order)
    assert again.outcome is Outcome.DENIED
    assert "already submitted. Nothing was sent again" in again.message
    assert server.count("POST") == 1


def test_the_same_preview_submitted_twice_at_the_same_moment_is_sent_only_once(open_trader):
    both_looking = threading.Barrier(2)

    def clock():
        with contextlib.suppress(threading.BrokenBarrierError):
            both_looking.wait(0.2)
        return NOW

    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        submitter = trader.open_submitter(clock=clock)
        order, outcomes = fresh(), []
        threads = [
            threading.Thread(target=lambda: outcomes.append(submitter.submit(order).outcome))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == [Outcome.ACKNOWLEDGED, Outcome.DENIED]
    assert server.count("POST") == 1


def test_a_preview_that_a_rule_denies_is_not_sent(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        off_grid = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.655"))
        result = trader.submitter.submit(fresh(off_grid))
        assert result.outcome is Outcome.DENIED
        assert "not a valid price here" in result.message
        assert trader.events() == ["order.denied"]
        (denial,) = trader.journal.read_journal().records
    assert denial.fields["reason"] == result.message
    first, *_ = denial.fields["findings"]
    assert (first["rule"], first["severity"], first["actual"]) == ("price grid", "deny", "0.655")
    assert server.requests == []


# --- The answer is lost --------------------------------------------------------------------------

LOST = {
    "reset": reset,
    "closed": send_and_close(b""),
    "cut off": send_and_close(http(201, {"order_id": ORDER_ID})[:-5]),
    "no JSON": say(201, b"<html>"),
    "no order": say(201, {"fill_count": "10.00"}),
    "another order": say(
        201,
        {
            "order_id": "x",
            "client_order_id": "y",
            "fill_count": "10.00",
            "remaining_count": "0.00",
            "ts_ms": 1,
        },
    ),
    "too many": say(
        201, {"order_id": "x", "fill_count": "11.00", "remaining_count": "0.00", "ts_ms": 1795271405165}
    ),
    "error inside": say(201, {"error": {"code": "insufficient_balance", "message": "x"}}),
    "timeout": lambda connection, _: connection.recv(1),
    "408": say(408, {"error": "timeout"}),
    "502": say(502, b"<html>"),
    "503": say(503, {"code": "exchange_paused", "message": "exchange paused"}),
    "504": say(504, b""),
    "redirect": say(307, {}, headers={"Location": "/elsewhere"}),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
def test_an_order_whose_answer_was_lost_is_found_by_its_own_id(open_trader, answer):
    exchange = Exchange(None)

    def create(connection, request):
        exchange.orders.append({**ROW, "client_order_id": "somebody-elses"})
        exchange.list_order(request, filled="10.00", remaining="0.00", status="executed")
        exchange.fills = [{**FILL, "order_id": ORDER_ID, "count_fp": "10.00"}]
        answer(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        result = trader.submitter.submit(fresh())
        assert result.outcome is Outcome.ACKNOWLEDGED
        assert result.message == "found at the exchange: filled"
        assert (result.order_id, result.fill_count) == (ORDER_ID, 10)
        assert (result.average_price, result.fee) == (D("0.6"), D("0.168"))
        assert trader.pending.orders() == ()
    assert server.count("POST") == 1


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST.keys())
@pytest.mark.parametrize("lists_work", [True, False])
def test_an_order_that_is_not_found_stays_unknown_and_unresolved(open_trader, answer, lists_work):
    exchange = Exchange(answer)
    exchange.lists_work = lists_work
    with serving(exchange) as server:
        trader = open_trader(server)
        order = fresh()
        result = trader.submitter.submit(order)
        assert result.outcome is Outcome.UNKNOWN
        assert (result.order_id, result.fill_count, result.remaining_count) == (None, None, None)
        assert "Don't resend" in result.message
        assert trader.naps == list(FIRST_PAUSES_S)
        waiting = trader.pending.orders()
        assert [(row.client_order_id, row.sentence) for row in waiting] == [
            (order.request.client_order_id, order.sentence)
        ]
    assert server.count("POST") == 1


def test_of_an_unknown_outcome_no_counts_are_on_record(open_trader, tmp_path):
    """A zero would claim that nothing was filled and nothing rests."""
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        trader.submitter.submit(fresh())
    assert trader.last().event == "order.unknown"
    assert (trader.last().fields["fill_count"], trader.last().fields["remaining_count"]) == (None, None)
    trader.journal.export_journal_to_csv(tmp_path / "journal.csv")
    *_, row = csv.DictReader((tmp_path / "journal.csv").read_text(encoding="utf-8-sig").splitlines())
    assert (row["event"], row["fill_count"]) == ("order.unknown", "")


def test_an_order_that_shows_up_late_is_found_at_a_later_look(open_trader):
    exchange = Exchange(None)
    sent = []

    def create(connection, request):
        sent.append(request)
        reset(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.between_looks = lambda: len(trader.naps) == 3 and exchange.list_order(sent[0])
        result = trader.submitter.submit(fresh())
    assert (result.outcome, result.message) == (
        Outcome.ACKNOWLEDGED,
        "found at the exchange: open",
    )
    assert trader.naps == [0.5, 1.0, 2.0]


class Clockwork(Exchange):
    """An exchange whose data is always as of the test's current time."""

    trader = None

    def __call__(self, connection, request):
        if request.path.endswith("/user_data_timestamp"):
            say(200, {"as_of_time": self.trader.now.isoformat()})(connection, request)
        else:
            super().__call__(connection, request)


def test_an_order_proved_absent_is_reported_as_not_placed_with_the_time_of_the_proof(open_trader):
    def create(connection, request):
        """Lose the order but return the time.

        So the program knows the exchange's clock.
        """
        connection.sendall(http(502, b"<html>", date=NOW))

    exchange = Clockwork(create)
    with serving(exchange) as server:
        trader = exchange.trader = open_trader(server)

        def half_a_minute_passes():
            trader.now += timedelta(seconds=35)

        trader.between_looks = half_a_minute_passes
        order = fresh()
        result = trader.submitter.submit(order)
        assert result.outcome is Outcome.ABSENT
        at = (NOW + timedelta(seconds=140)).astimezone()
        assert result.message.endswith(f"Not placed (verified as of {at:%H:%M:%S}): {order.sentence}.")
        assert trader.pending.orders() == ()
    assert trader.last().event == "order.absent"
    assert trader.events().count("order.unknown") == 1
    assert server.count("POST") == 1


def test_an_order_that_is_being_sent_is_named_among_the_open_ones(open_trader):
    seen = []
    exchange = Exchange(None)

    def create(connection, request):
        seen.extend(life.sentence for life in trader.pending.orders())
        trader.recovery.examine_all()
        exchange.accept(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        order = fresh()
        trader.submitter.submit(order)
        assert trader.pending.orders() == ()
    assert seen == [order.sentence]
    assert [request.method for request in server.requests] == ["POST"]


def test_a_fault_of_our_own_on_the_way_leaves_an_order_to_look_for(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept

    def stumble(step):
        if step is SubmissionStep.ANSWERED:
            raise ZeroDivisionError

    with serving(exchange) as server:
        trader = open_trader(server)
        submitter = trader.open_submitter(on_step=stumble)
        order = fresh()
        with pytest.raises(ZeroDivisionError):
            submitter.submit(order)
        assert [life.sentence for life in trader.pending.orders()] == [order.sentence]
        trader.recovery.examine_all()
        assert trader.pending.orders() == ()
        assert trader.last().text("order_id") == ORDER_ID


def test_a_duplicate_id_means_that_the_order_arrived_and_is_looked_up(open_trader):
    exchange = Exchange(None)
    duplicate = EXAMPLES["errors"]["409_duplicate"]

    def create(connection, request):
        exchange.list_order(request)
        say(duplicate["status"], duplicate["body"])(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED


def test_a_duplicate_id_whose_order_is_not_shown_is_unknown_and_not_rejected(open_trader):
    duplicate = EXAMPLES["errors"]["409_duplicate"]
    with serving(Exchange(say(duplicate["status"], duplicate["body"]))) as server:
        assert open_trader(server).submitter.submit(fresh()).outcome is Outcome.UNKNOWN


REJECTING_409 = {
    "trading_is_paused": "Trading is paused",
    "exchange_is_paused": "The exchange is paused",
    "market_closed": "The market has closed",
    "fill_or_kill_insufficient_resting_volume": "cannot fill the whole order",
}


@pytest.mark.parametrize(("code", "words"), REJECTING_409.items())
def test_a_409_for_a_pause_a_close_or_too_little_volume_is_a_rejection(open_trader, code, words):
    with serving(Exchange(say(409, {"error": {"code": code, "message": code.replace("_", " ")}}))) as server:
        trader = open_trader(server)
        result = trader.submitter.submit(fresh())
        assert (result.outcome, result.fill_count) == (Outcome.REJECTED, 0)
        assert words in result.message
        assert trader.pending.orders() == ()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        *(
            {"error": {"code": code, "message": "x"}}
            for code in ("order_already_exists", "new_reason", "", None)
        ),
        {"error": {"message": "trading is paused"}},
        {"code": "trading_is_paused", "message": "trading is paused"},
        {"error": "market_closed"},
        {"msg": "exchange_is_paused"},
        {},
        "market_closed",
    ],
    ids=str,
)
def test_any_other_409_leaves_the_order_unknown_and_is_looked_up(open_trader, body):
    with serving(Exchange(say(409, body))) as server:
        trader = open_trader(server)
        order = fresh()
        assert trader.submitter.submit(order).outcome is Outcome.UNKNOWN
        waiting = trader.pending.orders()
        assert [each.client_order_id for each in waiting] == [order.request.client_order_id]
    assert server.count("POST") == 1
    assert server.count("GET") > 0


def test_a_denial_says_nothing_of_an_order_that_was_sent_before(open_trader):
    """The same preview has the same id, and its first order may be live.

    So a denial must not be recorded under that id.
    """
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        order = fresh()
        trader.submitter.submit(order)
        before = logged_orders(trader.journal.read_journal().records, "practice", None)
        assert trader.submitter.submit(order).outcome is Outcome.DENIED
        records = trader.journal.read_journal().records
    assert logged_orders(records, "practice", None) == before
    assert (records[-1].event, records[-1].text("ticker")) == ("order.denied", MARKET.ticker)
    words = OwnOrders(records)
    listed = model_factory.order(BookSide.BID, "0.65")
    words.remember(replace(listed, client_order_id=order.request.client_order_id))
    assert words.lookup(ORDER_ID, BookSide.BID) == (order.request.client_order_id, Action.BUY, Side.YES)


def test_an_unknown_order_submitted_again_is_denied_and_still_unresolved(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        order = fresh()
        trader.submitter.submit(order)
        assert trader.submitter.submit(order).outcome is Outcome.DENIED
        assert [row.client_order_id for row in trader.pending.orders()] == [order.request.client_order_id]


def test_an_unresolved_order_is_found_by_a_later_session_once_it_is_shown(open_trader):
    sent = []

    def create(connection, request):
        sent.append(request)
        reset(connection, request)

    exchange = Exchange(create)
    with serving(exchange) as server:
        order = fresh()
        open_trader(server).submitter.submit(order)
        later = open_trader(server)
        recover(later.recovery)
        later.recovery.examine_all()
        assert len(later.pending.orders()) == 1
        exchange.lists_work = False
        later.recovery.examine_all()
        assert len(later.pending.orders()) == 1
        exchange.lists_work = True
        exchange.list_order(sent[0])
        later.recovery.examine_all()
        assert later.pending.orders() == ()
        assert later.pending.drain_messages() == (f"Found: {order.sentence} (order {ORDER_ID}, resting).",)
        before = len(open_trader(server).events())
        recover(later.recovery)
        later.recovery.examine_all()
        assert len(open_trader(server).events()) == before


def test_a_session_that_died_after_writing_its_intent_leaves_the_order_unresolved(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        fields = {"client_order_id": "c1", "ticker": MARKET.ticker, "sentence": "BUY 10 YES"}
        trader.journal.log_order_step("intent", fields)
        recover(trader.recovery)
        assert [row.client_order_id for row in trader.pending.orders()] == ["c1"]
        trader.journal.log_order_step("sending", fields)
        recover(trader.recovery)
        assert [row.client_order_id for row in trader.pending.orders()] == ["c1"]


def test_an_order_whose_intent_line_is_damaged_is_looked_for_all_the_same(open_trader):
    with serving(Exchange(reset)) as server:
        order, trader = fresh(), open_trader(server)
        trader.submitter.submit(order)
        path = trader.journal.trades_path
        intent, *others = path.read_bytes().splitlines(keepends=True)
        for rest in (others, others[1:]):
            path.write_bytes(b"".join([intent[:-9] + b"\n", *rest]))
            later = open_trader(server)
            assert len(recover(later.recovery).damage) == 1
            (life,) = later.pending.orders()
            assert (life.client_order_id, life.ticker, life.sentence) == (
                order.request.client_order_id,
                order.request.ticker,
                order.sentence,
            )


# --- The journal fails ---------------------------------------------------------------------------


def spoil(trader):
    """Put a folder in place of the journal, so that it cannot be written."""
    path = trader.journal.trades_path
    if path.exists():
        path.rename(path.with_suffix(".old"))
    path.mkdir(parents=True)


def test_a_journal_that_cannot_be_written_sends_nothing_and_locks_trading(open_trader):
    with serving(Exchange(reset)) as server:
        trader = open_trader(server)
        spoil(trader)
        result = trader.submitter.submit(fresh())
        assert result.outcome is Outcome.NOT_SENT
        assert "Nothing was sent" in result.message
        assert trader.lock.reason is not None
        assert trader.submitter.submit(fresh()).outcome is Outcome.DENIED
        with pytest.raises(JournalError):
            recover(trader.recovery)
    assert server.requests == []


@pytest.mark.parametrize("failures", [1, 2])
def test_an_intent_that_is_in_the_journal_although_it_failed_gets_its_end_there(
    open_trader, monkeypatch, failures
):
    """A write may report an error although other programs can read its line."""
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        order = fresh()
        trader.journal.log_event("session.begun", {})
        left = [OSError(5, "Input/output error")] * failures
        real = os.fsync
        monkeypatch.setattr(os, "fsync", lambda file: real(file) if not left else raised(left.pop()))
        result = trader.submitter.submit(order)
        assert (result.outcome, result.recorded) == (Outcome.NOT_SENT, failures == 1)
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED
        recorded = trader.journal.read_journal().records
        assert order_states(recorded)[order.request.client_order_id].stage is OrderStage.NOT_SENT
    assert server.count("POST") == 1


def test_an_order_whose_sending_cannot_be_recorded_is_not_tried_again(open_trader, monkeypatch):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.journal.log_event("session.begun", {})
        failing = [False, True]  # the intent is written, the next step is not
        real = os.fsync
        monkeypatch.setattr(
            os,
            "fsync",
            lambda file: raised(OSError(5, "error")) if failing and failing.pop(0) else real(file),
        )
        result = trader.submitter.submit(fresh())
        assert (result.outcome, trader.naps) == (Outcome.NOT_SENT, [])
    assert server.requests == []


def raised(error):
    raise error


def test_an_order_is_not_sent_while_a_program_that_was_stopped_holds_the_journal(open_trader, monkeypatch):
    monkeypatch.setattr(file_locks, "LOCK_TIMEOUT_S", 0.1)
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        lock = lock_of(trader.journal.trades_path)
        lock.parent.mkdir(parents=True)
        with file_locks.locked(lock):
            result = trader.submitter.submit(fresh())
            assert result.outcome is Outcome.NOT_SENT
            assert "another program has locked it" in result.message
            assert trader.submitter.submit(fresh()).outcome is Outcome.DENIED
            assert server.requests == []
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED


def test_a_result_that_cannot_be_recorded_stays_valid_and_locks_trading(open_trader):
    exchange = Exchange(None)

    def create(connection, request):
        spoil(trader)
        exchange.accept(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        result = trader.submitter.submit(fresh())
        assert (result.outcome, result.order_id) == (Outcome.ACKNOWLEDGED, ORDER_ID)
        assert not result.recorded
        second = trader.submitter.submit(fresh())
        assert second.outcome is Outcome.DENIED
        assert "locked" in second.message
    assert server.count("POST") == 1


def mend(trader):
    """Restore the journal."""
    path = trader.journal.trades_path
    path.rmdir()
    if path.with_suffix(".old").exists():
        path.with_suffix(".old").rename(path)


def test_trading_goes_on_once_the_missing_result_is_in_the_journal(open_trader):
    exchange = Exchange(None)

    def create(connection, request):
        if server.count("POST") == 1:
            spoil(trader)
        exchange.accept(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        first = fresh()
        assert not trader.submitter.submit(first).recorded
        mend(trader)
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED
    assert trader.lock.reason is None
    records = trader.journal.read_journal().records
    assert [record.event for record in records] == [
        "order.intent",
        "order.sending",
        "order.acknowledged",
        "order.unlocked",
        "order.intent",
        "order.sending",
        "order.acknowledged",
    ]
    assert records[2].text("client_order_id") == first.request.client_order_id


@pytest.mark.parametrize(
    ("filled", "remaining", "status", "what"),
    [("0.00", "10.00", "resting", "IS LIVE"), ("0.00", "0.00", "canceled", "was accepted")],
)
def test_an_order_that_is_found_but_cannot_be_recorded_is_reported_as_what_it_is(
    open_trader, filled, remaining, status, what
):
    exchange = Exchange(None)

    def create(connection, request):
        exchange.list_order(request, filled=filled, remaining=remaining, status=status)
        reset(connection, request)

    exchange.create = create
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.between_looks = lambda: len(trader.naps) == 1 and spoil(trader)
        result = trader.submitter.submit(fresh())
        assert (result.outcome, result.order_id, result.recorded) == (Outcome.ACKNOWLEDGED, ORDER_ID, False)
        assert f"Order {ORDER_ID} {what} but could not be recorded. The journal " in result.message
        assert trader.lock.reason is not None
        mend(trader)
        trader.recovery.examine_all()
        assert trader.pending.orders() == ()
    assert trader.last().event == "order.acknowledged"


def test_a_lock_that_comes_while_another_one_ends_does_not_end_with_it(open_trader):
    """A cancel may see the journal fail while a submission unlocks trading."""
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        trader.lock.close("the first reason")
        record_it = trader.journal.log_order_step
        others = []

        def record(event, fields):
            record_it(event, fields)
            if event == "unlocked" and not others:
                others.append(threading.Thread(target=trader.lock.close, args=("the second reason",)))
                others[0].start()
                others[0].join(0.2)

        trader.journal.log_order_step = record
        trader.submitter.submit(fresh())
        others[0].join()
        assert trader.lock.reason == "the second reason"


def test_pending_writes_are_done_once_and_every_reason_stays_until_trading_goes_on(open_trader):
    done = []

    def fails_at_first():
        done.append("second")
        if done.count("second") == 1:
            raise JournalError("trades.log", "full")

    with serving(Exchange(reset)) as server:
        lock = open_trader(server).lock
        lock.close("One.", until=lambda: done.append("first"))
        lock.close("Two.", until=fails_at_first)
        lock.close("Two.")
        lock.retry()
        assert lock.reason == "One. Two."
        lock.retry()
        assert lock.reason is None
    assert done == ["first", "second", "second"]


def test_an_order_whose_intent_is_about_to_be_written_is_taken_over_by_no_recovery(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    with serving(exchange) as server:
        trader = open_trader(server)
        record_it = trader.journal.log_order_step

        def record(event, fields):
            record_it(event, fields)
            recover(trader.recovery)
            trader.recovery.examine_all()

        trader.journal.log_order_step = record
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED
    assert [request.method for request in server.requests] == ["POST"]


def test_what_is_owed_keeps_trading_locked_also_when_the_journal_can_be_written(open_trader):
    exchange = Exchange(None)
    exchange.create = exchange.accept
    unreadable = True

    def recover_again():
        if unreadable:
            raise JournalError("trades.log", "cannot be read")

    with serving(exchange) as server:
        trader = open_trader(server)
        trader.lock.close("not recovered", until=recover_again)
        assert trader.submitter.submit(fresh()).outcome is Outcome.DENIED
        unreadable = False
        assert trader.submitter.submit(fresh()).outcome is Outcome.ACKNOWLEDGED
    assert server.count("POST") == 1
