"""The portfolio on the screen.

Its numbers, those reported as unknown, and the columns dropped when narrow.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from model_factory import BOOK, MARKET, NOW, QUADRATIC, fill, floored, held, order, settlement, snapshot
from screen_session import rendered
from zones import NEW_YORK, SetZone

from kalshi_trading.core.market_models import Event
from kalshi_trading.core.models import Balance, BookSide, MarketResult, Transfer
from kalshi_trading.core.pnl import settlement_net_pnl
from kalshi_trading.core.results import Fetched
from kalshi_trading.core.valuation import Liquidation, Mark, liquidate, market_exposure
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.portfolio.breakdown import RealizedPnl, by_day
from kalshi_trading.portfolio.cross_check import Comparison, CrossCheck, check_account
from kalshi_trading.portfolio.explain.account import explain_all_cash, explain_all_fees, explain_all_realized
from kalshi_trading.portfolio.explain.market import Explanation, Line, explain_realized, explain_settlement
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot
from kalshi_trading.ui import formats
from kalshi_trading.ui.views import pnl
from kalshi_trading.ui.views import portfolio as portfolio_view
from kalshi_trading.ui.views import position as position_view
from kalshi_trading.ui.views import positions as positions_view
from kalshi_trading.ui.views.position import PositionData
from kalshi_trading.ui.views.positions import Sorting

BID, ASK = BookSide.BID, BookSide.ASK
NOTHING_CHECKED = CrossCheck(0, (), ())
COLUMNS = {"Held", "Avg cost", "Mark", "Value", "Unrealized", "Realized", "Fees", "Closes in"}


def summary(account: PortfolioSnapshot, width: int = 100, **more: object) -> str:
    values = {"today": None, "check": NOTHING_CHECKED, **more}
    return rendered(portfolio_view.summary(account, width=width, **values), width)  # type: ignore[arg-type]


def amount(text: str, name: str) -> str:
    """Return the number in the panel under a name."""
    (found,) = re.findall(rf"^│ (?:[^·]* )?{re.escape(name)} +([+−$–]\S*)", text, re.MULTILINE)
    return str(found)


def notes(text: str) -> list[str]:
    return [row.strip("│ ·") for row in text.splitlines() if row.startswith("│ · ")]


def table(
    account: PortfolioSnapshot, width: int = 160, sorting: Sorting = Sorting.VALUE, start: int = 0
) -> str:
    return rendered(positions_view.positions(account, sorting, start, width), width)


def line(text: str, name: str) -> str:
    """Return the one line that begins with a name."""
    (found,) = [row for row in text.splitlines() if row.strip("│ ").startswith(name)]
    return " ".join(found.strip("│ ").split())


def bought(count: str, price: str, fee: str = "0", **more: object) -> object:
    return fill(BID, count, price, fee=fee, **more)  # type: ignore[arg-type]


# --- Summary --------------------------------------------------------------------------------------


def test_the_summary_adds_up_on_the_screen() -> None:
    """Ten at 60¢, four of them sold at 65¢.

    20¢ are realized, and six left are worth 63¢ each.
    """
    row = held("6", "3.60", fill(BID, "10", "0.60", fee="0.1"), fill(ASK, "4", "0.65", fee="0.07"))
    text = summary(snapshot(row), today=RealizedPnl(D("0.20"), D(0), D("0.17")))
    shown_numbers = {
        "Account value": "$100.14",
        "Cash": "$96.36",
        "Positions": "$3.78",
        "Net realized today": "+$0.03",
        "Realized P&L": "+$0.20",
        "Unrealized P&L": "+$0.18",
        "Fees": "$0.17",
        "Net P&L": "+$0.21",
    }
    assert {name: amount(text, name) for name in shown_numbers} == shown_numbers
    assert "Realized P&L, before fees: trading +$0.20 · settlement $0.00" in notes(text)
    assert "Based on 2 fills; positions at the best bid" in notes(text)


def test_the_account_is_worth_what_resting_orders_hold_as_well() -> None:
    """Transfers show if the exchange's balance already includes it."""
    rests = Fetched((order(BID, "0.60"),))

    def worth(**read: object) -> str:
        return summary(snapshot(resting=rests, **read)).splitlines()[1]

    def came(amount: str) -> Fetched[tuple[Transfer, ...]]:
        return Fetched((Transfer("d", "applied", "ach", D(amount), D(0), NOW),))

    assert re.search(r"Account value +\$102\.36 ", worth(deposits=came("102.3683")))
    assert re.search(r"Account value +\$96\.36 ", worth(deposits=came("96.3683")))
    at_least = r"Account value +≥ \$96\.36 "
    assert re.search(at_least, worth(deposits=came("102.3583")))  # a cent that nothing explains
    assert re.search(at_least, worth(deposits=Fetched(None, "gone")))


