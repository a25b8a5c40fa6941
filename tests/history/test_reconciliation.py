"""Journal against exchange: lagging, cut off or changing data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import model_factory
import pytest
from market_factory import TICKER
from model_factory import NOW, order
from screen_session import rendered

from kalshi_trading.core.errors import UnavailableError
from kalshi_trading.core.models import BookSide, OrderStatus
from kalshi_trading.core.results import Listing
from kalshi_trading.history import reconcile, reconciliation
from kalshi_trading.history.comparison import MismatchKind, compare, first_fills
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.settings.behavior import ASSUMED
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.views import history as history_view

MINUTE = timedelta(minutes=1)


def fill(count, *, name="f-1", price="0.65", fee="0.01"):
    return model_factory.fill("bid", count, price, fee=fee, fill_id=name, order_id="o-1")


def there(filled="10", *, fees="0.01", status=OrderStatus.EXECUTED, **changes):
    fields = {"order_id": "o-1", "client_order_id": "c-1", "fill_count": D(filled), "initial_count": D(10)}
    fields |= {"fees": D(fees), "fill_cost": D(filled) * D("0.65"), "status": status}
    rests = 10 - D(filled) if status is OrderStatus.RESTING else 0
    return order("bid", "0.65", rests, **(fields | changes))


class Exchange:
    """Lists for successive reads; `fresh` is the result of a second read."""

    clock_skew_s = 0.0

    def __init__(self, orders, fills, *, incomplete=None, as_of=NOW, fresh=None):
        self.orders, self.fills, self.incomplete, self.as_of, self.fresh = (
            orders,
            fills,
            incomplete,
            as_of,
            fresh,
        )
        self.looked_again = []

    def get_user_data_timestamp(self):
        if self.as_of is None:
            raise UnavailableError("no answer")
        return self.as_of

    def get_orders(self, *, since=None, limit=None, progress=None):
        return Listing(tuple(self.orders), self.incomplete)

    def get_fills(self, *, since=None, order_id=None, progress=None):
        return Listing(tuple(each for each in self.fills if order_id in (None, each.order_id)))

    def get_historical_orders(self, *, since=None, limit=None, progress=None):
        return Listing(())

    def get_historical_fills(self, *, since=None, progress=None):
        return Listing(())

    def get_order(self, order_id):
        self.looked_again.append(order_id)
        if self.fresh is None:
            raise UnavailableError("no answer")
        return self.fresh


@pytest.fixture
def journal(tmp_path):
    return TradeLogger(tmp_path, "sandbox", clock=lambda: NOW - MINUTE)


def placed(journal, *, filled="10", remaining="0", fee="0.01", name="c-1", order_id="o-1"):
    """Journal a BUY 10 YES at 65¢ and the exchange's answer."""
    terms = {"client_order_id": name, "ticker": TICKER, "action": "buy", "side": "yes", "count": D(10)}
    terms["price"] = D("0.65")
    journal.log_order_step("intent", terms)
    answer = {"order_id": order_id, "fill_count": D(filled), "remaining_count": D(remaining)}
    journal.log_order_step("acknowledged", terms | answer)
    if D(filled):
        journal.log_order_fill(terms | answer | {"average_price": D("0.65"), "fee": D(fee)})


def run(exchange, journal, now=NOW):
    return reconcile(exchange, journal, clock=lambda: now)


def kinds(found):
    return [each.kinds for each in found.differences]


def test_a_clean_comparison_says_how_much_was_compared(journal):
    placed(journal)
    found = run(
        Exchange([there()], [fill("4", name="a", fee="0.004"), fill("6", name="b", fee="0.006")]), journal
    )
    assert found.is_clean
    text = " ".join(rendered(history_view.reconciliation(found, None, NOW)).split())
    assert (
        "✓ Journal and exchange agree: 1 order, 2 fills and 3 journal records compared (all times)." in text
    )


def test_what_filled_after_the_last_answer_is_no_difference(journal):
    placed(journal, filled="0", remaining="10")
    for status, filled in (
        (OrderStatus.RESTING, "4"),
        (OrderStatus.EXECUTED, "10"),
        (OrderStatus.CANCELED, "4"),
    ):
        found = run(Exchange([there(filled, status=status)], [fill(filled)]), journal)
        assert found.is_clean, (status, found.differences)


def test_an_order_that_filled_while_the_lists_were_read_is_looked_at_again(journal):
    placed(journal, filled="0", remaining="10")
    before = there("0", fees="0", status=OrderStatus.RESTING)
    exchange = Exchange([before], [fill("10")], fresh=there("10"))
    assert run(exchange, journal).is_clean
    assert exchange.looked_again == ["o-1"]
    unread = run(Exchange([before], [fill("10")]), journal)
    assert (unread.differences, unread.unjudged, unread.compared, unread.is_clean) == ((), 1, 0, False)
    text = " ".join(rendered(history_view.reconciliation(unread, None, NOW)).split())
    assert "Not compared: 1 order (changed while reading; try again)." in text


