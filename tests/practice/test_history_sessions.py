"""Histories and comparisons over many sessions at a real exchange.

The history lists each order once. The comparison finds every difference. Expected values come from the
exchange's own records and the raw journal lines.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal as D

import proof
import pytest
from history_sessions import ACCOUNT, Past

from kalshi_trading.core.dates import Period
from kalshi_trading.core.models import BookSide, Fill, Order, OrderStatus
from kalshi_trading.core.money import ZERO
from kalshi_trading.history import load_history, read_summary, reconcile
from kalshi_trading.history.comparison import MismatchKind, compare
from kalshi_trading.history.rows import HistoryRow, OrderResult
from kalshi_trading.history.timeline import events_of
from kalshi_trading.history.trade_history import ExchangeHistory, join_orders, read_exchange
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.practice.engine.exchange import Exchange

DAYS = 42  # some markets close in this time, and most fills fall before the archive's cut-off
DAY_US = 86_400 * 1_000_000
LAST = {
    "order.intent": "open",
    "order.sending": "open",
    "order.unknown": "open",
    "order.acknowledged": "taken",
    "order.rejected": "refused",
    "order.not_sent": "not placed",
    "order.absent": "not placed",
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Sessions of some weeks.

    Most orders and fills have moved to the archive; some are in both lists.
    """
    sessions = proof.CURRENT.history_sessions
    past = Past(tmp_path_factory.mktemp("past"), seed=4, sessions_a_day=sessions / DAYS)
    past.live(sessions - sessions // 10)
    past.recover()
    past.live(sessions // 10)
    past.world.archive.set_cut_offs(trades=past.clock.now() - 20 * DAY_US, overlap_s=2 * 86_400)
    yield past
    past.close()


@pytest.fixture(scope="module")
def rows(past: Past) -> tuple[HistoryRow, ...]:
    history = load_history(past.client, past.journal, account=ACCOUNT, most=None)
    assert (history.incomplete, len(history.damage), history.foreign_count) == (None, 0, 0)
    return history.rows


@dataclass
class Expected:
    """The exchange's records and the raw journal lines."""

    exchange: Exchange
    ends: dict[str, str]  # each order's last state in the journal, by client_order_id
    intents: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def expected(past: Past) -> Expected:
    ends: dict[str, str] = {}
    intents: dict[str, dict[str, str]] = {}
    reading = past.journal.read_journal()
    for record in reading.records:
        name = str(record.fields.get("client_order_id", ""))
        if record.event == "order.intent":
            intents[name] = {key: str(value) for key, value in record.fields.items()}
        if record.event in LAST and ends.get(name) != "taken":
            ends[name] = LAST[record.event]
    return Expected(past.exchange, ends, intents)


def test_every_order_is_in_the_history_once_whether_the_exchange_has_it_or_the_journal_alone(
    past, rows, expected
):
    on_exchange = {order.order_id: order for order in past.exchange.orders_of(ACCOUNT)}
    listed = Counter(row.order.order_id for row in rows if row.order is not None)
    assert listed == Counter(on_exchange.keys())
    ours = Counter(row.client_order_id for row in rows if not row.is_external)
    assert ours == Counter(expected.intents.keys())
    assert {row.client_order_id for row in rows if row.is_external} == past.external
    assert past.external, "nothing was placed elsewhere"
    alone = {row.client_order_id for row in rows if row.order is None}
    assert alone == expected.intents.keys() - {order.client_order_id for order in on_exchange.values()}
    assert {expected.ends[name] for name in alone} == {"open", "refused", "not placed"}
    times = [row.placed_at for row in rows]
    assert times == sorted(times, reverse=True)


def test_both_lists_were_needed_and_overlapped(past):
    live, old = past.client.get_orders(), past.client.get_historical_orders()
    ids = [{order.order_id for order in listing} for listing in (live, old)]
    assert all(ids)
    assert ids[0] - ids[1]
    assert ids[1] - ids[0]
    assert ids[0] & ids[1]


def test_every_order_has_the_exchange_s_numbers_its_fills_and_our_terms(past, rows, expected):
    fills: dict[str, list[str]] = {}
    for fill in past.exchange.fills_of(ACCOUNT):
        fills.setdefault(fill.order_id, []).append(fill.trade_id)
    assert fills
    for row in rows:
        if row.order is None:
            continue
        own = past.exchange.order(row.order_id)
        assert row.order.status == own.status.value
        numbers = (row.count, row.fill_count, row.order.remaining_count)
        assert numbers == (D(own.initial_count) / 100, D(own.fill_count) / 100, D(own.remaining_count) / 100)
        assert row.fees == D(own.taker_fees + own.maker_fees) / 1_000_000
        assert row.fees == sum((fill.fee for fill in row.fills), ZERO)
        assert [fill.fill_id for fill in row.fills] == fills.get(row.order_id, [])[::-1]
        assert row.fills_missing == ZERO
        if not row.is_external:
            intent = expected.intents[row.client_order_id]
            assert (row.action, row.side) == (intent["action"], intent["side"])
            assert (row.price, row.count) == (D(intent["price"]), D(intent["count"]))


def test_orders_the_exchange_does_not_list_end_as_the_journal_says(rows, expected):
    results = {
        "open": OrderResult.UNKNOWN,
        "refused": OrderResult.REJECTED,
        "not placed": OrderResult.NOT_PLACED,
    }
    for row in rows:
        if row.order is None:
            assert row.result is results[expected.ends[row.client_order_id]]


def test_the_records_of_the_history_are_those_of_the_journal(past, rows):
    in_journal = Counter(
        json.dumps(record.fields, sort_keys=True)
        for record in past.journal.get_records()
        if record.fields.get("client_order_id")
    )
    in_rows = Counter(json.dumps(record.fields, sort_keys=True) for row in rows for record in row.records)
    assert in_rows == in_journal


def test_adjacent_periods_split_the_history_without_gaps_or_overlaps(past, rows):
    first, last = (row.placed_at.astimezone().date() for row in (rows[-1], rows[0]))
    cuts: list[date] = [first + (last - first) * part // 3 for part in range(4)]
    parts = [
        load_history(
            past.client, past.journal, account=ACCOUNT, period=Period(begin, end - timedelta(days=1))
        )
        for begin, end in zip(cuts, [*cuts[1:-1], last + timedelta(days=1)], strict=False)
    ]
    assert [part.incomplete for part in parts] == [None] * 3
    together = [row for part in reversed(parts) for row in part.rows]
    assert [identity(row) for row in together] == [identity(row) for row in rows]
    assert [(row.result, row.fees, row.records) for row in together] == [
        (row.result, row.fees, row.records) for row in rows
    ]


def identity(row):
    return row.order_id, row.client_order_id


def test_the_timeline_of_every_order_has_each_record_and_fill_in_time_order(rows):
    for row in rows:
        events = events_of(row, None)
        times = [event.at for event in events if event.at is not None]
        assert times == sorted(times)
        assert sum(event.source == "journal" for event in events) == len(row.records)
        assert sum(event.sentence.startswith("filled ") for event in events) == len(row.fills)


def test_reconcile_finds_exactly_the_external_and_the_open_orders(past, rows, expected):
    open_orders = {name for name, end in expected.ends.items() if end == "open"}
    assert open_orders, "everything has an end"
    found = reconcile(past.client, past.journal, account=ACCOUNT, clock=past.now)
    assert {each.row.client_order_id for each in found.differences} == past.external | open_orders
    assert (found.compared, found.too_new, found.unjudged, found.incomplete) == (len(rows), 0, 0, None)
    assert found.fills == len(past.exchange.fills_of(ACCOUNT))
    for each in found.differences:
        kinds = (
            {MismatchKind.NOT_IN_JOURNAL}
            if each.row.is_external
            else {MismatchKind.OPEN, MismatchKind.STATUS}
        )
        assert each.kinds & kinds, each


# --- Planted differences --------------------------------------------------------------------------


class Books:
    """The exchange's lists and the journal, for planting differences."""

    def __init__(self, past: Past, there: ExchangeHistory) -> None:
        self.orders = {order.order_id: order for order in there.orders}
        self.fills = dict(there.fills)
        self.records: dict[str, list[JournalRecord]] = {}
        for record in past.journal.read_journal().records:
            self.records.setdefault(record.text("client_order_id"), []).append(record)

    def join_orders(self) -> list[HistoryRow]:
        there = ExchangeHistory(tuple(self.orders.values()), self.fills)
        records = (record for own in self.records.values() for record in own)
        return join_orders(there, logged_orders(records, "practice", ACCOUNT))

    def change(self, row: HistoryRow, **fields: object) -> None:
        self.orders[row.order_id] = replace(self.orders[row.order_id], **fields)

    def change_fill(self, row: HistoryRow, **fields: object) -> None:
        *rest, last = self.fills[row.order_id]
        self.fills[row.order_id] = (*rest, replace(last, **fields))

    def rewrite(
        self, row: HistoryRow, events: str, change: Callable[[JournalRecord], dict[str, str]]
    ) -> None:
        """Change fields in an order's records whose event starts with `events`."""
        self.records[row.client_order_id] = [
            record._replace(fields={**record.fields, **change(record)})
            if record.event.startswith(events)
            else record
            for record in self.records[row.client_order_id]
        ]

    def drop(self, row: HistoryRow, *events: str) -> None:
        own = self.records[row.client_order_id]
        self.records[row.client_order_id] = [record for record in own if not record.event.startswith(events)]

    def add(self, row: HistoryRow, event: str, **fields: str) -> None:
        last = self.records[row.client_order_id][-1]
        named = {"client_order_id": row.client_order_id, "account": ACCOUNT, "environment": "practice"}
        self.records[row.client_order_id].append(JournalRecord(last.at, event, {**named, **fields}))


def better_price(fill: Fill) -> D:
    """Return a fill price one cent better than the fill's own."""
    return fill.yes_price + (D("-0.01") if fill.book_side is BookSide.BID else D("0.01"))


def more(name: str, by: str) -> Callable[[JournalRecord], dict[str, str]]:
    """Return a change that raises a number where a record has it."""
    return lambda record: {name: f"{D(record.text(name)) + D(by)}"} if record.text(name) else {}


def other_side(record: JournalRecord) -> dict[str, str]:
    return {"side": {"yes": "no", "no": "yes"}[record.text("side")]} if record.text("side") else {}


def looser_limit(order: Order) -> D:
    """Return a limit one cent further away, so every fill is still within it."""
    return order.yes_price + (D("0.01") if order.book_side is BookSide.BID else D("-0.01"))


def duplicate_fill(books: Books, row: HistoryRow) -> None:
    fills = books.fills[row.order_id]
    books.fills[row.order_id] = (*fills, replace(fills[-1], fill_id=f"{fills[-1].fill_id}-again"))


def duplicate_order(books: Books, row: HistoryRow) -> None:
    double = f"{row.order_id}-again"
    books.orders[double] = replace(books.orders[row.order_id], order_id=double)


def refused_here(books: Books, row: HistoryRow) -> None:
    books.drop(row, "order.acknowledged", "order.fill", "order.unknown")
    books.add(row, "order.rejected")


def any_order(row: HistoryRow) -> bool:
    return row.order is not None


def filled_at_once(row: HistoryRow) -> bool:
    """Return True if the exchange's first answer was final, with fills."""
    reported = row.logged.reported
    return (
        row.order is not None
        and reported is not None
        and reported.remaining_count == ZERO
        and reported.fill_count > ZERO
    )


def with_fills(row: HistoryRow) -> bool:
    return bool(row.fills)


def fill_recorded(row: HistoryRow) -> bool:
    return any(record.event == "order.fill" for record in row.records)


def canceled_here(row: HistoryRow) -> bool:
    return row.order is not None and row.logged.canceled_count > ZERO


def taken(row: HistoryRow) -> bool:
    return row.order is not None and row.logged.state.stage == "acknowledged"


def exists(row: HistoryRow) -> bool:
    """Return True if the order had an effect at the exchange.

    A refused order is listed there as canceled.
    """
    return taken(row) and row.order.status is not OrderStatus.CANCELED


PLANTS: list[tuple[MismatchKind, Callable[[HistoryRow], bool], Callable[[Books, HistoryRow], object]]] = [
    (MismatchKind.NOT_AT_EXCHANGE, taken, lambda books, row: books.orders.pop(row.order_id)),
    (MismatchKind.NOT_IN_JOURNAL, any_order, lambda books, row: books.records.pop(row.client_order_id)),
    (MismatchKind.COUNT, any_order, lambda books, row: books.change(row, initial_count=row.count + 1)),
    (
        MismatchKind.COUNT,
        filled_at_once,
        lambda books, row: books.change(row, fill_count=row.fill_count + D("0.01")),
    ),
    (MismatchKind.COUNT, with_fills, lambda books, row: books.rewrite(row, "order.", more("count", "1"))),
    (
        MismatchKind.COUNT,
        filled_at_once,
        lambda books, row: books.rewrite(row, "order.", more("fill_count", "1")),
    ),
    (MismatchKind.COUNT, exists, lambda books, row: books.add(row, "cancel.acknowledged", reduced_by="999")),
    (MismatchKind.PRICE, any_order, lambda books, row: books.change(row, yes_price=looser_limit(row.order))),
    (
        MismatchKind.PRICE,
        with_fills,
        lambda books, row: books.change_fill(row, yes_price=better_price(row.fills[-1])),
    ),
    (MismatchKind.PRICE, any_order, lambda books, row: books.rewrite(row, "order.", more("price", "0.01"))),
    (
        MismatchKind.PRICE,
        fill_recorded,
        lambda books, row: books.rewrite(row, "order.fill", more("average_price", "0.0001")),
    ),
    (MismatchKind.FEES, any_order, lambda books, row: books.change(row, fees=row.fees + D("0.0001"))),
    (
        MismatchKind.FEES,
        with_fills,
        lambda books, row: books.change_fill(row, fee=row.fills[-1].fee + D("0.0001")),
    ),
    (
        MismatchKind.FEES,
        fill_recorded,
        lambda books, row: books.rewrite(row, "order.fill", more("fee", "0.0001")),
    ),
    (MismatchKind.FILLS, with_fills, lambda books, row: books.fills.update({row.order_id: row.fills[:-1]})),
    (MismatchKind.FILLS, with_fills, duplicate_fill),
    (MismatchKind.FILLS, with_fills, lambda books, row: books.change_fill(row, ticker="KXOTHER-26NOV-T1")),
    (
        MismatchKind.FILLS,
        with_fills,
        lambda books, row: books.change_fill(row, count=row.fills[-1].count - D("0.01")),
    ),
    (MismatchKind.STATUS, filled_at_once, lambda books, row: books.change(row, status=OrderStatus.RESTING)),
    (MismatchKind.STATUS, canceled_here, lambda books, row: books.change(row, status=OrderStatus.EXECUTED)),
    (MismatchKind.STATUS, exists, refused_here),
    (
        MismatchKind.STATUS,
        taken,
        lambda books, row: books.drop(row, "order.acknowledged", "order.fill", "order.unknown"),
    ),
    (MismatchKind.TERMS, any_order, lambda books, row: books.rewrite(row, "order.", other_side)),
    (MismatchKind.TERMS, any_order, lambda books, row: books.change(row, ticker="KXOTHER-26NOV-T1")),
    (MismatchKind.TWICE, any_order, duplicate_order),
]


@pytest.mark.parametrize("seed", range(3))
def test_each_planted_difference_is_found_and_no_other(past, rows, seed):
    books, chance = Books(past, read_exchange(past.client)), random.Random(seed)
    before = {identity(each.row) for each in compare(books.join_orders()).differences}
    sound = [row for row in rows if identity(row) not in before]
    chance.shuffle(sound)
    planted: dict[str, MismatchKind] = {}
    for number in range(proof.CURRENT.planted_differences):
        kind, can_bear, plant = PLANTS[number % len(PLANTS)]
        row = next(row for row in sound if can_bear(row) and row.client_order_id not in planted)
        planted[row.client_order_id] = kind
        plant(books, row)
    found = [each for each in compare(books.join_orders()).differences if identity(each.row) not in before]
    assert {each.row.client_order_id for each in found} == planted.keys()
    for each in found:
        assert planted[each.row.client_order_id] in each.kinds, (
            planted[each.row.client_order_id],
            each.mismatches,
        )
    assert len(compare(books.join_orders()).differences) == len(before) + len(found)


# --- Totals ---------------------------------------------------------------------------------------


def test_the_totals_of_adjacent_periods_match_the_exchange_s_audit(past, rows):
    audit = past.world.audit(ACCOUNT)
    first, last = (row.placed_at.astimezone().date() for row in (rows[-1], rows[0]))
    middle = first + (last - first) // 2
    periods = [Period(first, middle), Period(middle + timedelta(days=1), last + timedelta(days=1))]
    sums = [read_summary(past.client, past.journal, period, account=ACCOUNT) for period in periods]
    assert [each.incomplete for each in sums] == [None, None]
    assert sum(each.pnl for each in sums) == D(audit.realized) - D(audit.fees)
    assert sum(each.fees for each in sums) == D(audit.fees)
    assert sum(each.fills for each in sums) == audit.fill_count
    assert sum(each.orders for each in sums) == len(past.exchange.orders_of(ACCOUNT))
    refused = [row for row in rows if row.logged is not None and row.logged.state.stage == "rejected"]
    assert sum(each.rejected for each in sums) == len(refused)