@pytest.mark.parametrize("is_brief", [True, False])
def test_figures_are_side_by_side_on_wide_screens(is_brief: bool) -> None:
    wide, narrow = (summary(snapshot(held("6", "3.60")), width, is_brief=is_brief) for width in (80, 50))
    assert "Account value" in next(row for row in wide.splitlines() if "Net realized today" in row)
    assert "Account value" not in next(row for row in narrow.splitlines() if "Net realized today" in row)
    assert amount(narrow, "Cash") == amount(wide, "Cash") == "$96.36"


def test_a_low_screen_leaves_out_what_only_explains() -> None:
    account = snapshot(
        held("6", "3.60", market=replace(MARKET, yes_bid=None)), resting=Fetched((order(BID, "0.60"),))
    )
    brief = notes(summary(account, 80, is_brief=True))
    assert brief == [
        "1 open order holds $6.00",
        "1 of 1 position has no bid",
        "Liquidation value: order book or fees of 1 market unknown",
        f"Largest exposure: {MARKET.event_ticker} $9.60",
    ]
    full = notes(summary(account, 80))
    assert set(brief[:3]) < set(full)
    assert f"{brief[3]} (1 market)" in full
    assert "Net P&L = realized + unrealized − fees" in full


def test_cash_per_shard_is_shown_for_several_shards() -> None:
    split = Balance(D(30), D(0), NOW, ((0, D(10)), (1, D(20))))
    text = summary(snapshot(balance=Fetched(split)))
    assert "Cash: $10.00 on shard 0 · $20.00 on shard 1" in notes(text)
    assert "shard" not in summary(snapshot(balance=Fetched(replace(split, by_shard=((0, D(30)),)))))


def test_collateral_of_open_orders_is_shown() -> None:
    text = summary(snapshot(resting=Fetched((order(BID, "0.60"),))))
    assert "1 open order holds $6.00" in notes(text)
    unread = summary(snapshot(resting=Fetched(None, "HTTP 500")))
    assert "Cash held by open orders: unknown" in notes(unread)
    assert amount(unread, "Exposure") == amount(unread, "Account value") == "–"


@pytest.mark.parametrize(
    ("part", "name", "unknown"),
    [
        ("balance", "Balance", ["Account value", "Cash"]),
        (
            "positions",
            "Positions",
            ["Positions", "Liquidation value", "Unrealized P&L", "Realized P&L", "Net P&L", "Exposure"],
        ),
        ("resting", "Open orders", ["Account value", "Exposure"]),
        ("settlements", "Settlements", ["Realized P&L", "Fees", "Net P&L"]),
        ("fills", "Fills", []),
        ("deposits", "Deposits", []),
        ("withdrawals", "Withdrawals", []),
    ],
)
def test_a_part_that_failed_says_why_once_and_its_numbers_are_unknown(
    part: str, name: str, unknown: list[str]
) -> None:
    failed = snapshot(held("6", "3.60"), **{part: Fetched(None, "HTTP 500 again")})
    text = summary(failed)
    assert text.count(f"{name} unavailable: HTTP 500 again") == 1
    for row in unknown:
        assert amount(text, row) == formats.UNKNOWN
    assert "no open positions" not in table(failed).lower()


def test_without_fills_figures_are_marked_as_the_exchanges() -> None:
    text = summary(snapshot(held("6", "3.60"), fills=Fetched(None, "away")))
    assert "Figures are the exchange's, without fills" in notes(text)
    early = rendered(
        portfolio_view.first_look(snapshot(held("6", "3.60"), fills=Fetched(None, "still loading")), 80)
    )
    assert "still reading fills" in early
    assert "unavailable" not in early


def test_a_market_its_fills_do_not_explain_is_counted_apart() -> None:
    text = summary(snapshot(held("6", "3.60", fill(BID, "5", "0.60"))))
    assert "Figures are the exchange's for 1 market" in notes(text)
    assert "Based on 1 fill; positions at the best bid" in notes(text)


def test_positions_without_bids_make_totals_unknown() -> None:
    unquoted = replace(MARKET, yes_bid=None)
    rows = held("6", "3.60"), held("2", "1", market=unquoted, ticker="KX-B")
    text = summary(snapshot(*rows))
    assert "1 of 2 positions has no bid; the rest: $3.78, unrealized +$0.18" in notes(text)
    assert {amount(text, name) for name in ("Positions", "Unrealized P&L", "Net P&L")} == {"–"}
    assert "≥ $100.14" in text  # what has no bid is worth nothing at least


