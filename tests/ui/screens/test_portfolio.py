"""The portfolio screens over a practice exchange, with scripted answers.

The account has a past.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any, TypeVar

import pytest
from exchange_process import ExchangeProcess
from faulty_exchange import FaultyExchange, running_faulty_exchange
from rich.console import Console
from screen_session import place, screen_text, session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.money import CENT, dollars_text, round_half_even
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.formats import UNKNOWN, dollars, pnl_text, price
from kalshi_trading.ui.prompts.prompter import Choice, LeaveTask
from kalshi_trading.ui.screens import portfolio as portfolio_screens
from kalshi_trading.ui.views.positions import PAGE

T = TypeVar("T")

POSITION, EXPLAIN, OVER_TIME, SORT, MARK, SETTLEMENTS, AGAIN, MORE = "12345678"
HELD = PAGE + 3


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyExchange]:
    """An account with settlements, days of trading and two pages of positions."""
    past = f"positions={HELD},fills=600,settled=6,resting=4,days=4,seed=3"
    folder = tmp_path_factory.mktemp("past") / "exchange"
    with running_faulty_exchange(folder, "--scenario", past, "--still") as running:
        yield running


@pytest.fixture(scope="module")
def exchange(faulty: FaultyExchange) -> ExchangeProcess:
    return faulty.exchange


FIRST_LOOK_AFTER_S = "kalshi_trading.portfolio_tracker._FIRST_LOOK_AFTER_S"


@pytest.fixture(autouse=True)
def without_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the whole portfolio, however busy the machine is."""
    monkeypatch.setattr(FIRST_LOOK_AFTER_S, 60.0)


class _Insisting(ScriptedPrompter):
    """Confirms an order again each time the market moves."""

    def choose(self, question: str, choices: Sequence[Choice[T]], **how: Any) -> T:
        if question == "Place this order?" and question in self.questions:
            return choices[1].value
        return super().choose(question, choices, **how)


@pytest.fixture
def visit(
    exchange: ExchangeProcess, tmp_path: Path
) -> Callable[..., tuple[AppContext, ScriptedPrompter, str]]:
    """Open the portfolio, give these answers and leave.

    Return the session, the prompter and the text on the screen.
    """

    def walk(*answers: str) -> tuple[AppContext, ScriptedPrompter, str]:
        prompter = _Insisting(*answers, "0")
        # a random account's losses must not block a test's orders
        app = session(exchange, tmp_path, prompter, KALSHI_DAILY_LOSS_LIMIT="100000")
        portfolio_screens.portfolio(app)
        prompter.assert_all_used()
        return app, prompter, screen_text(app)

    return walk


@pytest.fixture
def leave(exchange: ExchangeProcess, tmp_path: Path) -> Callable[..., ScriptedPrompter]:
    """Open the portfolio and give these answers; the last leaves for the menu."""

    def walk(*answers: str) -> ScriptedPrompter:
        prompter = ScriptedPrompter(*answers)
        with pytest.raises(LeaveTask):
            portfolio_screens.portfolio(session(exchange, tmp_path, prompter))
        prompter.assert_all_used()
        return prompter

    return walk


def squeezed(text: str) -> str:
    return " ".join(text.split())


def largest(app: AppContext) -> list[PositionPnl]:
    """Return the open positions in the order of the first page."""
    rows = app.tracker.refresh().held
    return sorted(rows, key=lambda row: (row.value is None, -(row.value or 0), row.position.ticker))


def quoted(app: AppContext) -> PositionPnl:
    """Return a position that can be sold whole, below the soft limits."""
    for row in largest(app):
        sale = row.liquidation
        if row.value is not None and row.value < 50 and row.mark > D("0.1") and sale and not sale.unsold:
            return row
    raise AssertionError("no position can be sold")


def test_the_portfolio_agrees_with_the_exchange_and_leads_back(visit: Callable[..., tuple]) -> None:
    _, prompter, text = visit()
    assert re.search(r"Checked against the exchange: \d+ figures match\.", text)
    assert "differs" not in text
    assert "unavailable" not in text
    assert f"1 to {PAGE} of {HELD} positions · sorted by value" in text
    assert prompter.labels[0][0] == "Back"


