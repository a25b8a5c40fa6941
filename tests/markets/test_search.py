"""Search of open markets: matches, their order and the index's age."""

from __future__ import annotations

from decimal import Decimal

import pytest
import responses
from responses import matchers

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.markets import MarketIndex

URL = "https://external-api.demo.kalshi.co/trade-api/v2"


def wire_market(ticker, title, *, status="active", volume="0.00", label="Yes"):
    return {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "market_type": "binary",
        "title": title,
        "yes_sub_title": label,
        "no_sub_title": label,
        "open_time": "2026-11-20T15:00:00Z",
        "close_time": "2026-11-22T04:59:00Z",
        "latest_expiration_time": "2026-11-28T04:59:00Z",
        "settlement_timer_seconds": 3600,
        "status": status,
        "yes_bid_dollars": "0.6300",
        "yes_bid_size_fp": "120.00",
        "yes_ask_dollars": "0.6500",
        "yes_ask_size_fp": "80.50",
        "last_price_dollars": "0.6500",
        "volume_fp": volume,
        "volume_24h_fp": volume,
        "open_interest_fp": "0.00",
        "result": "",
        "can_close_early": True,
        "rules_primary": "",
        "rules_secondary": "",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    }


def wire_event(ticker, title, *markets, category="Weather", sub_title=""):
    return {
        "event_ticker": ticker,
        "series_ticker": ticker.partition("-")[0],
        "title": title,
        "sub_title": sub_title,
        "mutually_exclusive": True,
        "category": category,
        "markets": list(markets),
    }


EVENTS = [
    wire_event(
        "KXRAIN-1",
        "Rain in Oslo?",
        wire_market("KXRAIN-1-A", "Will it rain in Oslo?", volume="10.00"),
        wire_market("KXRAIN-1-B", "Will it rain twice in Oslo?", volume="900.00", label="Twice"),
        wire_market("KXRAIN-1-C", "Closed rain", status="closed"),
    ),
    wire_event(
        "KXTRAIN-1",
        "Train strikes",
        wire_market("KXTRAIN-1-A", "Will trains stop in Oslo?", volume="5000.00"),
        category=None,
    ),
]


def exchange_has(*pages, status=200):
    query = {"status": "open", "with_nested_markets": "true", "limit": "200"}
    for number, events in enumerate(pages):
        cursor = str(number + 1) if number + 1 < len(pages) else ""
        wanted = query if number == 0 else {**query, "cursor": str(number)}
        responses.add(
            *("GET", f"{URL}/events"),
            json={"events": events, "cursor": cursor},
            status=status,
            match=[matchers.query_param_matcher(wanted, strict_match=True)],
        )


class Clock:
    """Seconds that the test sets; each read takes `tick`."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 1000.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


def index_of(clock=None):
    transport = Transport(URL, timing=Timing(read_retries=0, first_pause_s=0.001))
    return MarketIndex(KalshiClient(transport), monotonic=clock or Clock())


def tickers(found):
    return [row.market.ticker for row in found]


@responses.activate
def test_whole_words_come_before_parts_of_words_and_busy_before_quiet():
    exchange_has(EVENTS)
    assert tickers(index_of().search("rain")) == ["KXRAIN-1-B", "KXRAIN-1-A", "KXTRAIN-1-A"]


@responses.activate
def test_every_word_must_be_there_in_any_order_and_case():
    exchange_has(EVENTS)
    index = index_of()
    assert tickers(index.search("OSLO twice")) == ["KXRAIN-1-B"]
    assert tickers(index.search("oslo snow")) == []


@responses.activate
@pytest.mark.parametrize("words", ["kxtrain-1", "KXTRAIN-1-A", "strikes", "stop"])
def test_tickers_and_titles_of_event_and_market_are_searched(words):
    exchange_has(EVENTS)
    (found,) = index_of().search(words)
    assert (found.market.ticker, found.event.event_ticker) == ("KXTRAIN-1-A", "KXTRAIN-1")


@responses.activate
def test_an_unreadable_market_is_missing_alone_and_named():
    siblings = [wire_market(f"KXSNOW-1-{number}", "Snow") for number in range(30)]
    for key in ("rules_secondary", "no_sub_title", "volume_24h_fp", "settlement_timer_seconds"):
        del siblings[3][key]
    del siblings[7]["yes_bid_dollars"]
    exchange_has([wire_event("KXSNOW-1", "Snow?", *siblings)])
    index = index_of()
    assert set(tickers(index.search("snow"))) == {row["ticker"] for row in siblings} - {"KXSNOW-1-7"}
    assert "1 row could not be read" in index.incomplete
    assert "markets[7].yes_bid_dollars" in index.incomplete


@responses.activate
def test_markets_that_do_not_trade_are_not_found():
    exchange_has(EVENTS)
    assert tickers(index_of().search("closed")) == []


@responses.activate
def test_no_words_list_everything_busiest_first_up_to_the_limit():
    exchange_has(EVENTS)
    assert tickers(index_of().search("", most=2)) == ["KXTRAIN-1-A", "KXRAIN-1-B"]


@responses.activate
@pytest.mark.parametrize("words", ["[bold]", "(", "\\", "%", "\x00", "💥", "a" * 10_000])
def test_odd_words_find_nothing_and_break_nothing(words):
    exchange_has(EVENTS)
    assert index_of().search(words) == ()


@responses.activate
def test_all_pages_are_in_the_index_and_progress_is_reported():
    exchange_has(EVENTS[:1], EVENTS[1:])
    seen = []
    assert len(index_of().search("oslo", progress=seen.append)) == 3
    assert seen == [1, 2]


@responses.activate
def test_a_young_index_answers_by_itself_and_an_old_one_asks_again():
    exchange_has(EVENTS)
    clock = Clock()
    index = index_of(clock)
    index.search("rain")
    clock.now += 29.9
    index.search("rain")
    assert len(responses.calls) == 1
    clock.now += 0.2
    index.search("rain")
    assert len(responses.calls) == 2


@responses.activate
def test_an_index_that_took_long_to_load_is_kept_longer():
    exchange_has(EVENTS)
    clock = Clock(tick=10.0)  # the load appears to take ten seconds
    index = index_of(clock)
    index.search("rain")
    clock.now += 150
    index.search("rain")
    assert len(responses.calls) == 1
    clock.now += 60
    index.search("rain")
    assert len(responses.calls) == 2


@responses.activate
def test_an_index_with_rows_missing_says_so():
    exchange_has([*EVENTS, {"event_ticker": "KX-BROKEN"}])
    index = index_of()
    assert len(index.search("oslo")) == 3
    assert "could not be read" in index.incomplete


@responses.activate
def test_a_failed_load_is_an_error_and_the_next_search_tries_again():
    exchange_has([], status=503)
    index = index_of()
    with pytest.raises(KalshiAPIError):
        index.search("rain")
    responses.reset()
    exchange_has(EVENTS)
    assert len(index.search("rain")) == 3
    assert index.search("rain")[0].market.volume_24h == Decimal("900.00")