def test_contracts_that_find_no_buyer_are_named_beside_what_a_sale_brings() -> None:
    row = replace(held("6", "3.60"), liquidation=Liquidation(D("2.52"), D("0.07"), D("0.63"), D(2)))
    text = summary(snapshot(row))
    assert amount(text, "Liquidation value") == "$2.45"
    assert "Liquidation value: 2 contracts in 1 market have no bids" in notes(text)
    unknown = summary(snapshot(held("6", "3.60")))
    assert amount(unknown, "Liquidation value") == "–"
    assert "Liquidation value: order book or fees of 1 market unknown" in notes(unknown)


def test_the_three_biggest_risks_are_shown() -> None:
    rows = [
        held("10", cost, ticker=f"KX{name}-E-M", market=replace(MARKET, event_ticker=f"KX{name}-E"))
        for name, cost in (("A", "1"), ("B", "4"), ("C", "3"), ("D", "2"))
    ]
    text = summary(snapshot(*rows))
    assert amount(text, "Exposure") == "$10.00"
    risks = "KXB-E $4.00 (1 market) · KXC-E $3.00 (1 market) · KXD-E $2.00 (1 market)"
    assert f"Largest exposure: {risks}" in notes(text)


@pytest.mark.parametrize(("letters", "shown"), [(1, 3), (12, 2), (18, 2), (19, 1)])
def test_a_low_screen_shows_the_risks_that_fit_one_line(letters: int, shown: int) -> None:
    rows = [
        held("10", cost, ticker=f"{name}-E-M", market=replace(MARKET, event_ticker=f"{name}-E"))
        for name, cost in (("A" * letters, "1"), ("B" * letters, "4"), ("C" * letters, "3"))
    ]
    lines = summary(snapshot(*rows), width=80, is_brief=True).split("│ · Largest exposure: ")[1].splitlines()
    assert lines[0].count("$") == shown
    assert lines[1].startswith("╰")


def test_exclusive_events_say_so() -> None:
    rows = [
        held("10", "4", ticker=f"KXA-E-{name}", market=replace(MARKET, event_ticker="KXA-E")) for name in "MN"
    ]
    event = Event("KXA-E", "KXA", "", "", True, None, None, None, ())
    assert "KXA-E $8.00 (2 markets, at most one YES)" in summary(snapshot(*rows, events={"KXA-E": event}))


def test_the_check_says_how_many_numbers_agree() -> None:
    account = snapshot(held("6", "3.60", fill(BID, "6", "0.60")), balance=Fetched(None, "away"))
    text = summary(account, check=check_account(account))
    assert "Checked against the exchange: 4 figures match." in text
    assert "Balance unavailable: away" in text
    assert "Not checked: cash (see above)." in text
    alone = CrossCheck(1, (), ("cash: another reason",) * 3)
    text = summary(account, check=alone)
    assert "1 figure matches." in text
    assert text.count("Not checked: cash: another reason") == 1


def test_one_reason_for_many_parts_is_one_line() -> None:
    away = Fetched(None, "The exchange cannot be reached.")
    names = ("balance", "positions", "resting", "settlements", "fills", "deposits", "withdrawals")
    account = snapshot(**dict.fromkeys(names, away))
    text = " ".join(summary(account, check=check_account(account)).split())
    assert text.count("The exchange cannot be reached.") == 1
    assert "Balance, positions, open orders, settlements, fills, deposits, withdrawals unavailable" in text
    assert text.count("Not checked: fills, positions and settlements (see above).") == 1


def test_a_difference_is_shown_with_both_numbers_and_the_hint() -> None:
    differs = Comparison("KX-A position", D(-25), D(-20), "Fills are missing here.")
    cash = Comparison("cash", D("1.5"), D(2), "A credit.")
    text = summary(snapshot(), 200, check=CrossCheck(9, (differs, cash), ()))
    assert "7 figures match" in text
    assert "KX-A position differs: 25 NO here, 20 NO at the exchange. Fills are missing here." in text
    assert "Cash differs: $1.50 here, $2.00 at the exchange. A credit." in text


def test_many_differences_are_cut_and_counted() -> None:
    rows = tuple(Comparison(f"KX-{n} cost", D(n), D(0), "") for n in range(1, 31))
    text = summary(snapshot(), check=CrossCheck(30, rows, ()))
    assert text.count(" differs: ") == portfolio_view.DIFFERENCES_SHOWN
    assert f"{30 - portfolio_view.DIFFERENCES_SHOWN} more figures not shown." in text