def test_a_resting_order_that_still_differs_when_looked_at_again_differs(journal):
    placed(journal, filled="0", remaining="10")
    wrong = there("4", fees="9", status=OrderStatus.RESTING)
    assert kinds(run(Exchange([wrong], [fill("4")], fresh=wrong), journal)) == [{MismatchKind.FEES}]


@pytest.mark.parametrize(("bound", "unjudged"), [(60, 0), (59, 1)])
def test_of_60_orders_that_fill_while_they_are_read_none_is_a_false_alarm(
    journal, monkeypatch, bound, unjudged
):
    monkeypatch.setattr(reconciliation, "MAX_READ_AGAIN", bound)
    orders, fills = [], []
    for number in range(60):
        names = {"order_id": f"o-{number}", "client_order_id": f"c-{number}"}
        placed(journal, filled="0", remaining="10", name=f"c-{number}", order_id=f"o-{number}")
        orders.append(there("0", fees="0", status=OrderStatus.RESTING, **names))
        fills.append(replace(fill("10", name=f"f-{number}"), order_id=f"o-{number}"))
    exchange = Exchange(orders, fills)
    monkeypatch.setattr(
        exchange, "get_order", lambda name: there(order_id=name, client_order_id=f"c-{name[2:]}")
    )
    found = run(exchange, journal)
    assert (found.differences, found.unjudged, found.compared) == ((), unjudged, 60 - unjudged)


@pytest.mark.parametrize("moved", ["order", "fill", "placed"])
def test_an_order_that_moved_after_the_exchange_s_data_is_not_judged_yet(journal, moved):
    """Orders and fills lag separately, so one may show what the other lacks."""
    placed(journal, filled="0", remaining="10")
    second = timedelta(seconds=1)
    times = {"order": (NOW, NOW + second), "placed": (NOW + second, None), "fill": (NOW, None)}
    placed_at, updated_at = times[moved]
    order_there = there("10", created_at=placed_at, updated_at=updated_at)
    late = replace(fill("4"), created_at=NOW + second if moved == "fill" else NOW)
    found = run(Exchange([order_there], [late]), journal)
    assert (found.differences, found.too_new, found.compared) == ((), 1, 0)
    settled = run(Exchange([order_there], [late], as_of=NOW + second), journal)
    assert kinds(settled) == [{MismatchKind.FILLS}]


def test_what_no_delay_explains_is_named_however_new_it_is(journal):
    newest = there("10", updated_at=NOW + MINUTE)
    (found,) = run(Exchange([newest], [fill("4")]), journal).differences
    assert found.kinds == {MismatchKind.NOT_IN_JOURNAL}  # its missing fills may be a delay


@pytest.mark.parametrize("skew_s", [-60, 60])
def test_the_age_of_the_exchange_s_data_is_by_our_clock(journal, skew_s):
    """The clocks differ, but the exchange's time and ours are one moment."""
    placed(journal)  # by our clock a minute before NOW
    recorded = NOW - MINUTE
    for late_s, is_new in ((-1, True), (0, False)):
        as_of = recorded - timedelta(seconds=skew_s) + timedelta(seconds=late_s)
        exchange = Exchange([], [], as_of=as_of)
        exchange.clock_skew_s = skew_s
        assert run(exchange, journal).too_new == is_new


@pytest.mark.parametrize("skew_s", [-60, -0.4, 60])
def test_the_exchange_s_times_are_measured_by_its_own_data_whatever_our_clock_shows(tmp_path, skew_s):
    journal = TradeLogger(tmp_path, "sandbox", clock=lambda: NOW - 10 * MINUTE)
    placed(journal)
    for late_s, is_new in ((0.3, True), (0, False)):
        moved = there("10", updated_at=NOW + timedelta(seconds=late_s))
        exchange = Exchange([moved], [fill("10", fee="5")])
        exchange.clock_skew_s = skew_s
        assert run(exchange, journal).too_new == is_new


def test_an_order_younger_than_the_exchange_s_data_is_not_judged_yet(journal):
    placed(journal)
    sent_at = NOW - MINUTE
    found = run(Exchange([], [], as_of=sent_at - timedelta(seconds=1)), journal)
    assert (found.differences, found.too_new, found.compared, found.is_clean) == ((), 1, 0, False)
    assert "Too new to compare: 1 order." in rendered(history_view.reconciliation(found, None, NOW))
    assert kinds(run(Exchange([], [], as_of=sent_at), journal)) == [{MismatchKind.NOT_AT_EXCHANGE}]


def test_data_older_than_it_says_is_complete_only_up_to_its_real_age(journal):
    placed(journal)
    behavior = replace(ASSUMED, hidden_lag_s=60)
    for late_s, is_new in ((-1, True), (0, False)):
        exchange = Exchange([], [], as_of=NOW + timedelta(seconds=late_s))
        found = reconcile(exchange, journal, behavior=behavior, clock=lambda: NOW)
        assert (found.too_new, len(found.differences)) == (is_new, not is_new)


