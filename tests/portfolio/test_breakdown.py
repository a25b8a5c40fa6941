"""Test P&L by market, event, series and day: all have the same total."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st
from model_factory import NOW, fill, position, settlement

from kalshi_trading.core.models import BookSide, MarketResult
from kalshi_trading.portfolio.breakdown import (
    RealizedPnl,
    by_day,
    by_event,
    by_market,
    by_series,
    since,
    total,
)
from kalshi_trading.portfolio.ledger import market_ledger

BID, ASK = BookSide.BID, BookSide.ASK
DAY = timedelta(days=1)


def utc_day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def traded(ticker, *fills):
    kept = market_ledger(ticker, fills, position=None, settlement=None, missing=None)
    held = kept.traded.net
    return market_ledger(
        ticker, fills, position=replace(position(str(held), "0"), ticker=ticker), settlement=None
    )


def at(days, side, count, price, fee="0.01"):
    return fill(side, count, price, fee=fee, at=NOW - days * DAY)


A = traded("KXA-26-1", at(2, BID, "10", "0.40"), at(1, ASK, "4", "0.50"), at(0, ASK, "6", "0.30"))
B = traded("KXA-26-2", at(1, BID, "5", "0.20"))


def test_profit_falls_on_the_day_it_was_closed_and_fees_on_the_day_they_were_paid():
    days = by_day((A, B), utc_day)
    today = utc_day(NOW)
    assert days == {
        today - 2 * DAY: RealizedPnl(fees=D("0.01")),
        today - DAY: RealizedPnl(by_trading=D("0.40"), fees=D("0.02")),
        today: RealizedPnl(by_trading=D("-0.60"), fees=D("0.01")),
    }
    assert list(days) == sorted(days)


def test_markets_events_and_series_are_distinguished_by_their_names():
    assert by_market((A, B))["KXA-26-2"] == RealizedPnl(fees=D("0.01"))
    assert by_event((A, B)) == {"KXA-26": RealizedPnl(by_trading=D("-0.20"), fees=D("0.04"))}
    assert by_series((A, B)).keys() == {"KXA"}


def test_both_roads_are_kept_apart():
    row = replace(settlement(yes=("5", "1.00"), no=("0", "0"), revenue="5.00"), result=MarketResult.YES)
    settled = market_ledger("KXA-26-2", B.fills, position=None, settlement=row)
    assert total((settled,)) == RealizedPnl(by_settlement=D("4.00"), fees=D("0.01"))
    assert total((settled,)).net == D("3.99")
    assert since((settled,), NOW) == RealizedPnl(by_settlement=D("4.00"))


def test_the_rounding_fee_of_a_payout_falls_on_its_day():
    row = settlement(yes=("2.53", "1.0120"), no=("0", "0"), revenue="0.93")
    cut = D("2.53") * D("0.37") - D("0.93")
    paid = replace(row, result=MarketResult.SCALAR, value=D("0.37"), fees=cut)
    bought = fill(BID, "2.53", "0.40", at=NOW - DAY)
    kept = market_ledger("KXA-26-4", (bought,), position=None, settlement=paid)
    assert by_day((kept,), utc_day)[utc_day(NOW)].fees == cut
    assert sum(by_day((kept,), utc_day).values(), RealizedPnl()) == total((kept,))


def test_a_payout_that_no_value_of_a_contract_makes_is_counted_to_the_cent():
    row = settlement(yes=("7", "2.90"), no=("0", "0"), revenue="1.00")
    paid = replace(row, result=MarketResult.SCALAR, value=None, fees=D("0.02"))
    fills = (at(2, BID, "3", "0.50"), at(1, BID, "4", "0.35"))
    kept = market_ledger("KXA-26-5", fills, position=None, settlement=paid)
    assert since((kept,), NOW) == RealizedPnl(by_settlement=D("-1.90"))
    assert sum(by_day((kept,), utc_day).values(), RealizedPnl()) == total((kept,))


def test_what_has_no_time_is_first_and_leaves_the_day_unknown():
    lost = market_ledger(
        "KXA-26-3", (), position=replace(position("0", "0"), realized_pnl=D("2")), settlement=None
    )
    assert next(iter(by_day((lost, A), utc_day))) is None
    assert since((lost, A), NOW) is None
    untimed = traded("KXA-26-4", replace(B.fills[0], created_at=None))
    assert since((untimed,), NOW) is None


def test_a_gap_of_a_market_that_earned_nothing_leaves_the_day_known():
    open_only = market_ledger("KXA-26-3", (), position=position("5", "2.00"), settlement=None)
    assert open_only.mismatch is not None
    assert since((open_only, A), NOW) == since((A,), NOW)


histories = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(BookSide),
        st.integers(1, 500).map(lambda count: str(D(count) / 100)),
        st.integers(1, 99).map(lambda cents: str(D(cents) / 100)),
    ),
    min_size=1,
    max_size=12,
)


@given(st.dictionaries(st.sampled_from(["KXA-1-A", "KXA-1-B", "KXA-2-A", "KXB-1-A"]), histories, max_size=4))
def test_every_breakdown_adds_up_to_the_total(markets):
    accounts = [
        traded(ticker, *(at(*row) for row in sorted(rows, key=lambda row: -row[0])))
        for ticker, rows in markets.items()
    ]
    whole = total(accounts)
    for parts in (by_market(accounts), by_event(accounts), by_series(accounts), by_day(accounts, utc_day)):
        assert sum(parts.values(), RealizedPnl()) == whole
    for days in range(7):
        after = {
            day: part for day, part in by_day(accounts, utc_day).items() if day > utc_day(NOW - days * DAY)
        }
        moment = datetime.combine(utc_day(NOW - days * DAY) + DAY, datetime.min.time(), UTC)
        assert since(accounts, moment) == sum(after.values(), RealizedPnl())