# --- Positions ------------------------------------------------------------------------------------


def test_minus_25_is_25_no_at_the_bid_for_no() -> None:
    """YES bid 63¢ and ask 65¢, so NO bid 35¢.

    25 NO bought for $8.00 are worth $8.75.
    """
    text = table(snapshot(held("-25", "8.00")))
    row = line(text, MARKET.ticker).split()
    assert row[1:7] == ["25", "NO", "32¢", "35¢", "$8.75", "+$0.75"]
    assert "NO: 46° to 47°" in text
    assert "-25" not in text


def test_a_flat_account_says_no_open_positions() -> None:
    assert "No open positions." in table(snapshot())
    assert table(snapshot(positions=Fetched(None, "away"))).strip() == ""


def test_no_mark_is_no_zero() -> None:
    row = line(table(snapshot(held("6", "3.60", market=replace(MARKET, yes_bid=None)))), MARKET.ticker)
    assert row.split()[3:7] == ["60¢", "–", "–", "–"]


def test_an_average_that_had_to_be_rounded_says_so() -> None:
    assert "~33.33¢" in table(snapshot(held("3", "1.00")))


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (160, set()),
        (100, {"Fees", "Realized"}),
        (84, {"Fees", "Realized", "Closes in"}),
        (76, {"Fees", "Realized", "Closes in", "Avg cost"}),
        (64, {"Fees", "Realized", "Closes in", "Avg cost", "Mark"}),
    ],
)
def test_columns_fall_in_a_fixed_order_and_are_named(width: int, left_out: set[str]) -> None:
    text = table(snapshot(held("-25", "8.00"), held("1234.5", "700.25", ticker="KX-B")), width)
    head = next(row for row in text.splitlines() if "Market" in row)
    assert set(re.split(r"\s{2,}", head.strip())) == COLUMNS - left_out | {"Market"}
    hidden = " ".join(text.split()).partition("widen to see ")[2]
    assert set(filter(None, hidden.split(", "))) == {formats.lower_first(name) for name in left_out}
    assert MARKET.ticker in text


@given(
    st.integers(40, 200),
    st.lists(st.tuples(st.decimals(-9999, 9999, places=2), st.decimals(0, 9999, places=4)), max_size=4),
)
def test_the_table_and_the_summary_keep_to_any_width(width: int, rows: list[tuple[D, D]]) -> None:
    account = snapshot(
        *(held(str(net), str(cost), ticker=f"KXLONGSERIES-{n}-T12.5") for n, (net, cost) in enumerate(rows))
    )
    for text in (table(account, width), summary(account, width)):
        assert all(len(row) <= width for row in text.splitlines())


THREE = (
    held("10", "1", ticker="KX-A", market=replace(MARKET, close_at=NOW + timedelta(hours=3))),  # worth $6.30
    held("-10", "9", ticker="KX-B", market=replace(MARKET, close_at=NOW + timedelta(hours=1))),  # $3.50
    held("5", "2", ticker="KX-C", market=None),  # no mark, no closing time
)


@pytest.mark.parametrize(
    ("sorting", "order"),
    [
        (Sorting.VALUE, "ABC"),
        (Sorting.TICKER, "ABC"),
        (Sorting.UNREALIZED, "ABC"),
        (Sorting.CLOSES, "BAC"),
        (Sorting.COST, "BCA"),
    ],
)
def test_positions_are_sorted_with_unknowns_last(sorting: Sorting, order: str) -> None:
    rows = positions_view.sort_positions(reversed(THREE), sorting, NOW)
    assert "".join(row.position.ticker[-1] for row in rows) == order


def test_very_many_positions_come_by_pages() -> None:
    account = snapshot(*(held("1", "0.5", ticker=f"KX-{n:03}") for n in range(95)))
    first, last = table(account, sorting=Sorting.TICKER), table(account, sorting=Sorting.TICKER, start=80)
    assert "1 to 40 of 95 positions" in first
    assert "KX-039" in first
    assert "KX-040" not in first
    assert "81 to 95 of 95 positions" in last
    assert "KX-094" in last
    assert "KX-079" not in last


def test_a_page_behind_the_last_row_is_the_last_page() -> None:
    """Positions were closed since the page was turned."""
    account = snapshot(*(held("1", "0.5", ticker=f"KX-{n:03}") for n in range(45)))
    text = table(account, sorting=Sorting.TICKER, start=80)
    assert "41 to 45 of 45 positions" in text
    assert "KX-044" in text
    assert MARKET.ticker in table(snapshot(held("1", "0.5")), start=40)


