"""Test fills and settlements across the cut-off: each once, none missed.

A later read requests only newer rows.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import NOW, fill, settlement

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import BookSide
from kalshi_trading.core.results import Listing
from kalshi_trading.portfolio.fill_history import FillHistory

HOUR = timedelta(hours=1)


class Exchange:
    """Lists of an exchange, newest first; the cut-off archives rows."""

    def __init__(self, fills=()):
        self.fills = sorted(fills, key=lambda row: row.created_at, reverse=True)
        self.cutoff = NOW - 1000 * HOUR
        self.overlap = timedelta(0)
        self.settlements = []
        self.asked = []
        self.broken = ()
        self.after_live = lambda: None

    def get_fills(self, *, since=None, progress=None, on_last_page=None):
        self.asked.append(("live", since))
        if "live" in self.broken:
            raise KalshiAPIError("The live list is not here.")
        first = max(filter(None, (since, self.cutoff - self.overlap)))
        rows = tuple(row for row in self.fills if row.created_at >= first)
        self.after_live()
        if on_last_page is not None:
            on_last_page()
        if progress is not None:
            progress(len(rows))
        return Listing(rows, "a page is missing" if "page" in self.broken else None)

    def get_historical_fills(self, *, progress=None):
        self.asked.append(("archive", None))
        if "archive" in self.broken:
            raise KalshiAPIError("The archive is not here.")
        rows = tuple(row for row in self.fills if row.created_at < self.cutoff)
        if progress is not None:
            progress(len(rows))
        return Listing(rows)

    def get_settlements(self, *, since=None, progress=None):
        self.asked.append(("settlements", since))
        return Listing(tuple(row for row in self.settlements if since is None or row.settled_at >= since))

    def get_historical_markets(self, *, tickers):
        return Listing(())

    def get_markets(self, *, tickers):
        return Listing(())


def at(hours, ticker="KX-A"):
    """Return a fill some hours before now."""
    return fill(BookSide.BID, "1", "0.50", at=NOW - hours * HOUR, ticker=ticker)


@given(
    hours=st.lists(st.integers(0, 400), unique=True, max_size=30),
    cutoff=st.integers(0, 400),
    overlap=st.integers(0, 50),
)
def test_every_fill_is_there_once_wherever_the_cutoff_lies(hours, cutoff, overlap):
    exchange = Exchange(at(hour, f"KX-{hour % 3}") for hour in hours)
    exchange.cutoff, exchange.overlap = NOW - cutoff * HOUR, overlap * HOUR
    found = FillHistory(exchange).read_fills()
    for ticker, rows in found.items():
        expected = [row for row in reversed(exchange.fills) if row.ticker == ticker]
        assert list(rows) == expected  # oldest first
    assert sum(map(len, found.values())) == len(hours)


def test_a_row_that_moves_to_the_archive_while_reading_is_not_lost():
    exchange = Exchange([at(1), at(100), at(200)])

    def move():
        exchange.cutoff = NOW - 50 * HOUR

    exchange.after_live = move
    assert len(FillHistory(exchange).read_fills()["KX-A"]) == 3


def test_a_later_reading_asks_only_for_what_is_new_and_not_for_the_archive():
    exchange = Exchange([at(100), at(5)])
    history = FillHistory(exchange)
    before = history.read_fills()["KX-A"]
    exchange.fills.insert(0, at(1))
    exchange.fills.insert(0, at(0, "KX-B"))
    exchange.asked.clear()
    found = history.read_fills()
    assert exchange.asked == [("live", NOW - 6 * HOUR)]
    assert [len(found["KX-A"]), len(found["KX-B"])] == [3, 1]
    assert before == found["KX-A"][:2]


def test_a_row_that_appears_late_takes_its_place_in_time():
    exchange = Exchange([at(2), at(0)])
    history = FillHistory(exchange)
    history.read_fills()
    exchange.fills.insert(1, at(0.5))
    assert [row.created_at for row in history.read_fills()["KX-A"]] == [
        NOW - 2 * HOUR,
        NOW - 0.5 * HOUR,
        NOW,
    ]


def test_markets_without_news_keep_the_very_same_rows():
    exchange = Exchange([at(1, "KX-A"), at(0, "KX-B")])
    history = FillHistory(exchange)
    before = history.read_fills()
    exchange.fills.insert(0, at(-1, "KX-B"))
    after = history.read_fills()
    assert after["KX-A"] is before["KX-A"]
    assert after["KX-B"] is not before["KX-B"]


@pytest.mark.parametrize("broken", ["live", "page", "archive"])
def test_a_list_with_rows_missing_is_an_error_until_it_is_whole(broken):
    exchange = Exchange([at(1), at(100)])
    exchange.cutoff = NOW - 50 * HOUR
    history = FillHistory(exchange)
    exchange.broken = (broken,)
    with pytest.raises(KalshiAPIError):
        history.read_fills()
    exchange.broken = ()
    assert len(history.read_fills()["KX-A"]) == 2


def test_progress_counts_both_lists():
    exchange = Exchange([at(1), at(2), at(100)])
    exchange.cutoff = NOW - 50 * HOUR
    counts = []
    FillHistory(exchange).read_fills(counts.append)
    assert sorted(counts) == [1, 2] or counts == [2, 3]  # the archive is read during the live rows


def test_settlements_are_remembered_and_come_newest_first():
    exchange = Exchange()
    row = settlement(yes=("1", "0.5"), no=("0", "0"), revenue="0")
    exchange.settlements = [replace(row, ticker="KX-1")]
    history = FillHistory(exchange)
    history.read_settlements()
    exchange.settlements.insert(0, replace(row, ticker="KX-2", settled_at=NOW + HOUR))
    assert [row.ticker for row in history.read_settlements()] == ["KX-2", "KX-1"]
    assert exchange.asked == [("settlements", None), ("settlements", NOW - HOUR)]


def test_a_fill_corrected_under_its_id_replaces_the_one_remembered_in_its_place():
    rows = [replace(at(0.5), fill_id=f"fill-{number}") for number in range(3)] + [at(0.5, "KX-B")]
    exchange = Exchange(rows)
    history = FillHistory(exchange)
    before = history.read_fills()
    corrected = replace(rows[1], fee=Decimal("0.02"))
    exchange.fills[exchange.fills.index(rows[1])] = corrected
    found = history.read_fills()
    assert found["KX-A"] == (rows[2], corrected, rows[0])
    assert found["KX-B"] is before["KX-B"]
    assert FillHistory(exchange).read_fills() == found


def test_a_settlement_corrected_under_its_ticker_replaces_the_one_remembered():
    exchange = Exchange()
    row = settlement(yes=("1", "0.5"), no=("0", "0"), revenue="0")
    exchange.settlements = [row]
    history = FillHistory(exchange)
    history.read_settlements()
    exchange.settlements = [replace(row, revenue=Decimal("1.00"))]
    assert history.read_settlements() == tuple(exchange.settlements)


@pytest.mark.parametrize("list_", ["fills", "settlements"])
def test_an_abandoned_read_does_not_hold_up_the_next_one(list_):
    exchange = Exchange([at(1)])
    history = FillHistory(exchange)
    read, name = getattr(history, f"read_{list_}"), f"get_{list_}"
    begun, goes_on, answer = threading.Event(), threading.Event(), getattr(exchange, name)

    def stuck(**asked):
        setattr(exchange, name, answer)
        begun.set()
        assert goes_on.wait(60)
        return answer(**asked)

    setattr(exchange, name, stuck)
    abandoned = threading.Thread(target=read, daemon=True)
    abandoned.start()
    assert begun.wait(60)
    after = threading.Thread(target=read, daemon=True)
    after.start()
    after.join(30)
    held_up = after.is_alive()
    goes_on.set()
    abandoned.join(60)
    assert not held_up
    assert sum(map(len, history.read_fills().values())) == 1
