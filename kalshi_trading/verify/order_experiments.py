"""Experiments with orders that are meant not to fill: bids of one cent.

One of them crosses post-only, which the exchange must not fill.
Source: Kalshi API, order semantics, errors and open questions.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

from kalshi_trading.core.errors import NotFoundError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, Side, TimeInForce
from kalshi_trading.core.money import dollars_text
from kalshi_trading.core.text import sanitize
from kalshi_trading.verify.lab import FAR, Lab
from kalshi_trading.verify.questions import CannotTellError, Observed
from kalshi_trading.verify.sent import Sent

_DUPLICATE = "order_already_exists"
_OFF_GRID = Decimal("0.0150")
_LONGEST_LAG_S = 10.0


def read_lag(lab: Lab) -> Iterator[Observed]:
    """Cancel an order and watch how long reads still show it open."""
    sent = _placed(lab.place(lab.market()))
    _wait_until_shown(lab, sent)
    if not lab.cancel(sent):
        raise CannotTellError("the cancel was not confirmed")
    canceled_at, started = _last_cancel_at(lab), time.monotonic()
    is_honest, looks = True, 0
    while time.monotonic() - started < _LONGEST_LAG_S:
        seen = _is_resting(lab, sent, canceled_at)
        if seen is None:
            break
        is_honest, looks = is_honest and seen, looks + 1
        lab.pause(0.05)
    lab.read_lag_s = time.monotonic() - started if looks else 0.0
    if looks == 0:
        yield Observed("read_lag_ms", "none", "none seen")
        yield Observed("data_timestamp_lags", "", "reads did not lag")
        return
    is_over = lab.read_lag_s < _LONGEST_LAG_S
    text = f"{lab.read_lag_s * 1000:.0f} ms" if is_over else f"over {_LONGEST_LAG_S:.0f} s"
    yield Observed("read_lag_ms", "short" if is_over else "long", text)
    word, text = ("yes", "yes") if is_honest else ("no", "no, it is newer")
    yield Observed("data_timestamp_lags", word, text)


def _wait_until_shown(lab: Lab, sent: Sent) -> None:
    started = time.monotonic()
    while time.monotonic() - started < _LONGEST_LAG_S:
        with suppress(NotFoundError):
            lab.read(f"/portfolio/orders/{sent.result.order_id}")
            return
        lab.pause(0.2)


def _last_cancel_at(lab: Lab) -> datetime:
    """Return the engine's time of the last cancel, at most a millisecond late."""
    body = lab.evidence.answers["DELETE"][-1][1]
    assert isinstance(body, Mapping)
    return datetime.fromtimestamp((int(body["ts_ms"]) + 1) / 1000, UTC)


def _is_resting(lab: Lab, sent: Sent, canceled_at: datetime) -> bool | None:
    """Return None once the order reads as canceled.

    False: it reads as open although the data's time is after the cancel.
    """
    as_of = lab.client.get_user_data_timestamp()
    order = lab.read(f"/portfolio/orders/{sent.result.order_id}")["order"]
    if order["status"] != "resting":
        return None
    return as_of <= canceled_at


def collateral(lab: Lab) -> Iterator[Observed]:
    """Compare the balance before and after an order stays open."""
    before = Decimal(lab.balance()["balance_dollars"])
    sent = _placed(lab.place(lab.market()))
    after = Decimal(lab.balance()["balance_dollars"])
    yield _queue_position(lab, sent)
    lab.cancel(sent)
    change = after - before
    word = {-FAR: "no", Decimal(0): "yes"}.get(change, "")
    text = f"{word or 'unclear'}: an order of {dollars_text(FAR)} changed cash by {dollars_text(change)}"
    yield Observed("balance_includes_collateral", word, text)


def _queue_position(lab: Lab, sent: Sent) -> Observed:
    listed = lab.client.get_queue_positions(tickers=[sent.result.request.ticker])
    word = "yes" if sent.result.order_id in listed else "no"
    return Observed("queue_positions_listed", word, word)


def ended_rows(lab: Lab) -> Iterator[Observed]:
    """Send orders that must fill at once and cannot, and look for their rows."""
    for name, kind in (
        ("ioc_row", TimeInForce.IMMEDIATE_OR_CANCEL),
        ("fok_row", TimeInForce.FILL_OR_KILL),
    ):
        market = lab.market()
        sent = lab.place(market, time_in_force=kind)
        row = lab.order_row(market.ticker, sent.result.request.client_order_id)
        word = "absent" if row is None else sanitize(str(row["status"]))
        answer = f"{sent.status} {sent.code}".strip()
        yield Observed(name, word, f"{'no' if row is None else f'yes, {word}'} (answer {answer})")


