"""The drift check finds every field change and reads on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from answer_keys import (
    MONEY_OR_IDENTITY,
    REMOVED,
    Read,
    answer_to,
    cases,
    keys_of,
    last_page,
    value_at,
    without,
)
from api_examples import EXACT

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.exchange.wire.documented import ANSWERS, RECORDS
from kalshi_trading.exchange.wire.drift import Change, DriftCheck, field_changes

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CHANGES = 300
CASES = list(cases())
NEW_NAME = "brand_new"
OTHER_TYPE: dict[str, Any] = {
    "text": 12,
    "whole": "a word",
    "number": "a word",
    "flag": "true",
    "time": 1_795_000_000,
}


@dataclass(frozen=True)
class Changed:
    """An example with one field changed, and what the check should find."""

    read: Read
    endpoint: str
    body: Mapping[str, Any]
    record: str
    key: str
    expected: tuple[str, Change]

    @property
    def is_for_display(self) -> bool:
        return self.key not in MONEY_OR_IDENTITY.get(self.record, ())


def kind_of(endpoint: str, record: str, key: object) -> str:
    text = RECORDS.get(record.replace(" ", "-"), ANSWERS[endpoint])
    return dict(each.split(":") for each in text.split())[str(key)]


def random_change(random: Random) -> Changed:
    name, read, endpoint = random.choice(CASES)
    body = last_page(EXACT["rest"][name]["body"])
    how = random.choice(("added", "removed", "retyped", "renamed"))
    choices = [
        (record, path)
        for record, path in keys_of(endpoint, body)
        if not (how == "removed" and kind_of(endpoint, record, path[-1]).endswith("?"))
        and not (how == "retyped" and kind_of(endpoint, record, path[-1]).startswith("any"))
    ]
    record, path = random.choice(choices)
    key, value = str(path[-1]), value_at(body, path)
    if how == "retyped":
        other = OTHER_TYPE.get(kind_of(endpoint, record, key).removesuffix("?"), Decimal("0.5"))
        return Changed(read, endpoint, without(body, path, other), record, key, (key, Change.RETYPED))
    changed = copy.deepcopy(body) if how == "added" else without(body, path, REMOVED)
    if how != "removed":
        value_at(changed, path[:-1])[NEW_NAME] = value
    expected = (key, Change.MISSING) if how == "removed" else (NEW_NAME, Change.NEW)
    return Changed(read, endpoint, changed, record, NEW_NAME if how == "added" else key, expected)


def test_300_random_changes_are_found_and_the_answers_read() -> None:
    wrong = []
    for number in range(CHANGES):
        each = random_change(Random(number))
        found = {
            (change.record, change.field, change.change) for change in field_changes(each.endpoint, each.body)
        }
        if (each.record, *each.expected) not in found:
            wrong.append((number, each.endpoint, each.record, each.expected, found))
        try:
            answer_to(each.read, each.body)
        except KalshiAPIError as error:
            if each.is_for_display and each.expected[1] is not Change.RETYPED:
                wrong.append((number, each.endpoint, each.record, each.key, str(error)))
    assert wrong == []


def test_the_examples_themselves_are_as_documented() -> None:
    found = [
        change
        for name, _, endpoint in CASES
        for change in field_changes(endpoint, EXACT["rest"][name]["body"])
    ]
    assert found == []


def test_a_change_is_reported_once_and_counted_each_time() -> None:
    sentences: list[str] = []
    drift = DriftCheck(sentences.append, clock=lambda: NOW)
    market = EXACT["rest"]["get_market"]["body"]["market"]
    renamed = {**market, "volume": market["volume_fp"]}
    del renamed["volume_fp"]
    for _ in range(2):
        drift.observe("GET", "/markets/KXA-1", {"market": renamed})
        drift.observe("GET", "/markets", {"markets": [renamed, renamed], "cursor": ""})
    assert sentences == [
        "GET /markets/{ticker}: market.volume is new, market.volume_fp is missing",
        "GET /markets: market.volume is new, market.volume_fp is missing",
    ]
    assert drift.release_note()[1:] == (
        "GET /markets: market.volume is new, seen 4×",
        "GET /markets: market.volume_fp is missing, seen 4×",
        "GET /markets/{ticker}: market.volume is new, seen 2×",
        "GET /markets/{ticker}: market.volume_fp is missing, seen 2×",
    )


def test_the_note_has_the_day_the_api_changed() -> None:
    times = iter((NOW, NOW + timedelta(days=3)))
    drift = DriftCheck(clock=lambda: next(times))
    assert drift.release_note() == ()
    drift.observe("GET", "/exchange/status", {"exchange_active": True, "trading_active": 1})
    drift.observe("GET", "/exchange/status", {"exchange_active": True})
    assert drift.release_note()[0].endswith(f"First seen {NOW.astimezone():%b %d, %Y}.")


def test_invented_names_fill_neither_memory_nor_screen() -> None:
    sentences: list[str] = []
    drift = DriftCheck(sentences.append)
    for number in range(1_000):
        body = {"exchange_active": True, "trading_active": True, f"new{number}": 1, "x" * 10_000: 1}
        drift.observe("GET", "/exchange/status", body)
    assert len(drift.seen()) == 500
    assert len(drift.release_note()) == 22
    assert max(map(len, sentences)) < 500


def test_an_endpoint_without_documentation_is_not_checked() -> None:
    drift = DriftCheck()
    drift.observe("GET", "/portfolio/orders/queue_positions/x/y", {"anything": 1})
    drift.observe("PUT", "/markets", {"anything": 1})
    assert drift.seen() == ()


def test_an_invented_name_cannot_reach_the_terminal() -> None:
    said: list[str] = []
    drift = DriftCheck(said.append)
    drift.observe("GET", "/portfolio/balance", {"\x1b[2J\ud800\u202e": 1})
    shown = "".join((*said, *drift.release_note()))
    assert "␛[2J" in shown
    assert shown.replace("\n", "").isprintable()


def test_a_million_invented_names_cost_no_more_than_the_kept_ones() -> None:
    body = dict.fromkeys(map("k{}".format, range(1_000_000)), 1)
    found = list(field_changes("GET /portfolio/balance", body))
    assert len([each for each in found if each.change is Change.NEW]) == 500
