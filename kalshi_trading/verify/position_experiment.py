"""One small round trip: buy the best offer and one more, sell all but one.

Shows how the exchange marks, realizes and counts. It costs the spread and the fees.
Source: Kalshi API, positions, fills, P&L and open questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, TimeInForce
from kalshi_trading.core.money import CENT, ONE_DOLLAR, ZERO, Contracts, Dollars, Price, dollars_text
from kalshi_trading.core.text import contracts_text
from kalshi_trading.verify.lab import ONE, Lab
from kalshi_trading.verify.questions import CannotTellError, Observed
from kalshi_trading.verify.sent import Sent

MOST_COST = Decimal(25)
_SMALLEST_STEP, _LARGEST_STEP = Decimal("0.002"), Decimal("0.03")
_FEWEST = Decimal(2)
_MARKETS_TRIED = 60
_IOC = TimeInForce.IMMEDIATE_OR_CANCEL
_TEXTS = {
    "fifo": "first in, first out",
    "average": "average cost",
    "yes_price": "at the YES price",
    "no_price": "at the NO price",
    "nothing": "not counted",
    "bid": "best bid",
    "last": "last price",
    "cost": "cost",
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A market with two cheap offers, the first of `first` contracts."""

    market: Market
    first: Contracts
    best: Price
    second: Price
    bid: Price

    @property
    def count(self) -> Contracts:
        return self.first + ONE

    @property
    def cost(self) -> Dollars:
        return self.first * self.best + self.second


def round_trip(lab: Lab) -> Iterator[Observed]:
    """Buy and sell, and compare what the exchange reports with each rule."""
    plan = _plan(lab)
    value_before = int(lab.balance()["portfolio_value"])
    bought = lab.place(plan.market, plan.second, count=plan.count, time_in_force=_IOC)
    if bought.result.fill_count != plan.count or bought.result.average_price is None:
        raise CannotTellError("the purchase was not filled as the book showed")
    if abs(bought.result.average_price * plan.count - plan.cost) > CENT / 100 * plan.count:
        raise CannotTellError("the purchase was filled at other prices")
    yield _mark(lab, plan, int(lab.balance()["portfolio_value"]) - value_before)
    held = _position(lab, plan)
    sold = lab.place(
        plan.market,
        plan.bid,
        action=Action.SELL,
        count=plan.first,
        time_in_force=_IOC,
        reduce_only=True,
    )
    if sold.result.fill_count != plan.first:
        raise CannotTellError("the sale was not filled")
    yield from _sale(lab, plan, held, sold)


def _plan(lab: Lab) -> _Plan:
    """Choose a market for the round trip. Raises CannotTellError."""
    for market in sorted(lab.quoted_markets(), key=_offered)[:_MARKETS_TRIED]:
        book = lab.client.get_orderbook(market.ticker)
        offers = [(ONE_DOLLAR - level.price, level.count) for level in book.no_bids[:2]]
        if len(offers) < 2 or not book.yes_bids:
            continue
        (best, first), (second, _), bid = offers[0], offers[1], book.yes_bids[0]
        plan = _Plan(market, first, best, second, bid.price)
        is_cheap = plan.cost <= MOST_COST and best < ONE_DOLLAR / 2
        has_step = _SMALLEST_STEP <= second - best <= _LARGEST_STEP
        is_clear = best - bid.price >= CENT and bid.price > CENT and bid.count >= first
        if first >= _FEWEST and is_cheap and has_step and is_clear:
            return plan
    raise CannotTellError(f"no market where a round trip costs less than ${MOST_COST}")


def _offered(market: Market) -> Dollars:
    """Return the cost of the best offer, zero if it is unknown."""
    return (market.yes_ask_count or ZERO) * (market.yes_ask or ONE_DOLLAR)


def _mark(lab: Lab, plan: _Plan, change: int) -> Observed:
    """Name the mark that explains the change of the portfolio value, in cents."""
    bids = lab.client.get_orderbook(plan.market.ticker).yes_bids
    bid = bids[0].price if bids else plan.bid
    values = {"bid": bid * plan.count, "last": plan.second * plan.count, "cost": plan.cost}
    near = [name for name, value in values.items() if abs(value * 100 - change) <= 1]
    marks = " or ".join(_TEXTS[name] for name in near) or "no known mark"
    text = f"{marks} ({contracts_text(plan.count)}, {dollars_text(Decimal(change) / 100)})"
    return Observed("portfolio_value_at", near[0] if len(near) == 1 else "", text)


def _sale(lab: Lab, plan: _Plan, held: Mapping[str, Any], sold: Sent) -> Iterator[Observed]:
    """Compare the sale's figures with each rule that could give them."""
    row = lab.order_row(plan.market.ticker, sold.result.request.client_order_id)
    position, count = _position(lab, plan), plan.first
    fills = lab.rows("/portfolio/fills", "fills", order_id=sold.result.order_id)
    price = Decimal(fills[0]["yes_price_dollars"])
    each = {"yes_price": price, "no_price": ONE_DOLLAR - price}
    of_ask = {name: count * value for name, value in each.items()}
    rules = {"fifo": count * (price - plan.best), "average": count * (price - plan.cost / plan.count)}
    yield _match("realized_by", rules, _change(held, position, "realized_pnl_dollars"))
    rules = of_ask | {"nothing": Decimal(0)}
    yield _match("sale_traded_at", rules, _change(held, position, "total_traded_dollars"))
    yield _match("ask_cost_at", of_ask, _number(row or {}, "taker_fill_cost_dollars"))
    yield _match("ask_average_at", each, _number(sold.body, "average_fill_price"))


def _change(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> Dollars:
    return Decimal(after[name]) - Decimal(before[name])


def _number(row: Mapping[str, Any], name: str) -> Decimal | None:
    return None if row.get(name) is None else Decimal(row[name])


def _match(name: str, rules: Mapping[str, Decimal], seen: Decimal | None) -> Observed:
    """Name the only rule that gives what was seen, to a twentieth of a cent."""
    if seen is None:
        return Observed(name, "", "not in the answer")
    near = [rule for rule, value in rules.items() if abs(value - seen) < CENT / 20]
    rule = " or ".join(_TEXTS[each] for each in near) or "no known rule"
    return Observed(name, near[0] if len(near) == 1 else "", f"{rule} ({dollars_text(seen)})")


def _position(lab: Lab, plan: _Plan) -> Mapping[str, Any]:
    lab.settle()
    rows = lab.rows("/portfolio/positions", "market_positions", ticker=plan.market.ticker)
    if not rows:
        raise CannotTellError("the position is not listed")
    return rows[0]


POSITIONS = {
    round_trip: ("portfolio_value_at", "realized_by", "sale_traded_at", "ask_cost_at", "ask_average_at")
}
