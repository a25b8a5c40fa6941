"""The exchange's behavior where its documents leave it open.

The defaults are the program's assumptions. What `verify` found replaces them. Reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class ExchangeBehavior:
    """Answers that the program acts on.

    `tolerated_skew_s`: a computer's clock may be this far off before requests are signed by the exchange's.
    `signature_window_s`: a signed request that is older can no longer arrive.
    `hidden_lag_s`: reads may be older by this much than user_data_timestamp says.
    """

    cash_includes_collateral: bool = False  # of open orders
    tolerated_skew_s: float = 2.0
    signature_window_s: int = 30
    hidden_lag_s: float = 0.0
    ask_average_in_no: bool = False  # average_fill_price of an ask is in NO dollars

    def complete_until(self, as_of: datetime) -> datetime:
        """Return the time up to which account reads are complete.

        `as_of` is the time that the exchange reports for them.
        """
        return as_of - timedelta(seconds=self.hidden_lag_s)


ASSUMED = ExchangeBehavior()