def test_markup_in_labels_is_shown_literally() -> None:
    hostile = replace(MARKET, yes_label="[/bold][red]x", title="[link=http://evil]y")
    row = held("6", "3.60", market=hostile)
    assert "[/bold][red]x" in table(snapshot(row))
    assert "[link=http://evil]y" in rendered(position_view.position_page(position_data(row)))


# --- One position ---------------------------------------------------------------------------------


def position_data(row: object, **more: object) -> PositionData:
    net = row.position.net  # type: ignore[attr-defined]
    known = {
        "row": row,
        "mark": Mark.BEST_BID,
        "resting": (),
        "alone": market_exposure(net, row.cost_basis, ()),  # type: ignore[attr-defined]
        "exposure": market_exposure(net, row.cost_basis, ()),  # type: ignore[attr-defined]
        "book": BOOK,
        "liquidation": liquidate(net, BOOK, QUADRATIC),
        "now": NOW,
        "own_orders": OwnOrders(()),
    }
    return PositionData(**{**known, **more})  # type: ignore[arg-type]


def test_a_position_shows_lots_outcomes_and_liquidation() -> None:
    """200 YES: 120 sell at a bid of 63¢, 80 at 62¢."""
    lots = fill(BID, "150", "0.60", at=NOW - timedelta(days=2)), fill(BID, "50", "0.50", at=NOW)
    text = rendered(position_view.position_page(position_data(held("200", "115", *lots))))
    assert line(text, "Cost").startswith("Cost $115.00, average 57.5¢")
    assert line(text, "If YES").startswith("If YES +$85.00")
    assert line(text, "If NO").startswith("If NO −$115.00")
    assert "120 63¢ $75.60" in " ".join(text.split())
    assert "80 62¢ $49.60" in " ".join(text.split())
    sale = liquidate(D(200), BOOK, QUADRATIC)
    assert f"total {formats.at_least(sale.value)}" in " ".join(text.split())
    assert "2 d 150 60¢ $90.00" in " ".join(text.split())
    assert "now 50 50¢ $25.00" in " ".join(text.split())
    assert "total 200 $115.00" in " ".join(text.split())
    assert "No open orders in this market." in text


def test_the_main_figures_of_a_position_come_last() -> None:
    lots = [fill(BID, "1", "0.60", at=NOW - timedelta(hours=n)) for n in range(9, 0, -1)]
    row = held("9", "5.40", *lots)
    end = rendered(
        position_view.position_page(position_data(row, resting=(order(ASK, "0.65"),)))
    ).splitlines()[-20:]
    assert all(
        any(words in row for row in end) for words in ("9 YES", "Worst case", "Unrealized P&L", "Liquidation")
    )


def test_totals_include_hidden_lots_and_levels() -> None:
    lots = [fill(BID, "1", "0.60", at=NOW - timedelta(hours=n)) for n in range(9, 0, -1)]
    text = " ".join(rendered(position_view.position_page(position_data(held("9", "5.40", *lots)))).split())
    assert "4 newer 4 $2.40" in text
    assert "total 9 $5.40" in text
    assert "Last 5 of 9 fills" in text


def test_an_unknown_floor_is_named_only_where_it_leaves_a_value_unknown() -> None:
    unknown = floored(None)
    yes, no = held("10", "4", market=unknown), held("-10", "4", market=unknown)
    page = rendered(position_view.position_page(position_data(yes, liquidation=None)))
    assert line(page, "Floor") == "Floor unknown, so the value is unknown"
    assert "Settlement floor unknown; liquidation value unknown." in page
    assert line(rendered(position_view.position_page(position_data(no))), "Floor") == "Floor unknown"
    assert "Settlement floor unknown: 1 position not valued" in notes(summary(snapshot(yes, no)))
    assert "Liquidation value: order book or fees of 1 market unknown" in notes(summary(snapshot(yes, no)))
    unread = notes(summary(snapshot(held("10", "4", market=None))))
    assert not [note for note in unread if "floor" in note]


def test_a_position_shows_contracts_without_bids() -> None:
    row = held("500", "300", fill(BID, "500", "0.60"))
    assert "50 contracts have no bids." in rendered(position_view.position_page(position_data(row)))


def test_a_position_shows_what_is_unknown() -> None:
    row = held("6", "3.60", fill(BID, "5", "0.60"), market=None)
    unknown = position_data(row, book=None, liquidation=None, resting=None, exposure=None)
    text = rendered(position_view.position_page(unknown), 120)
    assert "Order book unavailable" in text
    assert "Open orders unavailable." in text
    assert "unknown: open orders unavailable" in line(text, "Worst case")
    assert "Lots unavailable: fills add up to 5 contracts, the exchange shows 6." in text
    assert "closes in –" in text


