"""The simulated world: contents, values, determinism.

It depends on seed and time alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import proof
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi_trading.practice.records import BookSide, Event, FeeType, Market
from kalshi_trading.practice.simulation.catalogue import Catalogue, CatalogueListing, full_listing
from kalshi_trading.practice.simulation.fair_values import FairValues, walk
from kalshi_trading.practice.simulation.quoting import grid_prices, nearest_price, quotes, top_of_book

NOON = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY = 86_400 * 1_000_000

moments = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: NOON + seconds * 1_000_000)
seeds = st.integers(0, 10_000)
MARKETS = full_listing(1, NOON, 400).markets


def markets_by_event(listing: CatalogueListing) -> list[tuple[Event, list[Market]]]:
    grouped: defaultdict[str, list[Market]] = defaultdict(list)
    for market in listing.markets:
        grouped[market.event_ticker].append(market)
    return [(event, grouped[event.event_ticker]) for event in listing.events]


def test_usual_world_has_the_promised_size_and_variety() -> None:
    listing = full_listing(1, NOON, 400)
    assert 12 <= len(listing.series) <= 16
    assert 55 <= len(listing.events) <= 75
    assert 400 <= len(listing.markets) <= 420
    assert len({series.category for series in listing.series}) >= 6
    assert {market.grid for market in listing.markets} == {"linear_cent", "deci_cent", "tapered_deci_cent"}
    assert {series.fee_type for series in listing.series} == set(FeeType)
    assert {series.fee_multiplier_percent for series in listing.series} == {0, 50, 100}
    assert any(market.scalar for market in listing.markets)


@pytest.mark.parametrize(
    "word", ["temperature", "rain", "Bitcoin", "Fed", "rate", "election", "inflation", "game", "movie", "S&P"]
)
def test_everyday_words_are_found_in_titles(word: str) -> None:
    assert any(word.lower() in market.title.lower() for market in full_listing(1, NOON, 400).markets)


@settings(max_examples=proof.CURRENT.costly_examples)
@given(seed=seeds, now=moments, size=st.integers(1, 900))
def test_any_world_is_well_formed(seed: int, now: int, size: int) -> None:
    listing = full_listing(seed, now, size)
    tickers = [market.ticker for market in listing.markets]
    assert len(tickers) >= size
    assert len(tickers) == len(set(tickers))
    assert len({event.event_ticker for event in listing.events}) == len(listing.events)
    assert all(re.fullmatch(r"KX[A-Z0-9]+(-[A-Z0-9.-]+){2}", ticker) for ticker in tickers)
    for event, markets in markets_by_event(listing):
        assert markets, event.event_ticker
        assert all(market.created_at <= market.open_at < market.close_at for market in markets)
        assert all(market.created_at <= now < market.close_at for market in markets)
        assert all(0 < market.initial_value < 10_000 for market in markets)
        if event.mutually_exclusive:
            assert sum(market.initial_value for market in markets) == 10_000
    for text in (text for market in listing.markets for text in (market.title, market.rules_primary)):
        assert "{" not in text
        assert "}" not in text


def test_same_seed_and_moment_give_the_same_world() -> None:
    assert full_listing(5, NOON, 300) == full_listing(5, NOON, 300)
    assert full_listing(5, NOON, 300).markets != full_listing(6, NOON, 300).markets


def test_large_world_has_distinct_markets() -> None:
    markets = full_listing(1, NOON, 20_000).markets
    assert len({market.ticker for market in markets}) == len(markets) >= 20_000


def test_rolling_on_adds_what_is_new_and_repeats_nothing() -> None:
    rolling = Catalogue(3, 300)
    seen = {market.ticker: market for market in rolling.take_new(NOON).markets}
    now = NOON
    for _ in range(200):
        now = rolling.next_change(now)
        for market in rolling.take_new(now).markets:
            assert market.ticker not in seen
            seen[market.ticker] = market
    for market in full_listing(3, now, 300).markets:
        assert seen[market.ticker] == market, "a market does not depend on when it was first asked for"


def test_short_lived_market_is_always_open_and_pays_soon() -> None:
    for minute in range(0, 60, 7):
        now = NOON + minute * 60_000_000
        markets = [
            market for market in full_listing(1, now, 400).markets if market.series_ticker == "KXBTC5M"
        ]
        assert Counter(market.open_at <= now for market in markets) == {True: 1, False: 1}
        for market in markets:
            assert market.close_at - market.open_at == 300_000_000
            paid_at = market.expected_expiration_at + market.settlement_timer_s * 1_000_000
            assert paid_at - market.close_at <= 60_000_000


@settings(max_examples=proof.CURRENT.costly_examples)
@given(seed=seeds, now=moments)
def test_exclusive_values_sum_to_one_and_end_at_one_winner(seed: int, now: int) -> None:
    listing, values = full_listing(seed, now, 150), FairValues(seed)
    for event, markets in markets_by_event(listing):
        worth = values.at(event, markets, now)
        assert all(0 <= value <= 10_000 for value in worth)
        outcome = values.outcome(event, markets)
        if markets[0].scalar:
            assert all(payout % 100 == 0 for payout in outcome)
        else:
            assert set(outcome) <= {0, 10_000}
        if event.mutually_exclusive:
            assert abs(sum(worth) - 10_000) <= len(markets)
            assert outcome.count(10_000) == 1
        elif not markets[0].scalar:
            assert outcome == sorted(outcome, reverse=True), "above 3 implies above 2"


def test_values_converge_to_the_outcome() -> None:
    listing, values = full_listing(2, NOON, 400), FairValues(2)
    gaps: defaultdict[float, list[int]] = defaultdict(list)
    for event, markets in markets_by_event(listing):
        outcome = values.outcome(event, markets)
        for share in (0.1, 0.9, 0.9999):
            now = round(markets[0].open_at + share * (markets[0].close_at - markets[0].open_at))
            worth = values.at(event, markets, now)
            gaps[share] += [abs(one - other) for one, other in zip(worth, outcome, strict=True)]
    means = {share: sum(rows) / len(rows) for share, rows in gaps.items()}
    assert means[0.1] > means[0.9] > means[0.9999]
    assert means[0.9999] < 100


def test_opening_values_are_the_initial_ones() -> None:
    listing, values = full_listing(2, NOON, 400), FairValues(2)
    for event, markets in markets_by_event(listing):
        worth = values.at(event, markets, markets[0].open_at)
        assert all(abs(one - market.initial_value) <= 1 for one, market in zip(worth, markets, strict=True))


def test_outcomes_happen_about_as_often_as_their_chances_say() -> None:
    values = FairValues(11)
    expected = happened = 0
    for day in range(60):
        for event, markets in markets_by_event(full_listing(11, NOON + day * DAY, 60)):
            if markets[0].scalar:
                continue
            for market, payout in zip(markets, values.outcome(event, markets), strict=True):
                if market.initial_value >= 7000:
                    expected += market.initial_value
                    happened += payout
    assert expected > 0
    assert 0.85 < happened / expected < 1.15


def test_walk_is_continuous_and_starts_at_zero() -> None:
    assert walk("a path", 12, 0.0) == 0.0
    steps = [walk("a path", 12, index / 4096) for index in range(4097)]
    assert max(abs(b - a) for a, b in pairwise(steps)) < 0.12
    assert abs(walk("a path", 12, 1.0) - walk("a path", 4, 1.0)) < 1e-9


@given(value=st.integers(0, 10_000), index=st.integers(0, 10_000))
def test_quotes_are_on_the_grid_around_the_value(value: int, index: int) -> None:
    market = MARKETS[index % len(MARKETS)]
    prices = grid_prices(market.grid)
    best = top_of_book(market, value)
    offered = quotes(market, value)
    assert all(quote.price in prices and quote.count >= 10_000 for quote in offered)
    bids = [quote.price for quote in offered if quote.side is BookSide.BID]
    asks = [quote.price for quote in offered if quote.side is BookSide.ASK]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert bids[:1] == [price for price in [best.bid] if price]
    assert asks[:1] == [price for price in [best.ask] if price]
    if best.bid and best.ask:
        assert best.bid < best.ask <= best.bid + 300
    if prices[0] < value < prices[-1]:
        assert best.bid
        assert best.ask
    assert nearest_price(market, value) in prices


def test_date_in_a_title_is_the_day_before_an_early_morning_close() -> None:
    for market in MARKETS:
        if market.series_ticker == "KXHIGHNY":
            closing = datetime.fromtimestamp(market.close_at / 1_000_000, UTC) - timedelta(hours=5)
            assert closing.strftime("%y%b%d").upper() in market.ticker
            assert f"{closing:%b} {closing.day}, {closing.year}" in market.title
