"""An account at a scripted exchange: its positions, fills and settlements."""

from __future__ import annotations

import itertools
import threading
from urllib.parse import parse_qs, urlsplit

from api_examples import REST
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from loopback import ROOT, say
from model_factory import NOW

from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.credentials import Credentials

POSITION = REST["get_positions"]["body"]["market_positions"][0]
EVENT_POSITION = REST["get_positions"]["body"]["event_positions"][0]
QUOTED = REST["get_market"]["body"]["market"]
SETTLEMENT = REST["get_settlements"]["body"]["settlements"][0]
FILL = REST["get_fills"]["body"]["fills"][0]
FILL_IDS = itertools.count()
SERIES = REST["get_series"]["body"]["series"]
EVENT = REST["get_events"]["body"]["events"][0]
BROKEN = say(403, {"error": {"code": "forbidden", "message": "not for this key"}})


class Account:
    """An exchange with one account. Paths in `broken` answer with `breaks`."""

    def __init__(self, positions=(), settlements=(), markets=None, fills=(), old_fills=()):
        self.positions = [POSITION | row for row in positions]
        self.settlements = [SETTLEMENT | row for row in settlements]
        self.fills = list(fills)
        self.old_fills = list(old_fills)
        self.markets = markets
        self.events = []
        self.orders = [REST["get_order"]["body"]["order"]]
        self.broken, self.breaks = (), BROKEN
        self.asked = []
        self.lock = threading.Lock()

    def __call__(self, connection, request):
        path = request.path.removeprefix(ROOT)
        query = parse_qs(urlsplit(request.target).query)
        with self.lock:
            self.asked.append((path, query))
        if path in self.broken:
            self.breaks(connection, request)
            return
        if path.startswith("/series/"):
            say(200, {"series": {**SERIES, "ticker": path.rpartition("/")[2]}})(connection, request)
            return
        lists = {
            "/portfolio/positions": lambda: {
                "market_positions": self.positions,
                "event_positions": self.events,
            },
            "/portfolio/settlements": lambda: {"settlements": self.settlements},
            "/portfolio/orders": lambda: {"orders": self.orders},
            "/markets": lambda: {"markets": self._quotes(query["tickers"][0].split(","))},
            "/portfolio/balance": lambda: REST["get_balance"]["body"],
            "/portfolio/fills": lambda: {"fills": self.fills},
            "/historical/fills": lambda: {"fills": self.old_fills},
            "/portfolio/deposits": lambda: {"deposits": []},
            "/portfolio/withdrawals": lambda: {"withdrawals": []},
            "/markets/orderbooks": lambda: {"orderbooks": [self._book(name) for name in query["tickers"]]},
            "/events": lambda: {"events": [event_row(name) for name in query["tickers"][0].split(",")]},
            "/historical/markets": lambda: {"markets": []},
        }
        say(200, {"cursor": "", **lists[path]()})(connection, request)

    def _book(self, ticker):
        return {"ticker": ticker, "orderbook_fp": REST["get_market_orderbook"]["body"]["orderbook_fp"]}

    def _quotes(self, tickers):
        if self.markets is not None:
            return self.markets
        return [{**QUOTED, "ticker": ticker} for ticker in tickers]


KEY = Credentials("key", Ed25519PrivateKey.generate())


def tracker_at(server, *, total_s=5, clock=lambda: NOW):
    """Return a tracker for an account, with credentials of its own."""
    timing = Timing(connect_s=1, total_s=total_s, read_retries=0)
    return PortfolioTracker(KalshiClient(Transport(server.url, KEY, timing=timing)), clock=clock)


def event_row(name):
    return {**EVENT, "event_ticker": name, "series_ticker": name.partition("-")[0]}


def fill_row(ticker, book_side, count, yes_price, fee="0.000000", *, at="2026-11-21T14:00:00Z"):
    """Return one fill in the exchange's JSON fields, with a unique id."""
    return {
        **FILL,
        "fill_id": f"fill-{next(FILL_IDS)}",
        "ticker": ticker,
        "book_side": book_side,
        "count_fp": count,
        "yes_price_dollars": yes_price,
        "fee_cost": fee,
        "created_time": at,
    }


def held(ticker, net, exposure, **more):
    return {"ticker": ticker, "position_fp": net, "market_exposure_dollars": exposure, **more}