def test_open_orders_are_shown_in_the_side_they_buy() -> None:
    text = rendered(
        position_view.position_page(position_data(held("6", "3.60"), resting=(order(ASK, "0.65"),)))
    )
    assert "long 10 NO at 35¢ 10" in " ".join(text.split())


def record(event: str, **fields: str) -> JournalRecord:
    return JournalRecord(NOW, event, {"client_order_id": "ours", **fields})


def test_own_orders_are_shown_as_placed() -> None:
    """A sale of YES is no purchase of NO.

    The exchange's row is the same for both.
    """
    resting = order(ASK, "0.45", count="5")
    words = OwnOrders(
        [
            record("order.intent", action="sell", side="yes"),
            record("order.acknowledged", order_id=resting.order_id),
        ]
    )
    row = held(
        "6", "3.60", fill(BID, "10", "0.60"), replace(fill(ASK, "4", "0.65"), order_id=resting.order_id)
    )
    text = rendered(position_view.position_page(position_data(row, resting=(resting,), own_orders=words)))
    flat = " ".join(text.split())
    assert "SELL 5 YES at 45¢ 5" in flat
    assert "SELL 4 YES 65¢" in flat
    assert "NO at" not in flat


# --- Explanations ---------------------------------------------------------------------------------


def test_a_settlement_explains_why_a_winning_position_paid_less() -> None:
    """Paid 97.08 and 151.34 for 168 of each side.

    This is a loss of 80.42, not of 248.42.
    """
    row = settlement(yes=("168", "97.08"), no=("168", "151.34"), revenue="0")
    text = " ".join(rendered(position_view.explanation(explain_settlement(row, None), NOW), 120).split())
    assert "received for 168 pairs of YES and NO, $1 each $168.00" in text
    assert text.endswith("total −$80.42")
    assert "−$80.42" in rendered(pnl.settlements_table([row], {}, NOW, 80))


def test_a_settlement_row_differs_from_what_the_fills_earned() -> None:
    """10 YES at 60¢, 4 of them sold by buying NO at 35¢.

    This is 2.60 before fees, however the row counts.
    """
    fills = (fill(BID, "10", "0.60"), fill(ASK, "4", "0.65"))
    ends = replace(settlement(yes=("6", "3.60"), no=("0", "0"), revenue="6.00"), result=MarketResult.YES)
    earned = market_ledger(MARKET.ticker, fills, position=None, settlement=ends)
    explained = explain_settlement(ends, earned)
    assert explained.total == D("2.40")
    assert explained.caution is not None
    assert explained.caution.startswith("Fills give $2.60 after fees")
    assert "+$2.60" in rendered(pnl.settlements_table([ends], {MARKET.ticker: earned}, NOW, 80))
    whole = replace(ends, yes_count=D(10), yes_cost=D(6), no_count=D(4), no_cost=D("1.40"))
    assert explain_settlement(
        whole, market_ledger(MARKET.ticker, fills, position=None, settlement=whole)
    ) == (explain_settlement(whole, None))


def test_zero_costs_are_in_the_total() -> None:
    odd = settlement(yes=("0", "1.40"), no=("6", "3.60"), revenue="0")
    assert explain_settlement(odd, None).total == settlement_net_pnl(odd)


def test_an_explanation_ends_with_the_number_it_explains() -> None:
    row = held("6", "3.60", fill(BID, "10", "0.60"), fill(ASK, "4", "0.65"))
    assert row.ledger is not None
    text = " ".join(rendered(position_view.explanation(explain_realized(row.ledger), NOW)).split())
    assert "4 YES bought at 60¢, closed at 65¢ $0.20" in text
    assert text.endswith("total $0.20")


@given(st.lists(st.decimals(-1000, 1000, places=6), max_size=100))
@example([D("0.1")] * 55)
def test_the_lines_on_the_screen_add_up_to_the_total_on_the_screen(amounts: list[D]) -> None:
    explained = Explanation("a number", tuple(Line(NOW, "line", amount) for amount in amounts))
    rows = [
        row.split()[-1]
        for row in rendered(position_view.explanation(explained, NOW)).splitlines()
        if "$" in row
    ]
    numbers = [D(row.replace("−", "-").replace("$", "").replace(",", "")) for row in rows]
    assert sum(numbers[:-1]) == numbers[-1] == sum(amounts)


