"""Journal fields of an order: its request, its result, its cancel. Pure.

Other steps add fields of their own, such as a reason. Reads and writes nothing.
"""

from __future__ import annotations

from datetime import datetime

from kalshi_trading.core.models import Order, OrderRequest
from kalshi_trading.journal.order_state import OrderState
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.preview import OrderPreview


def name_fields(order: OrderState) -> dict[str, object]:
    return {
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
        "sentence": order.sentence,
    }


def order_fields(request: OrderRequest) -> dict[str, object]:
    return {"client_order_id": request.client_order_id, **_request_fields(request)}


def _request_fields(request: OrderRequest) -> dict[str, object]:
    return {
        "ticker": request.ticker,
        "action": request.action.value,
        "side": request.side.value,
        "count": request.count,
        "price": request.price,
    }


def denial_fields(preview: OrderPreview, reason: str) -> dict[str, object]:
    """Return the fields of a denial, without `client_order_id`.

    A denied order was never created.
    """
    return {
        **_request_fields(preview.request),
        "sentence": preview.sentence,
        "reason": reason,
        "findings": [finding.fields() for finding in preview.findings],
    }


def intent_fields(preview: OrderPreview) -> dict[str, object]:
    request = preview.request
    return {
        **order_fields(request),
        "time_in_force": request.time_in_force.value,
        "post_only": request.post_only,
        "reduce_only": request.reduce_only,
        "cost": preview.cost,
        "sentence": preview.sentence,
    }


def sending_fields(order: OrderState, sent_at: datetime | None) -> dict[str, object]:
    """Return the order's name fields and the exchange's time of the send.

    `sent_at` None: the exchange's clock is not known.
    """
    return {**name_fields(order), "sent_at": sent_at}


def result_fields(result: SubmissionResult) -> dict[str, object]:
    is_known = result.outcome is not Outcome.UNKNOWN
    return {
        **order_fields(result.request),
        "order_id": result.order_id,
        "fill_count": result.fill_count if is_known else None,
        "remaining_count": result.remaining_count if is_known else None,
        "average_price": result.average_price,
        "fee": result.fee,
        "reason": result.message,
    }


def listed_fields(order: Order, reason: str) -> dict[str, object]:
    """Return the fields of an order as the exchange lists it."""
    return {
        "order_id": order.order_id,
        "fill_count": order.fill_count,
        "remaining_count": order.remaining_count,
        "fee": order.fees,
        "reason": reason,
    }


def absent_fields(proved_at: datetime) -> dict[str, object]:
    return {"as_of": proved_at, "reason": "not at the exchange in two complete, fresh looks"}


def cancel_fields(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "ticker": order.ticker,
    }
