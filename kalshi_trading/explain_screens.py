"""The screens that follow a number of the account, or of one market, to where it comes from.

Asks, calls and shows; computes no money. Every question can be answered with going back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from kalshi_trading import account_explanation, position_view
from kalshi_trading.app import App, not_empty
from kalshi_trading.errors import InvalidInputError
from kalshi_trading.explanation import (
    Explanation,
    explain_cash,
    explain_cost,
    explain_fees,
    explain_realized,
    explain_settlement,
)
from kalshi_trading.formats import dollars, gain
from kalshi_trading.market_account import MarketAccount
from kalshi_trading.portfolio import PortfolioSnapshot, PositionPnl
from kalshi_trading.prompts import Choice, numbered
from kalshi_trading.trading_day import start_of_day

T = TypeVar("T")


# --- Choosing -------------------------------------------------------------------------------------


def one_of(app: App, question: str, ways: Mapping[str, T]) -> T | None:
    """Ask for one of these by name; None: back."""
    rows: list[Choice[Callable[[], T | None]]] = [Choice("0", "Back", lambda: None)]
    rows += numbered(list(ways), [partial(_itself, way) for way in ways.values()])
    return app.prompter.choose(question, rows)()


def picked(app: App, question: str, shown: Sequence[tuple[str, T]], known: Mapping[str, T]) -> T | None:
    """Offer some by their labels, any other known one by its ticker; None: none of them."""
    rows: list[Choice[Callable[[], T | None]]] = [Choice("0", "None of these", lambda: None)]
    rows += numbered([label for label, _ in shown], [partial(_itself, value) for _, value in shown])
    if len(known) > len(shown):
        rows.append(Choice("t", "Another one: type its ticker", lambda: _typed(app, known)))
    return app.prompter.choose(question, rows)()


def _itself(value: T) -> T:
    return value


def _typed(app: App, known: Mapping[str, T]) -> T:
    def parse(text: str) -> T:
        ticker = not_empty(text).upper()
        if ticker not in known:
            alike = [name for name in known if ticker in name][:3]
            hint = f" Did you mean {', '.join(alike)}?" if alike else ""
            raise InvalidInputError(f"Nothing of {ticker} is known here.{hint}")
        return known[ticker]

    return app.prompter.ask("Which ticker?", parse)


# --- Explaining -----------------------------------------------------------------------------------


def explain(app: App, snapshot: PortfolioSnapshot, rows: Sequence[PositionPnl]) -> None:
    """Explain a number of the whole account, or of one market; `rows` are offered first."""
    if not snapshot.accounts:
        app.say("Nothing was traded yet.")
        return
    is_of_all = one_of(app, "A number of what?", {"The whole account": True, "One market": False})
    if is_of_all:
        _explain_account(app, snapshot)
    elif is_of_all is not None:
        shown = [(row.position.ticker, row.account) for row in rows if row.account is not None]
        account = picked(app, "Which market?", shown, snapshot.accounts)
        if account is not None:
            explain_market(app, account)


def _explain_account(app: App, snapshot: PortfolioSnapshot) -> None:
    midnight = start_of_day(snapshot.as_of)
    ways: dict[str, Callable[[PortfolioSnapshot], Explanation]] = {
        "Realized P&L, market by market": account_explanation.explain_all_realized,
        "Fees, market by market": account_explanation.explain_all_fees,
        "Cost of what is held": account_explanation.explain_all_costs,
        "Cash: transfers and markets": account_explanation.explain_all_cash,
        "Net realized today, market by market": lambda whole: account_explanation.explain_today(
            whole, midnight
        ),
        "Unrealized P&L, position by position": account_explanation.explain_open,
        f"Value of the positions at the {snapshot.mark}": account_explanation.explain_value,
        "What selling everything now would bring": account_explanation.explain_liquidation,
        "Exposure, event by event": account_explanation.explain_exposure,
    }
    way = one_of(app, "Which number?", ways)
    if way is not None:
        show_explained(app, way(snapshot))


def explain_market(app: App, account: MarketAccount) -> None:
    """Explain a number of one market."""
    ways: dict[str, Callable[[], Explanation]] = {
        f"Realized P&L {gain(account.realized_pnl).plain}": lambda: explain_realized(account),
        f"Fees {dollars(account.fees_paid)}": lambda: explain_fees(account),
        "Cost of what is held": lambda: explain_cost(account),
        "Cash it moved": lambda: explain_cash(account),
    }
    row = account.settlement
    if row is not None:
        ways["Settlement, line by line"] = lambda: explain_settlement(row, account)
    way = one_of(app, "Which number?", ways)
    if way is not None:
        show_explained(app, way())


def show_explained(app: App, told: Explanation) -> None:
    app.show(position_view.explanation(told, app.clock()))
