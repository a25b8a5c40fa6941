"""Example script: find a market, trade, read the P&L, export the records.

Run it in the project folder, also while a menu is open: python -m docs.first_script temperature
Repeating it within half a minute fails: the same orders need a confirmation, which this script cannot give.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.trade_executor import TradeExecutor
from kalshi_trading.trade_logger import export_trades_to_csv


def say(parts: Iterable[object]) -> None:
    sys.stdout.write(" ".join(map(str, parts)) + "\n")


def main(words: str) -> None:
    with TradeExecutor() as executor, PortfolioTracker() as tracker:
        found = executor.search_markets(words, limit=None)
        quoted = (row for row in found if 10 < (row["yes_bid"] or 0) < (row["yes_ask"] or 0) < 90)
        ticker = next(quoted)["ticker"]
        bought = executor.place_market_order(ticker, "yes", 3)
        say(("bought", bought["fill_count"], ticker, "at", bought["average_price"], "¢, fee $", bought.fee))
        rests = executor.place_limit_order(ticker, "yes", 5, 2)
        say(("open", rests["status"], rests["remaining_count"], "at", rests["price"], "¢"))
        say(("canceled", executor.cancel_order(rests["order_id"]).reduced_by))
        say(("unrealized $", tracker.calculate_position_pnl(ticker).unrealized_pnl))
        say(("exported", export_trades_to_csv(f"trades-{time.time_ns()}.csv"), "fills"))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
