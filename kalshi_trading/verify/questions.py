"""The open questions that `verify` tries, with what the program assumes.

A row's `name` is also that of the practice exchange's switch where there is one. Sends nothing.
Source: Kalshi API, open questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Question:
    """One open question; `expected` are the answers we assume."""

    name: str
    text: str
    assumed: str
    expected: tuple[str, ...]
    needs_orders: bool = True


class Verdict(StrEnum):
    """An answer compared with the assumption."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "differs"
    UNCLEAR = "could not tell"


@dataclass(frozen=True, slots=True)
class Observed:
    """An answer as a word and as text.

    An empty word: there is none, and `text` is the reason.
    """

    name: str
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A question, its answer, and the redacted requests that show it."""

    question: Question
    observed: Observed
    evidence: Sequence[Mapping[str, object]] = ()

    @property
    def verdict(self) -> Verdict:
        if not self.observed.word:
            return Verdict.UNCLEAR
        is_expected = self.observed.word in self.question.expected
        return Verdict.AS_ASSUMED if is_expected else Verdict.DIFFERS


class CannotTellError(Exception):
    """A question cannot be answered now; `str()` is the reason."""


NEEDS_ORDERS = "needs orders: run verify --trade"
LONGEST_WINDOW_S = 30
SHORTEST_WINDOW_S = 2

_ROWS = (
    Question("clock_window_s", "Clock error a signature may have", "2 to 30 s", ("2-30",), False),
    Question("balance_bucket", "Rate limit of the balance alone", "1 a second", ("yes",), False),
    Question("balance_bucket_shown", "Account limits show that limit", "no", ("no",), False),
    Question("times_in", "Unit of min_ts and max_ts", "seconds", ("seconds",), False),
    Question("orders_filtered_by", "Time that filters orders", "creation", ("created",), False),
    Question("max_ts_whole_second", "max_ts includes its whole second", "no", ("no",), False),
    Question("read_lag_ms", "Reads lag behind a cancel", "60 s at most", ("none", "short")),
    Question("data_timestamp_lags", "user_data_timestamp tells that lag", "yes", ("yes",)),
    Question("balance_includes_collateral", "Cash includes open orders' collateral", "no", ("no",)),
    Question("queue_positions_listed", "Queue positions list an open order", "yes", ("yes",)),
    Question("ioc_row", "Unfilled IOC order is listed", "yes, canceled", ("canceled",)),
    Question("fok_row", "Killed FOK order is listed", "yes, canceled", ("canceled",)),
    Question("longest_client_id", "Longest client_order_id", "64 characters", ("64",)),
    Question("dot_in_client_id", "client_order_id with a dot", "rejected", ("no",)),
    Question("client_id_reusable", "client_order_id again after a cancel", "rejected", ("no",)),
    Question("refusal_spends_id", "Rejection by a closed market uses up the id", "no", ("no",)),
    Question("reduce_only_canceled", "Reduce-only without a position", "canceled unfilled", ("yes",)),
    Question("post_only_canceled", "Post-only order that crosses", "rejected", ("no",)),
    Question("price_checked_first", "Bad price and used id: reported first", "price", ("yes",)),
    Question("portfolio_value_at", "Price of the portfolio value", "best bid", ("bid",)),
    Question("realized_by", "Realized P&L", "first in, first out", ("fifo",)),
    Question("sale_traded_at", "Sale of YES in total_traded", "at the NO price", ("no_price",)),
    Question("ask_cost_at", "Fill cost of an ask", "at the NO price", ("no_price",)),
    Question("ask_average_at", "Average fill price of an ask", "in YES dollars", ("yes_price",)),
)
QUESTIONS = {row.name: row for row in _ROWS}