def test_while_fills_take_long_a_first_look_is_shown(
    faulty: FaultyExchange, visit: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FIRST_LOOK_AFTER_S, 1.0)
    faulty.fail({"kind": "after_accept", "method": "GET", "path": "/portfolio/fills", "delay_s": 3})
    try:
        _, _, text = visit()
    finally:
        faulty.fail()
    early, _, later = text.partition("Preliminary: still reading fills")
    assert "Figures are the exchange's, without fills" in squeezed(early)
    assert "unavailable" not in squeezed(early).replace("unavailable: still loading", "")
    assert "Based on 600 fills" in later or re.search(r"Based on 6\d\d fills", later)


def test_positions_are_sorted_and_paged_as_asked(visit: Callable[..., tuple]) -> None:
    app, _, text = visit(SORT, "5", MORE, MORE)
    tickers = sorted(row.position.ticker for row in app.tracker.refresh().held)
    pages = text.split(f"1 to {PAGE} of {HELD} positions · sorted by ticker")
    first, more = pages[0].rpartition("sorted by value")[2], pages[1]
    assert [name for name in tickers if name in first.split()] == tickers[:PAGE]
    assert [name for name in tickers if name in more.partition("41 to 43 of 43")[0].split()] == tickers[PAGE:]
    assert len(pages) == 3  # after the last page the first one appears again


def test_another_mark_is_named_beside_every_value(visit: Callable[..., tuple]) -> None:
    _, _, text = visit(MARK, "2", AGAIN)
    assert text.count("mark: midpoint of the side held") == 2
    assert "at the midpoint" in squeezed(text)


def test_a_position_in_depth_is_explained_to_the_number_on_its_page(visit: Callable[..., tuple]) -> None:
    app, _, _ = visit()
    row = largest(app)[0]
    app, prompter, text = visit(POSITION, "t", row.position.ticker, "2", "1")
    assert prompter.questions[-2] == "Which figure?"
    assert f"{pnl_text(row.realized_pnl).plain} before fees · fees {dollars(row.fees_paid)}" in text
    explained = squeezed(text).partition(f"Realized P&L of {row.position.ticker}")[2]
    assert explained.endswith(f"total {dollars_text(row.realized_pnl)}")


def test_an_own_bid_is_neither_mark_nor_liquidity(visit: Callable[..., tuple]) -> None:
    app, _, _ = visit()
    row = next(row for row in largest(app) if row.mark and D("0.1") < row.mark < D("0.8") and gap(row) > CENT)
    ticker, better = row.position.ticker, row.mark + CENT
    placed = place(app.orders, ticker, row.position.side, 1, better)
    assert (placed.remaining_count, placed.fill_count) == (1, 0)
    try:
        _, _, text = visit(POSITION, "t", ticker, "0", ESCAPE, "0")
        sale = squeezed(text).rpartition("Liquidation Bid Proceeds")[2].partition("total")[0]
        assert f"Mark {price(row.mark)} (best bid)" in squeezed(text)
        assert f" {price(row.mark)} " in sale
        assert f" {price(better)} " not in sale
    finally:
        for order in app.orders.list_open_orders():
            if order.order_id == placed.order_id:
                app.orders.cancel_order(order)


def gap(row: PositionPnl) -> D:
    """Return the difference between the best bid and the best ask."""
    assert row.market is not None
    assert row.market.yes_bid is not None
    return D(0) if row.market.yes_ask is None else row.market.yes_ask - row.market.yes_bid


def test_a_market_not_on_the_page_is_named_by_its_ticker(visit: Callable[..., tuple]) -> None:
    app, _, _ = visit()
    hidden = largest(app)[-1].position.ticker
    _, prompter, text = visit(POSITION, "t", "KXNOSUCH", hidden.lower(), "0", ESCAPE, "0")
    assert prompter.questions.count("Which ticker?") == 3
    assert prompter.defaults == ["", hidden]  # the ticker typed before is kept
    assert f"─ {hidden} ─" in text


