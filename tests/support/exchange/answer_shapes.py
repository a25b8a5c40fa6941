"""Compare an answer with its recorded example.

Compares fields, nesting and formats, not values.
"""

from __future__ import annotations

import re
from typing import Any

FORMATS = {
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"),
    "two decimals": re.compile(r"-?\d+\.\d{2}"),
    "four decimals": re.compile(r"-?\d+\.\d{4}"),
    "six decimals": re.compile(r"-?\d+\.\d{6}"),
}
# Text that only looks like numbers or ids in the examples.
FREE_TEXT = {"fill_id", "trade_id", "expiration_value", "id", "client_order_id"}
# May be absent, because this world has nothing of the kind.
OPTIONAL = {
    "early_close_condition", "order_group_id", "strike_type", "floor_strike", "cap_strike",
    "average_fill_price", "average_fee_paid", "expiration_time", "cancel_order_on_pause",
    "open_dollars", "low_dollars", "high_dollars", "close_dollars", "mean_dollars", "previous_dollars",
    "settlement_value_dollars", "settlement_ts", "expires_ts",
    "occurrence_datetime", "custom_strike", "primary_participant_key", "strike_period", "product_metadata",
    *("client_transfer_id", "competition", "competition_scope"),
    *("side", "action", "taker_side"),  # old words that the exchange still sends
}  # fmt: skip


def form(text: str) -> str:
    return next((name for name, pattern in FORMATS.items() if pattern.fullmatch(text)), "text")


def differences(example: Any, real: Any, where: str) -> list[str]:
    """List where a real answer differs from the example.

    Each row of a list is compared with the example's first row.
    """
    name = where.rpartition(".")[2]
    if isinstance(example, dict) and isinstance(real, dict):
        missing = {f"{where}.{key} is missing" for key in example.keys() - real.keys() - OPTIONAL}
        extra = {f"{where}.{key} is new" for key in real.keys() - example.keys() - OPTIONAL}
        inner = [
            differences(example[key], real[key], f"{where}.{key}") for key in example.keys() & real.keys()
        ]
        return sorted(missing | extra) + [line for lines in inner for line in lines]
    if isinstance(example, list) and isinstance(real, list):
        if name in ("yes_dollars", "no_dollars") and isinstance(example[0], str):
            pairs = enumerate(zip(example, real, strict=True))
            return [line for index, pair in pairs for line in differences(*pair, f"{where}[{index}]")]
        if example and real:
            return [line for row in real for line in differences(example[0], row, where)]
        return []
    if example is None or real is None:
        return []
    if isinstance(example, str) and isinstance(real, str):
        if name in FREE_TEXT or form(example) == form(real):
            return []
        return [f"{where}: {real!r} is not written like {example!r}"]
    numbers = isinstance(example, (int, float)) and isinstance(real, (int, float))
    same = isinstance(example, bool) == isinstance(real, bool) and (numbers or type(example) is type(real))
    return [] if same else [f"{where}: {real!r} is not of the kind of {example!r}"]
