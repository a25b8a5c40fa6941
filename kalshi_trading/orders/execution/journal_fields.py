"""The fields under which the journal tells of an order before it is sent: what was asked for, in its terms.

A field's name stands here alone for whoever writes it. Reads and writes nothing. Pure.
"""

from __future__ import annotations

from datetime import datetime

from kalshi_trading.core.models import OrderRequest
from kalshi_trading.orders.pretrade.preview import OrderPreview


def order_fields(request: OrderRequest) -> dict[str, object]:
    return {"client_order_id": request.client_order_id, **_wish_fields(request)}


def _wish_fields(request: OrderRequest) -> dict[str, object]:
    return {
        "ticker": request.ticker,
        "action": request.action.value,
        "side": request.side.value,
        "count": request.count,
        "price": request.price,
    }


def denial_fields(preview: OrderPreview, reason: str) -> dict[str, object]:
    """Tell under no order's name: a denial is no step of an order's life."""
    return {
        **_wish_fields(preview.request),
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


def sending_fields(preview: OrderPreview, sent_at: datetime | None) -> dict[str, object]:
    """Name the order, in words too, and the exchange's time of the send as far as its clock is known."""
    return {
        "client_order_id": preview.request.client_order_id,
        "ticker": preview.request.ticker,
        "sentence": preview.sentence,
        "sent_at": sent_at,
    }
