"""The settlement floor in a market's JSON: given, absent, blank, unknown."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from api_examples import EXACT
from cases import naming

from kalshi_trading.core.errors import MalformedAnswerError
from kalshi_trading.exchange.wire import markets
from kalshi_trading.exchange.wire.fields import Fields

MARKET = EXACT["rest"]["get_market"]["body"]["market"]
FLOOR, TYPE = "settlement_floor_dollars", "settlement_bounds_type"


def test_a_floor_counts_only_in_a_market_of_that_type_and_a_missing_one_is_unknown():
    rows = [
        ({TYPE: "floor", FLOOR: "0.3000"}, D("0.30"), False, D("0.31")),
        ({TYPE: "floor", FLOOR: "0.0000"}, D(0), False, D("0.01")),
        ({TYPE: "floor", FLOOR: None}, None, True, D("0.01")),
        ({TYPE: "floor"}, None, True, D("0.01")),
        ({TYPE: "bounds of a later day"}, None, True, D("0.01")),
        ({TYPE: "default", FLOOR: None}, None, False, D("0.01")),
        ({TYPE: "default", FLOOR: "0.3000"}, None, False, D("0.01")),
        ({TYPE: ""}, None, False, D("0.01")),
        ({TYPE: None}, None, False, D("0.01")),
        ({}, None, False, D("0.01")),
    ]
    plain = {name: value for name, value in MARKET.items() if name not in (FLOOR, TYPE)}
    for said, floor, is_unknown, lowest in rows:
        with naming(said):
            read = markets.market(Fields({**plain, **said}, "market"))
            assert (read.settlement_floor, read.is_floor_unknown) == (floor, is_unknown)
            assert read.price_grid.at_or_above(D(0)) == lowest


def test_a_floor_no_contract_can_pay_is_malformed():
    for floor in ("-0.3000", "1.0100", "30", 30, "NaN"):
        with naming(floor), pytest.raises(MalformedAnswerError, match="settlement_floor_dollars"):
            markets.market(Fields({**MARKET, TYPE: "floor", FLOOR: floor}, "market"))