def test_data_of_unknown_age_is_taken_to_lag_by_a_minute(journal):
    placed(journal)
    assert run(Exchange([], [], as_of=None), journal, now=NOW - timedelta(seconds=1)).too_new == 1
    assert kinds(run(Exchange([], [], as_of=None), journal, now=NOW)) == [{MismatchKind.NOT_AT_EXCHANGE}]


def test_what_an_incomplete_list_lacks_is_no_difference_but_not_clean_either(journal):
    placed(journal)
    placed(journal, name="c-2", order_id="o-2")
    found = run(Exchange([there()], [fill("10")], incomplete="the list broke off"), journal)
    assert (found.differences, found.unjudged, found.compared, found.is_clean) == ((), 1, 1, False)
    text = rendered(history_view.reconciliation(found, None, NOW))
    assert "Exchange data is incomplete: the list broke off." in text
    wrong = run(Exchange([there(fees="9")], [fill("10")], incomplete="the list broke off"), journal)
    assert kinds(wrong) == [{MismatchKind.FEES}]


def test_an_order_the_exchange_lists_under_our_name_is_ours_whatever_key_sent_it(tmp_path):
    """The key has changed since; client_order_id and order_id identify it."""
    placed(TradeLogger(tmp_path, "sandbox", account="old key", clock=lambda: NOW - MINUTE))
    for listed in (there(), there(client_order_id="")):
        exchange = Exchange([listed], [fill("10")])
        found = reconcile(exchange, TradeLogger(tmp_path, "sandbox"), account="new key", clock=lambda: NOW)
        assert (found.is_clean, found.compared, found.foreign_count) == (True, 1, 0)


def test_orders_of_other_keys_are_counted_and_not_called_equal(tmp_path):
    journal = TradeLogger(tmp_path, "sandbox", account="other key", clock=lambda: NOW - MINUTE)
    placed(journal)
    found = reconcile(Exchange([], []), journal, account="our key", clock=lambda: NOW)
    assert (found.compared, found.foreign_count, found.differences) == (0, 1, ())
    text = " ".join(rendered(history_view.reconciliation(found, None, NOW)).split())
    assert "agree" not in text
    assert "Nothing to compare (all times)." in text
    assert "Not compared: 1 order from other API keys." in text


def test_damaged_lines_keep_a_comparison_from_being_clean(journal):
    placed(journal)
    with journal.trades_path.open("ab") as file:
        file.write(b"half\n")
    found = run(Exchange([there()], [fill("10")]), journal)
    assert (found.differences, found.damaged, found.is_clean) == ((), 1, False)


def test_an_order_of_unknown_outcome_is_named_and_one_that_never_was_agrees(journal):
    for name, end in (("c-1", "unknown"), ("c-2", "absent"), ("c-3", "rejected"), ("c-4", "not_sent")):
        fields = {"client_order_id": name, "ticker": TICKER}
        journal.log_order_step("intent", fields)
        journal.log_order_step(end, fields)
    found = run(Exchange([], []), journal)
    assert [each.row.client_order_id for each in found.differences] == ["c-1"]
    assert kinds(found) == [{MismatchKind.OPEN}]
    assert found.compared == 4


def test_a_rejected_order_the_exchange_lists_as_canceled_and_empty_agrees(journal):
    fields = {"client_order_id": "c-1", "ticker": TICKER, "action": "buy", "side": "yes"}
    journal.log_order_step("intent", fields)
    journal.log_order_step("rejected", fields)
    empty = there("0", fees="0", status=OrderStatus.CANCELED)
    assert run(Exchange([empty], []), journal).is_clean
    assert kinds(run(Exchange([there()], [fill("10")]), journal)) == [{MismatchKind.STATUS}]


@pytest.mark.parametrize(
    ("difference", "is_told"), [("0.000099", False), ("0.0001", True), ("-0.0001", True)]
)
def test_less_than_a_hundredth_of_a_cent_is_rounding(difference, is_told):
    row = HistoryRow(there(fees="0.01"), None, (), (fill("10", fee=f"{D('0.01') + D(difference)}"),))
    (found,) = compare([row]).differences
    assert (MismatchKind.FEES in found.kinds) is is_told


def test_a_fill_beyond_the_limit_is_a_wrong_price_on_either_side():
    for side, price, is_worse in (("bid", "0.66", True), ("bid", "0.64", False), ("ask", "0.64", True)):
        listed = replace(there(), book_side=BookSide(side), fill_cost=10 * D(price))
        own = replace(fill("10", price=price), book_side=BookSide(side))
        (found,) = compare([HistoryRow(listed, None, (), (own,))]).differences
        assert (MismatchKind.PRICE in found.kinds) is is_worse


def test_the_first_fills_are_those_that_add_up_and_nothing_in_between():
    fills = (fill("4", name="a"), fill("6", name="b"), fill("1", name="c"))
    names = [first and "".join(each.fill_id for each in first) for first in (first_fills(fills, D(10)),)]
    assert names == ["ab"]
    assert first_fills(fills, D(0)) == ()
    assert first_fills(fills, D(5)) is None
    assert first_fills(fills, D(12)) is None
