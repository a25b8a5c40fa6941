"""Markets to choose from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from model_factory import MARKET, NOW, floored
from screen_session import rendered

from kalshi_trading.core.market_models import Event
from kalshi_trading.markets import FoundMarket
from kalshi_trading.ui.views import market as market_view

TITLE = "Highest temperature in New York City on Nov {}, 2026?"


@pytest.mark.parametrize("width", [80, 120])
def test_markets_to_choose_from_differ_by_day_ticker_and_close(width: int) -> None:
    rows = [
        FoundMarket(
            Event(f"KXHIGHNY-26NOV{day}", "KXHIGHNY", TITLE.format(day), "", True, None, None, None, ()),
            replace(
                MARKET, ticker=f"KXHIGHNY-26NOV{day}-B46.5", close_at=NOW + timedelta(days=day - 21, hours=3)
            ),
        )
        for day in (22, 23)
    ]
    columns, labels = market_view.market_labels(rows, width, NOW)
    assert columns == "(YES bid/ask, closes in, ticker)"
    assert all(len(label) <= width - 8 for label in labels)
    for label, words in zip(
        labels, ("1 d  KXHIGHNY-26NOV22-B46.5", "2 d  KXHIGHNY-26NOV23-B46.5"), strict=True
    ):
        assert words in label
        assert "63¢/65¢" in label
        assert "46° to 47° · Hi" in label


def test_a_ticker_to_choose_from_is_never_cut() -> None:
    ticker = "KXMVESPORTSMULTIGAMEEXTENDED-S20261121ABCDEF-0123456789A"
    event = Event("E", "E", "title", "", True, None, None, None, ())
    row = FoundMarket(event, replace(MARKET, ticker=ticker))
    columns, (label,) = market_view.market_labels([row], 80, NOW)
    assert columns == "(YES bid/ask, ticker)"
    assert label.endswith(ticker)


def test_a_market_names_its_settlement_floor() -> None:
    shown = [
        rendered(market_view.market_page(floored(floor), None, None, NOW)) for floor in ("0.30", "0", None)
    ]
    assert "Settlement floor: 30¢ already paid per YES contract" in shown[0]
    assert "YES pays: " in shown[0]
    assert "ettlement floor" not in shown[1]
    assert "Settlement floor: unknown" in shown[2]
