"""Explain a number of the account, or of one market, by its parts.

Asks, calls and shows; computes no money. Going back from a question asks the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from kalshi_trading.core.dates import start_of_day
from kalshi_trading.core.money import ZERO, Dollars
from kalshi_trading.portfolio.explain import account as explain_account
from kalshi_trading.portfolio.explain.market import (
    Explanation,
    explain_cash,
    explain_cost,
    explain_fees,
    explain_realized,
    explain_settlement,
)
from kalshi_trading.portfolio.ledger import MarketLedger
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.formats import dollars, pnl_text
from kalshi_trading.ui.prompts.prompter import choose_by_name, choose_task, numbered
from kalshi_trading.ui.screens.choose import choose_or_type
from kalshi_trading.ui.views import position as position_view


def explain(app: AppContext, snapshot: PortfolioSnapshot, rows: Sequence[PositionPnl]) -> None:
    """Explain a number of the whole account, or of one market.

    The markets of `rows` are offered first.
    """
    if not snapshot.ledgers:
        app.show_text("No trades yet.")
        return

    def explain_one() -> None:
        shown = [(row.position.ticker, row.ledger) for row in rows if row.ledger is not None]

        def show(ledger: MarketLedger) -> None:
            explain_market(app, ledger, snapshot.floors_paid.get(ledger.ticker, ZERO))

        choose_or_type(app, "Which market?", shown, snapshot.ledgers, show)

    tasks: list[Callable[[], None]] = [partial(_explain_account, app, snapshot), explain_one]
    choose_task(app.prompter, "Explain which?", numbered(["Whole account", "One market"], tasks))


def _explain_account(app: AppContext, snapshot: PortfolioSnapshot) -> None:
    midnight = start_of_day(snapshot.as_of)
    ways: dict[str, Callable[[PortfolioSnapshot], Explanation]] = {
        "Realized P&L by market": explain_account.explain_all_realized,
        "Fees by market": explain_account.explain_all_fees,
        "Cost of open positions": explain_account.explain_all_costs,
        "Cash by transfer and market": explain_account.explain_all_cash,
        "Net realized P&L today by market": lambda whole: explain_account.explain_today(whole, midnight),
        "Unrealized P&L by position": explain_account.explain_open,
        f"Position value at the {snapshot.mark}": explain_account.explain_value,
        "Liquidation value": explain_account.explain_liquidation,
        "Exposure by event": explain_account.explain_exposure,
    }
    show_explanation(app, choose_by_name(app.prompter, "Which figure?", ways)(snapshot))


def explain_market(app: AppContext, ledger: MarketLedger, floor_paid: Dollars) -> None:
    """Explain a number of one market.

    `floor_paid` is what a settlement floor has paid on the open position.
    """
    ways: dict[str, Callable[[], Explanation]] = {
        f"Realized P&L {pnl_text(ledger.realized_pnl).plain}": lambda: explain_realized(ledger),
        f"Fees {dollars(ledger.fees_paid)}": lambda: explain_fees(ledger),
        "Cost of the open position": lambda: explain_cost(ledger),
        "Cash flow": lambda: explain_cash(ledger, floor_paid),
    }
    row = ledger.settlement
    if row is not None:
        ways["Settlement"] = lambda: explain_settlement(row, ledger)
    show_explanation(app, choose_by_name(app.prompter, "Which figure?", ways)())


def show_explanation(app: AppContext, explained: Explanation) -> None:
    app.show(position_view.explanation(explained, app.clock()))