def test_the_whole_account_is_explained_market_by_market() -> None:
    one = held("6", "3.60", fill(BID, "10", "0.60", fee="0.1"), fill(ASK, "4", "0.65"))
    two = held("1", "0.5", fill(BID, "1", "0.50", ticker="KX-B", fee="0.02"), ticker="KX-B")
    account = snapshot(one, two)
    realized = explain_all_realized(account)
    assert [line.text for line in realized.lines] == [MARKET.ticker]  # the other has realized nothing
    assert realized.total == account.realized.gross  # type: ignore[union-attr]
    assert explain_all_fees(account).total == D("0.12")


def test_the_cash_is_explained_to_the_last_digit_or_says_what_differs() -> None:
    """$10 came in with a fee of 50¢, and $3.60 were spent.

    An open bid may hold $1.20 of the rest.
    """
    came = Transfer("d", "applied", "ach", D(10), D("0.5"), NOW)
    failed = replace(came, transfer_id="e", status="failed")
    row = held("6", "3.60", fill(BID, "6", "0.60"))
    parts = {"deposits": Fetched((came, failed)), "resting": Fetched((order(BID, "0.12"),))}

    def explain(cash: str) -> Explanation:
        return explain_all_cash(snapshot(row, balance=Fetched(Balance(D(cash), D(0), NOW, ())), **parts))

    assert (explain("5.90").total, explain("5.90").caution) == (D("5.90"), None)
    assert (explain("4.70").total, explain("4.70").caution) == (D("4.70"), None)
    assert "held by open orders" in [each.text for each in explain("4.70").lines]
    assert explain("7").caution == "The exchange shows $7.00."
    unread = explain_all_cash(snapshot(row, withdrawals=Fetched(None, "away")))
    assert unread.caution == "Incomplete: deposits or withdrawals unavailable. away"


def test_exchange_figures_are_not_split() -> None:
    row = settlement(yes=("10", "6"), no=("0", "0"), revenue="0")
    ledger = market_ledger(MARKET.ticker, (), position=None, settlement=row)
    text = summary(snapshot(ledgers={MARKET.ticker: ledger}))
    assert amount(text, "Realized P&L") == "−$6.00"
    assert any("before fees: trading and settlement together" in note for note in notes(text))
    assert "Exchange figures for 1 market" in rendered(pnl.exchange_only_markets([ledger]))
    assert MARKET.ticker in rendered(pnl.exchange_only_markets([ledger]))
    assert rendered(pnl.exchange_only_markets([])).strip() == ""


def test_what_is_not_known_has_no_total() -> None:
    text = rendered(position_view.explanation(Explanation("Exposure", (), "Not known: away."), NOW))
    assert "Not known: away." in text
    assert "total" not in text


# --- Times ----------------------------------------------------------------------------------------


def test_a_time_names_the_year_and_the_offset_where_they_are_not_those_of_now(in_zone: SetZone) -> None:
    in_zone(NEW_YORK)
    new_year = datetime(2026, 1, 1, 2, tzinfo=UTC)  # still the previous year in New York
    assert formats.timestamp(NOW - timedelta(hours=1), NOW) == "Nov 21 09:00:00"
    assert formats.timestamp(new_year, NOW) == "Dec 31 2025 21:00:00"
    assert formats.timestamp(datetime(2025, 7, 1, 16, tzinfo=UTC), NOW) == "Jul 01 2025 12:00:00 UTC-04:00"
    assert formats.timestamp(None, NOW) == formats.UNKNOWN


def test_tables_of_the_past_name_what_their_times_do_not_share_with_now(in_zone: SetZone) -> None:
    in_zone(NEW_YORK)
    summer = datetime(2025, 7, 1, 16, tzinfo=UTC)
    row = held("6", "3.60", fill(BID, "10", "0.60", at=summer), fill(ASK, "4", "0.65", at=summer))
    assert row.ledger is not None
    paid = replace(settlement(yes=("1", "1"), no=("0", "0"), revenue="0"), settled_at=summer)
    for shown_row in (
        position_view.position_page(position_data(row)),
        position_view.explanation(explain_realized(row.ledger), NOW),
        pnl.settlements_table([paid], {}, NOW, 120),
    ):
        text = rendered(shown_row, 120)
        assert "Jul 01 2025 12:00:00 UTC-04:00" in text
        assert "UTC-05:00" in text


# --- Over time ------------------------------------------------------------------------------------

TODAY = date(2026, 11, 21)


def earned(net: str) -> RealizedPnl:
    return RealizedPnl(by_trading=D(net))