def test_part_of_a_position_is_sold_by_the_usual_ticket(visit: Callable[..., tuple]) -> None:
    app, _, _ = visit()
    position = quoted(app).position
    app, prompter, text = visit(POSITION, "t", position.ticker, "1", "99999", "1", "2", "1")
    asked = f"Quantity to sell (of {position.count.normalize():f} {position.side.upper()})"  # type: ignore[union-attr]
    assert prompter.questions.count(asked.replace("1000", "1,000")) == 2  # over the position: asked again
    assert f"SELL 1 {position.side.upper()}" in text  # type: ignore[union-attr]
    assert "Filled: sold 1 " in text
    left = app.tracker.calculate_position_pnl(position.ticker)
    assert left is not None
    assert left.position.count == position.count - 1
    assert text.count("Checked against the exchange") == 1  # the result stays on the screen
    assert text.rindex("Filled: sold 1 ") > text.rindex("Checked against the exchange")


def test_enter_proposes_to_sell_everything_and_ctrl_c_sells_nothing(
    visit: Callable[..., tuple], leave: Callable[..., ScriptedPrompter]
) -> None:
    app, _, _ = visit()
    row = quoted(app)
    leave(POSITION, "t", row.position.ticker, "1", "", "1", BACK)
    prompter = leave(POSITION, "t", row.position.ticker, "1", "", "2", BACK)
    assert D(prompter.defaults[-1].replace(",", "")) == row.position.count
    left = app.tracker.calculate_position_pnl(row.position.ticker)
    assert left is not None
    assert left.position.count == row.position.count


@pytest.mark.parametrize("number", "1234")
def test_the_whole_account_is_explained_without_a_caution(visit: Callable[..., tuple], number: str) -> None:
    app, _, text = visit(EXPLAIN, "1", number)
    account = app.tracker.refresh()
    assert account.realized is not None
    assert account.balance.value is not None
    totals = {
        "1": account.realized.gross,
        "2": account.realized.fees,
        "3": sum(row.cost_basis for row in account.held),
        "4": account.balance.value.cash,
    }
    assert squeezed(text).endswith(f"total {dollars_text(totals[number])}")


