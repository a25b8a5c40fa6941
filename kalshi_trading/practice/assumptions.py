"""Switchable answers to the questions that Kalshi's documents leave open.

The defaults are our best guess. A test or a user flips them to see that the program works either way. Decides
nothing else, reads no command line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

_WORDS = {"yes": True, "no": False}


def _choice(*words: str) -> Any:
    """Declare a field with these values, the first one being its default."""
    return field(default=words[0], metadata={"words": words})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One answer per open question. Switch one with `--assume NAME=VALUE`."""

    clock_window_s: int = 10  # a signature may be this many seconds old, or early
    read_lag_ms: int = 0  # private reads show the state of that long ago
    data_timestamp_lags: bool = True  # user_data_timestamp is the time of the state that reads show
    balance_includes_collateral: bool = False  # cash that open orders hold back counts as balance
    balance_bucket: bool = True  # the balance has a rate limit of its own, one call per second
    balance_bucket_shown: bool = False  # /account/limits names that limit
    portfolio_value_at: str = _choice("bid", "last", "cost")
    ioc_row: bool = True  # an immediate-or-cancel order that fills nothing appears in the order list
    fok_row: bool = True  # so does a killed fill-or-kill order
    longest_client_id: int = 64
    dot_in_client_id: bool = False  # a client_order_id may contain a dot
    client_id_reusable: bool = False  # the client_order_id of an ended order may be used again
    refusal_spends_id: bool = False  # a refusal by a pause or a closed market uses up the id
    reduce_only_canceled: bool = True  # without a position: 201 and canceled. no: 400
    post_only_canceled: bool = False  # a post-only order that crosses: 201 and canceled. no: 400
    price_checked_first: bool = True  # before the client_order_id
    queue_positions_listed: bool = True
    orders_filtered_by: str = _choice("created", "updated")
    times_in: str = _choice("seconds", "milliseconds")
    max_ts_whole_second: bool = False  # max_ts includes the rest of its second
    realized_by: str = _choice("fifo", "average")
    sale_traded_at: str = _choice("no_price", "yes_price")  # how a sale of YES counts in total_traded
    ask_cost_at: str = _choice("no_price", "yes_price")  # fill cost of an order on the ask side
    ask_average_at: str = _choice("yes_price", "no_price")  # average_fill_price of such an order
    retired_fields: bool = False  # markets still carry liquidity_dollars, as before October 2026


def parse(pairs: Iterable[str]) -> Assumptions:
    """Read `NAME=VALUE` pairs over the defaults. Raises ValueError."""
    given: dict[str, Any] = {}
    for pair in pairs:
        name, _, word = pair.partition("=")
        given[name] = _value(name, word)
    return Assumptions(**given)


def _value(name: str, word: str) -> bool | int | str:
    known = {each.name: each for each in fields(Assumptions)}
    if name not in known:
        raise ValueError(f"{name!r} is not one of {', '.join(known)}")
    kind, words = type(known[name].default), known[name].metadata.get("words", tuple(_WORDS))
    if kind is int:
        if not (word.isascii() and word.isdigit() and len(word) <= 6):
            raise ValueError(f"{name} must be a whole number, not {word!r}")
        return int(word)
    if word not in words:
        raise ValueError(f"{name} must be {' or '.join(words)}, not {word!r}")
    return word if kind is str else _WORDS[word]