def test_the_curve_carries_every_day_on_to_the_next() -> None:
    days = {
        None: earned("1"),
        TODAY - timedelta(days=3): earned("2"),
        TODAY - timedelta(days=1): earned("-5"),
    }
    assert [str(net) for _, net in pnl.running_net(days, TODAY)] == ["1", "3", "3", "-2", "-2"]


def test_a_curve_names_round_dollars_and_its_first_and_last_day() -> None:
    days = {TODAY - timedelta(days=9): earned("12.34"), TODAY: earned("-3")}
    text = rendered(pnl.pnl_by_day(days, TODAY, 80))
    assert "$0.00┤" in text
    assert "+$15.00┤" in text or "+$20.00┤" in text
    assert "Nov 11" in text
    assert "Nov 21" in text
    assert "\x1b" not in text
    assert " ".join(text.split()).endswith("total +$9.34 $0.00 $0.00 +$9.34")


@pytest.mark.parametrize("days", [{}, {TODAY: earned("1")}, {None: earned("1"), TODAY: earned("1")}])
def test_too_little_for_a_curve_is_a_sentence(days: dict[date | None, RealizedPnl]) -> None:
    text = rendered(pnl.pnl_by_day(days, TODAY, 80))
    assert "┤" not in text
    assert "No trades yet" in text or "after two days" in text


def test_earlier_days_are_one_row() -> None:
    days = {TODAY - timedelta(days=n): earned("1") for n in range(29, -1, -1)}
    text = rendered(pnl.pnl_by_day(days, TODAY, 80))
    assert f"{30 - pnl.DAYS_SHOWN} earlier days" in text
    assert line(text, "total").endswith("+$30.00")


def test_days_are_the_users_days() -> None:
    row = held("6", "3.60", fill(BID, "10", "0.60"), fill(ASK, "4", "0.65", fee="0.05"))
    assert row.ledger is not None
    days = by_day([row.ledger], lambda at: at.date())
    assert "+$0.15" in line(rendered(pnl.pnl_by_day(days, TODAY, 80)), "Sat Nov 21 2026")


def test_a_breakdown_shows_the_largest_and_adds_the_others_up() -> None:
    parts = {f"KX-{n:02}": earned(str(n)) for n in range(1, 31)}
    text = rendered(pnl.breakdown("market", parts, 80))
    assert "KX-30" in text
    assert "KX-05" not in text
    assert line(text, "10 others").endswith("+$55.00")
    assert line(text, "total").endswith("+$465.00")


LONG_TICKER = "KXMVESPORTSMULTIGAMEEXTENDED-S20261121ABCDEF-0123456789A"
MILLIONS = D("-1234567.891234")


@pytest.mark.parametrize(("width", "left_out"), [(120, ""), (80, "trading"), (64, "trading, settlement")])
def test_amounts_in_millions_push_columns_out_before_they_squeeze_a_ticker(width: int, left_out: str) -> None:
    parts = {LONG_TICKER: RealizedPnl(MILLIONS, -MILLIONS, D("98765.432100"))}
    text = rendered(pnl.breakdown("market", parts, width), width)
    assert text.partition("Widen to see ")[2].strip() == left_out
    assert line(text, "total").endswith("−$98,765.43")
    assert LONG_TICKER[:24] in text
    assert len(text.splitlines()) <= 10  # three lines for the ticker, not one letter per line


def test_settlements_of_millions_keep_the_ticker_and_the_profit() -> None:
    row = replace(settlement(yes=("1", "1.1234"), no=("0", "0"), revenue="1234567.89"), ticker=LONG_TICKER)
    text = rendered(pnl.settlements_table([row], {}, NOW, 64), 64)
    assert LONG_TICKER[:24] in text
    assert "+$1,234,566.77" in text
    assert "Widen to see payout, time" in text


@given(st.lists(st.decimals(-(10**6), 10**6, places=6), min_size=1, max_size=5))
def test_the_amounts_beside_a_curve_are_few_and_span_it(amounts: list[D]) -> None:
    marks = pnl.axis_ticks(amounts)
    assert marks[0] <= min(*amounts, D(0))
    assert marks[-1] >= max(*amounts, D(0))
    assert 2 <= len(marks) <= 8
    steps = {after - before for before, after in pairwise(marks)}
    assert len(steps) == 1


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_curve_is_as_wide_as_the_console(width: int) -> None:
    points = [(TODAY - timedelta(days=n), D(n)) for n in range(20, -1, -1)]
    rows = pnl.curve(points, width).splitlines()
    assert len(rows) <= pnl.HEIGHT
    assert max(map(len, rows)) <= width
