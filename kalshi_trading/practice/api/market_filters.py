"""Filters of the /markets list and their allowed combinations.

Source: Kalshi API, markets (list).
"""

from __future__ import annotations

from collections.abc import Callable

from kalshi_trading.practice.api.query import Query
from kalshi_trading.practice.records import Market, MarketStatus

STATUSES: dict[str, tuple[MarketStatus, ...]] = {
    "unopened": (MarketStatus.INITIALIZED,),
    "open": (MarketStatus.ACTIVE,),
    "paused": (MarketStatus.INACTIVE,),
    "closed": (MarketStatus.CLOSED, MarketStatus.DETERMINED),
    "settled": (MarketStatus.FINALIZED,),
}

_Keep = Callable[[Market], bool]
_Instant = Callable[[Market], int | None]

_INSTANTS: dict[str, _Instant] = {
    "created": lambda market: market.created_at,
    "updated": lambda market: market.updated_at,
    "close": lambda market: market.close_at,
    "settled": lambda market: market.settled_at,
}
_STATUSES_WITH: dict[str, tuple[str | None, ...]] = {
    "created": (None, "unopened", "open"),
    "updated": (None,),
    "close": (None, *STATUSES),  # looser than documented: the real exchange answers
    "settled": (None, "settled"),
}


def market_filter(query: Query) -> _Keep:
    """Return one test for all filters of a request.

    Raises ApiError on a forbidden combination.
    """
    status = query.choice("status", STATUSES)
    spans = {kind: (query.instant(f"min_{kind}_ts"), query.instant(f"max_{kind}_ts")) for kind in _INSTANTS}
    asked = {kind: span for kind, span in spans.items() if span != (None, None)}
    _check_combination(query, status, list(asked))
    tests = [_within(_INSTANTS[kind], *span) for kind, span in asked.items()]
    event_ticker, series_ticker = query.text("event_ticker"), query.text("series_ticker")
    tickers = frozenset(query.names("tickers"))
    if status is not None:
        tests.append(lambda market: market.status in STATUSES[status])
    if event_ticker is not None:
        tests.append(lambda market: market.event_ticker == event_ticker)
    if series_ticker is not None:
        tests.append(lambda market: market.series_ticker == series_ticker)
    if tickers:
        tests.append(lambda market: market.ticker in tickers)
    if query.choice("mve_filter", ("only", "exclude")) == "only":
        tests.append(lambda market: False)
    return lambda market: all(test(market) for test in tests)


def _within(instant: _Instant, earliest: int | None, latest: int | None) -> _Keep:
    def test(market: Market) -> bool:
        at = instant(market)
        if at is None:
            return False
        return (earliest is None or at >= earliest) and (latest is None or at <= latest)

    return test


def _check_combination(query: Query, status: str | None, spans: list[str]) -> None:
    """Raise ApiError if the time filters of a request cannot be combined.

    Only one kind of time filter is allowed, only with certain statuses, and `updated` with few other filters.
    """
    for kind in spans:
        first = next(name for name in (f"min_{kind}_ts", f"max_{kind}_ts") if query.text(name))
        if len(spans) > 1 or status not in _STATUSES_WITH[kind]:
            raise query.error(first, "excluded_with")
        if kind == "updated" and _has_other_filters(query):
            raise query.error(first, "excluded_with")


def _has_other_filters(query: Query) -> bool:
    without_combos = query.text("mve_filter") == "exclude"
    forbidden = ["event_ticker", "tickers"] + ([] if without_combos else ["series_ticker"])
    return any(query.text(name) for name in forbidden) or query.text("mve_filter") == "only"
