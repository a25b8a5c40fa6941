"""A removed or blanked key changes one value at most."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from answer_keys import (
    MONEY_OR_IDENTITY,
    REMOVED,
    answer_to,
    cases,
    keys_of,
    last_page,
    value_at,
    without,
)
from api_examples import EXACT

from kalshi_trading.core.errors import KalshiAPIError


def is_one_value(before: Mapping[str, object], after: Mapping[str, object], removed: object) -> bool:
    """Return True if at most one value differs.

    A removed list counts as one value,
    and so do title and labels that replace each other.
    """
    both = before.keys() | after.keys()
    differing = {path for path in both if before.get(path, REMOVED) != after.get(path, REMOVED)}
    values = {re.sub(r"\.(title|yes_label|no_label)$", ".label", path) for path in differing}
    if isinstance(removed, list):
        values = {path.partition("[")[0] for path in values}
    return len(values) <= 1


def test_a_key_that_is_removed_or_blanked_costs_one_value_unless_it_is_money_or_identity():
    costly = defaultdict(set)
    tried = 0
    for name, read, endpoint in cases():
        body = last_page(EXACT["rest"][name]["body"])
        before = answer_to(read, body)
        for record, path in keys_of(endpoint, body):
            for value in (REMOVED, None, ""):
                tried += 1
                try:
                    after = answer_to(read, without(body, path, value))
                except KalshiAPIError:
                    costly[record].add(path[-1])
                    continue
                if not is_one_value(before, after, value_at(body, path)):
                    costly[record].add(path[-1])
    assert tried > 3_000
    assert {record: sorted(keys) for record, keys in sorted(costly.items())} == {
        record: sorted(keys) for record, keys in sorted(MONEY_OR_IDENTITY.items())
    }
