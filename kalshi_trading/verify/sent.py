"""Orders of the experiments after their one POST. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.core.money import ZERO, Contracts
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.verify.evidence import error_code
from kalshi_trading.verify.questions import CannotTellError

_CLOSED = "market_closed"
_UNRELATED = frozenset({"insufficient_balance", "trading_is_paused", "exchange_is_paused"})


@dataclass(frozen=True, slots=True)
class Sent:
    """An order after its one POST. `status` None: no answer."""

    result: SubmissionResult
    status: int | None
    code: str
    body: Mapping[str, Any]

    @property
    def is_accepted(self) -> bool:
        return self.status == 201


def acknowledged_order(result: SubmissionResult, order_id: str, remaining: Contracts) -> Order:
    """Return an open order as acknowledged, to cancel it without a read.

    Its cost and fees are not known and stand as zero.
    """
    request = result.request
    return Order(
        order_id=order_id,
        client_order_id=request.client_order_id,
        ticker=request.ticker,
        book_side=request.book_side,
        status=OrderStatus.RESTING,
        yes_price=request.yes_price,
        fill_count=result.fill_count or ZERO,
        remaining_count=remaining,
        initial_count=request.count,
        fill_cost=ZERO,
        fees=ZERO,
        created_at=None,
        updated_at=None,
        expires_at=request.expires_at,
        exchange_index=None,
    )


def is_unrelated(sent: Sent, *, is_closed_expected: bool) -> bool:
    """Return True if the answer does not show how an order is judged."""
    if sent.code == _CLOSED:
        return not is_closed_expected
    is_refused_before = sent.status is None or sent.status in (401, 403, 429) or sent.status >= 500
    return is_refused_before or sent.code in _UNRELATED


def read_sent(result: SubmissionResult, posts: Sequence[tuple[int | None, object]]) -> Sent:
    """Return the order with the answer to its POST. Raises CannotTellError."""
    if not posts:
        raise CannotTellError(result.message)
    status, body = posts[0]
    answer = body if isinstance(body, Mapping) else {}
    return Sent(result, status, error_code(answer), answer)
