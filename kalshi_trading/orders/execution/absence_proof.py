"""Prove that an order is not at the exchange: complete, fresh looks. Pure.

Not finding an order proves nothing: reads lag writes, pages can be missing, and a request can be
delayed. The proof needs two complete looks some seconds apart. The data of each must be newer than
the last possible send by more than a signature's validity. Never calls the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalshi_trading.core.models import Order
from kalshi_trading.settings.behavior import ExchangeBehavior

ABSENCE_MARGIN_S = 60.0
NEGATIVES_APART_S = 5.0


def absence_margin_s(behavior: ExchangeBehavior) -> float:
    """Return the seconds by which data must be newer than the last send.

    A delayed request can arrive until its signature expires. A hidden lag adds to that.
    """
    return max(ABSENCE_MARGIN_S, 2 * behavior.signature_window_s) + behavior.hidden_lag_s


@dataclass(frozen=True, slots=True)
class Lookup:
    """One look at the exchange, begun at `at` and at `monotonic_s`.

    Setting the clock does not move `monotonic_s`. `as_of` is the time of the data. None: the look
    proves nothing.
    """

    at: datetime
    monotonic_s: float
    order: Order | None
    as_of: datetime | None


def proves_absence(
    looks: Sequence[Lookup], quiet_since: datetime | None, *, margin_s: float, apart_s: float
) -> bool:
    """Return True if these looks prove that the order is not at the exchange.

    `quiet_since` is an exchange time after which no session sent the order. None: nothing can be
    proved.
    """
    if quiet_since is None or any(look.order is not None for look in looks):
        return False
    fresh_enough = quiet_since + timedelta(seconds=margin_s)
    negative = [look for look in looks if look.as_of is not None and look.as_of > fresh_enough]
    clocks = ([look.at.timestamp() for look in negative], [look.monotonic_s for look in negative])
    return bool(negative) and all(max(times) - min(times) >= apart_s for times in clocks)