NUMBERS = {
    "5": "Net realized today",
    "6": "Unrealized P&L",
    "7": "Positions",
    "8": "Liquidation value",
    "9": "Exposure",
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_summary_figure_is_explained_to_its_value(visit: Callable[..., tuple], number: str) -> None:
    _, _, text = visit(EXPLAIN, "1", number)
    shown, _, explained = text.partition("Checked against the exchange")
    stands = re.search(rf"^│ (?:[^·]* )?{NUMBERS[number]} +([+−$–]\S*)", shown, re.MULTILINE)
    total = re.search(r"total (\S+)", squeezed(explained))
    assert stands is not None
    assert total is not None
    others = re.search(r"the rest: (\S+), unrealized (\S+)", squeezed(shown))
    known = [stands[1], *(others.groups() if others and stands[1] == UNKNOWN else ())]
    assert any(amount != UNKNOWN and abs(read(total[1]) - read(amount)) < CENT for amount in known)


def read(text: str) -> D:
    return D(re.sub(r"[+$,]", "", text).replace("−", "-").rstrip("."))


def test_a_settled_market_is_explained_line_by_line(visit: Callable[..., tuple]) -> None:
    app, _, text = visit(SETTLEMENTS, "1")
    newest = app.tracker.refresh().settlements.value[0]  # type: ignore[index]
    net = app.tracker.refresh().ledgers[newest.ticker].net_pnl
    assert f"Settlement of {newest.ticker}, result" in text
    assert squeezed(text).endswith(f"total {dollars_text(net)}")
    _, _, same = visit(EXPLAIN, "2", "t", newest.ticker, "5")
    assert squeezed(same).endswith(f"total {dollars_text(net)}")


def in_cents(amount: str) -> D:
    """Read dollars of a screen, rounded to a cent."""
    return round_half_even(D(amount.replace("$", "").replace(",", "").replace("−", "-")), CENT)


def test_profit_over_time_and_every_breakdown_come_to_the_same_total(visit: Callable[..., tuple]) -> None:
    app, _, text = visit(OVER_TIME, "1", OVER_TIME, "2", OVER_TIME, "3", OVER_TIME, "4")
    realized = app.tracker.refresh().realized
    assert realized is not None
    assert "┤" in text  # a curve
    totals = [squeezed(line) for line in text.splitlines() if line.strip().startswith("total ")]
    assert len(totals) == 4
    amounts = {tuple(in_cents(amount) for amount in total.split()[1:]) for total in totals}
    (total,) = amounts
    assert total[-1] == in_cents(pnl_text(realized.net).plain)
    assert text.count("Net realized \n") == len(totals)  # the same word above each of them
    today = re.search(r"Net realized today +(\S+)", text)
    day = re.search(rf"^ ?{datetime.now().astimezone():%a %b %d %Y} .* (\S+) *$", text, re.MULTILINE)
    assert today is not None
    assert today[1] == (day[1] if day else "$0.00")


@pytest.mark.parametrize("keys", [(POSITION,), (EXPLAIN,), (EXPLAIN, "2"), (OVER_TIME,), (SORT,), (MARK,)])
def test_ctrl_c_at_any_question_leaves_the_portfolio(
    leave: Callable[..., ScriptedPrompter], keys: tuple[str, ...]
) -> None:
    prompter = leave(*keys, BACK)
    assert prompter.questions.count("Portfolio") == 1


LISTS = [
    ((POSITION,), "Portfolio", "Back"),
    ((POSITION, "2"), "Which position?", "2"),
    ((POSITION, "1", "2"), "What next?", "2"),
    ((EXPLAIN,), "Portfolio", "Back"),
    ((EXPLAIN, "1"), "Explain which?", "1"),
    ((EXPLAIN, "2"), "Explain which?", "2"),
    ((EXPLAIN, "2", "3"), "Which market?", "3"),
    ((OVER_TIME,), "Portfolio", "Back"),
    ((SORT,), "Portfolio", "Back"),
    ((MARK,), "Portfolio", "Back"),
    ((SETTLEMENTS,), "Portfolio", "Back"),
]
TEXTS = [
    ((POSITION, "t"), "Which position?", "t"),
    ((POSITION, "1", "1"), "What next?", "1"),
    ((EXPLAIN, "2", "t"), "Which market?", "t"),
]


@pytest.mark.parametrize(
    ("keys", "back", "landed", "marked"),
    [
        *((keys, back, landed, marked) for keys, landed, marked in LISTS for back in ("0", ESCAPE)),
        *((keys, ESCAPE, landed, marked) for keys, landed, marked in TEXTS),
    ],
)
def test_going_back_asks_the_question_before_with_its_answer_marked(
    leave: Callable[..., ScriptedPrompter], keys: tuple[str, ...], back: str, landed: str, marked: str
) -> None:
    prompter = leave(*keys, back, BACK)
    assert prompter.questions[-1] == landed
    chosen = -1 if marked == "t" else 0 if marked == "Back" else int(marked)
    assert prompter.marked[-1] == prompter.labels[-1][chosen]


def test_going_back_from_the_kind_of_order_keeps_the_count(leave: Callable[..., ScriptedPrompter]) -> None:
    prompter = leave(POSITION, "1", "1", "1", ESCAPE, BACK)
    assert prompter.questions[-1].startswith("Quantity to sell (of ")
    assert prompter.defaults[-1] == "1"


def test_going_back_reads_nothing_again(visit: Callable[..., tuple]) -> None:
    _, _, text = visit(EXPLAIN, "1", "0", "0")
    assert text.count("Checked against the exchange") == 1


@pytest.mark.parametrize(("rows", "width"), [(24, 80), (40, 120)])
def test_summary_positions_and_choices_fit_on_one_screen(
    exchange: ExchangeProcess, tmp_path: Path, rows: int, width: int
) -> None:
    """On a terminal with a full page, CHOICES_LINES remain for the choices."""
    app = session(exchange, tmp_path, ScriptedPrompter("0"))
    app = replace(
        app, console=Console(file=io.StringIO(), width=width, height=rows, force_terminal=True, record=True)
    )
    portfolio_screens.portfolio(app)
    text = screen_text(app)
    text = text[text.index("╭") :].rstrip()
    assert len(text.splitlines()) <= rows - portfolio_screens.CHOICES_LINES
    assert "Account value" in text.splitlines()[1]
    shown = re.search(rf"1 to (\d+) of {HELD}\b", text)
    assert shown is not None
    assert int(shown[1]) >= 3