def client_ids(lab: Lab) -> Iterator[Observed]:
    """Send long, dotted and repeated ids."""
    market = lab.market()
    accepted = [size for size in (36, 64, 65) if _is_taken(lab, lab.place(market, client_order_id=_id(size)))]
    longest = max(accepted, default=0)
    word = "over 64" if longest > 64 else str(longest)
    yield Observed("longest_client_id", word, f"{word} characters accepted")
    dotted = lab.place(market, client_order_id=f"a.{uuid.uuid4()}")
    is_taken = _is_taken(lab, dotted)
    text = "accepted" if is_taken else f"rejected ({dotted.status} {dotted.code})"
    yield Observed("dot_in_client_id", "yes" if is_taken else "no", text)
    first = _placed(lab.place(market))
    lab.cancel(first)
    used = first.result.request.client_order_id
    yield _checked_first(lab, market, used)
    second = lab.place(market, again=True, client_order_id=used)  # last, so that the journal has its price
    is_taken = _is_taken(lab, second)
    text = "accepted" if is_taken else f"rejected ({second.status} {second.code})"
    yield Observed("client_id_reusable", "yes" if is_taken else "no", text)


def _checked_first(lab: Lab, market: Market, used: str) -> Observed:
    """Send a bad price with a used id, and name what the rejection is about."""
    if market.price_grid.contains(_OFF_GRID):
        return Observed("price_checked_first", "", "every price of the market is valid")
    both = lab.place(market, again=True, client_order_id=used, wrong_price=_OFF_GRID)
    words = {"invalid_price": "yes", _DUPLICATE: "no"}
    return Observed("price_checked_first", words.get(both.code, ""), f"{both.status} {both.code}")


def closed_market(lab: Lab) -> Iterator[Observed]:
    """Send an order to a closed market, then the same id to an open one."""
    closed = lab.client.get_markets(limit=1, status="closed") or lab.client.get_markets(
        limit=1, status="settled"
    )
    if not closed:
        raise CannotTellError("no closed market")
    market = lab.market()
    refused = lab.place(market, ticker=closed[0].ticker)
    if refused.is_accepted or not refused.code:
        raise CannotTellError(f"a closed market answered {refused.status} {refused.code}")
    again = lab.place(market, again=True, client_order_id=refused.result.request.client_order_id)
    word = "no" if _is_taken(lab, again) else "yes" if again.code == _DUPLICATE else ""
    yield Observed("refusal_spends_id", word, f"{refused.code}, then {again.status} {again.code}".strip())


def special_orders(lab: Lab) -> Iterator[Observed]:
    """Send reduce-only without a position, and post-only across the book."""
    market = lab.market()
    reducing = lab.place(
        market, action=Action.BUY, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL, reduce_only=True
    )
    yield _canceled_or_refused("reduce_only_canceled", reducing)
    crossing = _crossing(lab, market)
    _is_taken(lab, crossing)
    if crossing.result.remaining_count or crossing.result.fill_count:
        yield Observed("post_only_canceled", "", "the book moved away or the order filled")
    else:
        yield _canceled_or_refused("post_only_canceled", crossing)


def _crossing(lab: Lab, market: Market) -> Sent:
    ask = lab.client.get_market(market.ticker).yes_ask
    if ask is None:
        raise CannotTellError("no offers to cross")
    return lab.place(market, ask, post_only=True, side=Side.YES)


def _canceled_or_refused(name: str, sent: Sent) -> Observed:
    if sent.is_accepted:
        return Observed(name, "yes", "canceled unfilled (201)")
    refused = "no" if sent.code else ""
    return Observed(name, refused, f"rejected ({sent.status} {sent.code})")


def _id(size: int) -> str:
    return (f"v{uuid.uuid4().hex}" * 3)[:size]


def _placed(sent: Sent) -> Sent:
    """Return an order that was accepted. Raises CannotTellError."""
    if not sent.is_accepted or sent.result.order_id is None:
        raise CannotTellError(f"a plain order was not accepted: {sent.result.message}")
    return sent


def _is_taken(lab: Lab, sent: Sent) -> bool:
    """Return whether an order was accepted, and cancel it if so."""
    if sent.is_accepted and sent.result.order_id is not None and sent.result.remaining_count:
        lab.cancel(sent)
    return sent.is_accepted


ORDERS = {
    read_lag: ("read_lag_ms", "data_timestamp_lags"),
    collateral: ("queue_positions_listed", "balance_includes_collateral"),
    ended_rows: ("ioc_row", "fok_row"),
    client_ids: ("longest_client_id", "dot_in_client_id", "price_checked_first", "client_id_reusable"),
    closed_market: ("refusal_spends_id",),
    special_orders: ("reduce_only_canceled", "post_only_canceled"),
}
