"""Experiments that only read.

One places a far order if the account has no history. Each yields one observation per question.
Source: Kalshi API, authentication, rate limits and portfolio reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kalshi_trading.core.errors import AuthenticationError, RateLimitError
from kalshi_trading.exchange.http.error_mapping import TIMESTAMP_EXPIRED
from kalshi_trading.verify.effects import window_word
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.questions import (
    LONGEST_WINDOW_S,
    SHORTEST_WINDOW_S,
    CannotTellError,
    Observed,
)

_SHIFTS_S = (1, 2, 4, 8, 12, 16, 20, 25, 30, 45, 60)
_LIVED_S = 3


def clock_window(lab: Lab) -> Iterator[Observed]:
    """Sign reads with times ever further off, early and late."""
    lab.client.get_account_limits()  # a signed answer tells the exchange's time
    bounds = [_bounds(lab, sign) for sign in (1, -1)]
    accepted = min(low for low, _ in bounds)
    refusals = [high for _, high in bounds if high is not None]
    refused = max(refusals) if len(refusals) == len(bounds) else None
    is_expected = accepted >= SHORTEST_WINDOW_S and refused is not None and refused <= LONGEST_WINDOW_S
    text = f"±{accepted} s accepted, " + (f"±{refused} s rejected" if refused else "60 s not rejected")
    yield Observed("clock_window_s", window_word(accepted, refused, is_expected), text)


def _bounds(lab: Lab, sign: int) -> tuple[int, int | None]:
    """Return the last error accepted and the first refused, in seconds."""
    accepted = 0
    for shift in _SHIFTS_S:
        try:
            lab.fresh_transport(sign * shift).read("/account/limits")
        except AuthenticationError as error:
            if error.code != TIMESTAMP_EXPIRED:
                raise
            return accepted, shift
        accepted = shift
    return accepted, None


def balance_bucket(lab: Lab) -> Iterator[Observed]:
    """Read the balance three times at once, and look where a limit is shown."""
    transports = [lab.fresh_transport() for _ in range(3)]
    lab.pause(1.05)
    refused = 0
    for transport in transports:
        try:
            transport.read("/portfolio/balance")
        except RateLimitError:
            refused += 1
    text = "3 reads at once: " + (f"{refused} rejected (429)" if refused else "none rejected")
    yield Observed("balance_bucket", "yes" if refused else "no", text)
    shown = "balance" in str(dict(lab.read("/account/limits"))).lower()
    costs = "/portfolio/balance" in str(dict(lab.read("/account/endpoint_costs")))
    places = [name for name, is_there in (("limits", shown), ("endpoint_costs", costs)) if is_there]
    found = f"yes, in {' and '.join(places)}" if places else "no"
    yield Observed("balance_bucket_shown", "yes" if places else "no", found)


def time_filters(lab: Lab) -> Iterator[Observed]:
    """Filter a canceled order that lived some seconds by times around it."""
    order = _old_order(lab)
    created, updated = _instant(order, "created_time"), _instant(order, "last_update_time")

    def is_listed(**query: int) -> bool:
        rows = lab.rows("/portfolio/orders", "orders", ticker=order["ticker"], **query)
        return any(row["order_id"] == order["order_id"] for row in rows)

    in_seconds = not is_listed(min_ts=math.ceil(updated) + 1)
    unit, scale = ("seconds", 1) if in_seconds else ("milliseconds", 1000)
    yield Observed("times_in", unit, unit)
    by_update = is_listed(min_ts=(math.ceil(created) + 1) * scale)
    word = "updated" if by_update else "created"
    yield Observed("orders_filtered_by", word, "last update" if by_update else "creation")
    instant = updated if by_update else created
    if instant == math.floor(instant):
        yield Observed("max_ts_whole_second", "", "the order's time has no fraction")
        return
    word = "yes" if is_listed(max_ts=math.floor(instant) * scale) else "no"
    yield Observed("max_ts_whole_second", word, word)


def _old_order(lab: Lab) -> Mapping[str, Any]:
    """Return a canceled order that was open for 3 s, or place one."""
    rows = lab.rows("/portfolio/orders", "orders", status="canceled")
    old = next((row for row in rows if _lived_s(row) > _LIVED_S), None)
    if old is None:
        if not lab.is_trading:
            raise CannotTellError("no order in the history that was open for 3 s: run verify --trade")
        sent = lab.place(lab.market())
        lab.pause(_LIVED_S + 0.2)
        if not sent.is_accepted or not lab.cancel(sent):
            raise CannotTellError("the order was not accepted and canceled")
        old = lab.order_row(lab.market().ticker, sent.result.request.client_order_id)
    if old is None:
        raise CannotTellError("the order is not listed")
    lab.evidence.tickers.add(str(old["ticker"]))
    return old


def _lived_s(row: Mapping[str, Any]) -> float:
    try:
        return _instant(row, "last_update_time") - _instant(row, "created_time")
    except (KeyError, TypeError, ValueError):
        return 0


def _instant(row: Mapping[str, Any], name: str) -> float:
    return datetime.fromisoformat(row[name]).timestamp()


READS = {
    clock_window: ("clock_window_s",),
    balance_bucket: ("balance_bucket", "balance_bucket_shown"),
}
FILTERS = {time_filters: ("times_in", "orders_filtered_by", "max_ts_whole_second")}
