"""Scripts pasted from documents of the older API do what these say.

They are unchanged except for:

    imports                      the package's prefix
    login, tokens, headers       removed: the client signs each request
    requests.get, requests.post  replaced by the client's method of the same name, because the paths and
                                 fields are gone and the old order endpoints answer 410; orders go through
                                 the executor's protocol
    expiration_ts, own ids       removed: the program makes its own ids and has no expiring orders yet
    amend, decrease, batches     not available yet: NotAvailableError
    the WebSocket                removed: its token is gone and there is no live feed here yet
    the bot's methods            call the client; the loop below them is unchanged
    tickers and order ids        those of 2024 are settled or invented: replaced by open markets and orders
                                 placed before
    prices                       far from the book where the document's order must rest
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal as D
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from exchange_process import running_exchange
from screen_session import quoted_market

from kalshi_trading import compose
from kalshi_trading.core.errors import NotAvailableError
from kalshi_trading.core.models import Action, Side
from kalshi_trading.journal.files.journal_register import REGISTER
from kalshi_trading.orders.pretrade.ticket import OrderTicket


@pytest.fixture
def market(script, exchange):
    """A quoted market without a position."""
    held = {row.ticker for row in exchange.client().get_positions().markets}
    return quoted_market(compose.acquire().services.orders, without=held)


# --- The documented modules ---------------------------------------------------------------------------


def test_the_snippet_of_the_configuration(script, exchange):
    from kalshi_trading.config import get_api_base_url, get_api_credentials, get_config

    # Get all config as dict
    config = get_config()

    # Get just credentials
    api_key, api_secret = get_api_credentials()

    # Get API URL for current environment
    base_url = get_api_base_url()

    assert config["environment"] == "practice"
    assert dict(config)["log_level"] == "INFO"
    assert (api_key, base_url) == (exchange.key_id, exchange.url)
    # The plan's own signature: timestamp, method and path
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH)
    assert api_secret.sign(b"1700000000000GET/trade-api/v2/portfolio/balance", pss, hashes.SHA256())


def test_the_snippet_of_the_client(script, market):
    from kalshi_trading.kalshi_client import KalshiClient

    client = KalshiClient()
    ticker, side, quantity = market.ticker, "yes", 3
    cash = D(client.get_balance()["balance"])  # whole cents are an int, parts of one are not

    # Account
    balance = client.get_balance()  # Returns: {balance, portfolio_value} in cents

    # Positions
    client.get_positions(limit=100, cursor=None)

    # Markets
    markets = client.get_markets(limit=100, cursor=None, event_ticker=None, status=None)
    info = client.get_market(ticker)

    # Orders
    placed = client.place_order(ticker, side, quantity, action="buy", order_type="market", price=None)
    order_id = client.place_order(ticker, side, quantity, order_type="limit", price=2)["order_id"]
    orders = client.get_orders(ticker=None, status="resting", limit=100)
    order = client.get_order(order_id)
    canceled = client.cancel_order(order_id)

    # Fills
    fills = client.get_fills(ticker=None, order_id=placed["order_id"], limit=100)

    assert set(balance) >= {"balance", "portfolio_value"}
    assert (balance["balance"], balance.cash) == (cash, cash / 100)
    assert len(markets["markets"]) == 100
    assert markets["cursor"]
    following = client.get_markets(limit=100, cursor=markets["cursor"])
    assert not {row["ticker"] for row in following} & {row["ticker"] for row in markets}
    assert info["yes_ask"] == market.yes_ask * 100
    assert placed["status"] == "executed"
    assert order_id in [row["order_id"] for row in orders["orders"]]
    assert (order["status"], order["yes_price"], order["remaining_count"]) == ("resting", 2, 3)
    assert canceled
    assert sum(fill["count"] for fill in fills["fills"]) == 3
    spent = sum(fill["count"] * D(fill["price"]) + D(fill["fee_cost"]) * 100 for fill in fills)
    assert client.get_balance()["balance"] == cash - spent


def test_the_snippet_of_the_executor(script, market):
    from kalshi_trading.trade_executor import TradeExecutor

    executor = TradeExecutor()
    ticker, side, quantity, price = market.ticker, "no", 2, 3

    # Order placement
    filled = executor.place_market_order(ticker, side, quantity)
    rests = executor.place_limit_order(ticker, side, quantity, price)

    # Order management
    order_id = rests["order_id"]
    status = executor.get_order_status(order_id)
    is_open = order_id in [order["order_id"] for order in executor.list_open_orders()]
    canceled = executor.cancel_order(order_id)

    # Market discovery
    found = executor.search_markets(query="temperature", status="open", limit=20)
    info = executor.get_market_info(ticker)

    assert filled["fill_count"] == 2
    assert (status["status"], status["no_price"], status["action"], status["side"]) == (
        "resting",
        3,
        "buy",
        "no",
    )
    assert is_open
    assert canceled
    assert 0 < len(found) <= 20
    assert all(row["status"] == "active" and "temperature" in f"{row['title']}".lower() for row in found)
    assert info["ticker"] == ticker
    assert executor.validate_ticker(ticker)


def test_the_snippet_of_the_tracker(script, market, capsys):
    from kalshi_trading.portfolio_tracker import PortfolioTracker
    from kalshi_trading.trade_executor import TradeExecutor

    TradeExecutor().place_market_order(market.ticker, "yes", 2)
    tracker = PortfolioTracker()

    # Positions
    positions = tracker.get_current_positions()  # Open positions (non-zero only)
    pos = next(row for row in positions if row["ticker"] == market.ticker)
    pnl = tracker.calculate_position_pnl(pos)  # Unrealized P&L for one position
    total = tracker.calculate_total_pnl()  # Aggregate unrealized P&L

    # Realized P&L
    realized = tracker.get_realized_pnl()

    # Display
    summary = tracker.display_portfolio_summary()  # Formatted summary to stdout

    cents = pnl["position"] * pnl["current_price"] - pnl["cost"]
    assert pnl["unrealized_pnl"] == cents
    assert total["total_unrealized_pnl"] is not None
    assert realized == total.realized
    assert market.ticker in capsys.readouterr().out
    assert market.ticker in [row.position.ticker for row in summary.held]


def test_the_functions_of_the_logger(script, market, tmp_path):
    from kalshi_trading.trade_executor import TradeExecutor
    from kalshi_trading.trade_logger import (
        export_trades_to_csv,
        get_trade_history,
        log_error,
        log_order_cancellation,
        log_order_fill,
        log_order_submission,
    )

    bought = TradeExecutor().place_market_order(market.ticker, "no", 2)
    log_order_submission({"ticker": "KX-1", "side": "yes", "quantity": 2, "price": 52, "order_id": "web-1"})
    log_order_fill({"order_id": "web-1", "fill_price": 52, "quantity_filled": 2})
    log_order_cancellation("web-1")
    reference = log_error("a script's own trouble")
    trades = get_trade_history("today", "today")
    rows = export_trades_to_csv(str(tmp_path / "trades.csv"))

    mine = [trade for trade in trades if trade["order_id"] == bought["order_id"]]
    assert sum(trade["count"] for trade in mine) == 2
    assert {(trade["action"], trade["side"]) for trade in mine} == {("buy", "no")}
    assert len((tmp_path / "trades.csv").read_text().splitlines()) == rows + 1
    journal = compose.current_journal()
    assert reference in journal.errors_path.read_text()
    events = [record.event for record in journal.read_journal().records]
    assert [each for each in events if each.startswith("note.")] == ["note.order", "note.fill", "note.cancel"]
    assert list(compose.acquire().services.orders.recover().foreign) == []


# --- Functions of the client --------------------------------------------------------------------------


def functions(client):
    """Return the document's functions over today's client.

    Arguments and results are the same.
    """

    def get_markets(status: str = "open", series_ticker=None, limit: int = 100, cursor=None):
        data = client.get_markets(status=status, series_ticker=series_ticker, limit=limit, cursor=cursor)
        return {
            "markets": data.get("markets", []),
            "cursor": data.get("cursor"),  # Use for pagination
        }

    def get_market(ticker: str):
        return client.get_market(ticker)

    def get_orderbook(ticker: str, depth: int = 10):
        return client.get_orderbook(ticker, depth=depth)

    def get_market_history(ticker: str, limit: int = 100):
        return client.get_market_history(ticker, limit=limit)

    def get_series():
        return client.get_series().get("series", [])

    def get_events(series_ticker=None):
        return client.get_events(series_ticker).get("events", [])

    def place_order(ticker, side, action, count, price=None, order_type="limit"):
        return client.place_order(ticker, side, count, action=action, order_type=order_type, price=price)

    def cancel_order(order_id: str):
        return bool(client.cancel_order(order_id))

    def get_orders(ticker=None, status=None, limit: int = 100):
        return client.get_orders(ticker=ticker, status=status, limit=limit).get("orders", [])

    def get_order(order_id: str):
        return client.get_order(order_id)

    def get_balance():
        data = client.get_balance()

        return {
            "balance": data.get("balance", 0) / 100,  # Available in dollars
            "portfolio_value": data.get("portfolio_value", 0) / 100,
        }

    def get_positions(limit: int = 100):
        return client.get_positions(limit=limit).get("market_positions", [])

    def get_fills(ticker=None, limit: int = 100, cursor=None):
        data = client.get_fills(ticker=ticker, limit=limit, cursor=cursor)
        return {"fills": data.get("fills", []), "cursor": data.get("cursor")}

    def get_settlements(limit: int = 100):
        return client.get_settlements(limit=limit).get("settlements", [])

    def get_exchange_status():
        return client.get_exchange_status()

    return SimpleNamespace(**locals())


@pytest.fixture
def api(script):
    from kalshi_trading.kalshi_client import KalshiClient

    return functions(KalshiClient())


def test_the_functions_of_the_market(api, market, capsys):
    series_ticker = market.ticker.partition("-")[0]
    markets = api.get_markets(series_ticker=series_ticker)
    assert {row["ticker"].partition("-")[0] for row in markets["markets"]} == {series_ticker}

    ticker = market.ticker
    market = api.get_market(ticker)
    # Returns: ticker, title, subtitle, status, yes_bid, yes_ask,
    #          no_bid, no_ask, volume, open_interest, close_time, result
    for name in ("ticker", "title", "subtitle", "status", "yes_bid", "yes_ask", "no_bid", "no_ask"):
        assert market[name] is not None
    assert market["yes_ask"] + market["no_bid"] == market["yes_bid"] + market["no_ask"] == 100
    assert {"volume", "open_interest", "close_time", "result"} <= set(market)

    book = api.get_orderbook(ticker)
    print(f"Yes bids: {book['yes']}")  # [[45, 100], [44, 200], ...]
    print(f"No asks: {book['no']}")
    assert book["yes"][0][0] == market["yes_bid"]
    assert book["no"][0][0] == market["no_bid"]

    trades = api.get_market_history(ticker)
    for t in trades:
        print(f"{t['created_time']}: {t['count']} @ {t['yes_price']}¢")
    assert all(0 < t["yes_price"] < 100 for t in trades)

    series = api.get_series()
    events = api.get_events(series_ticker)
    assert series_ticker in [row["ticker"] for row in series]
    assert {event["series_ticker"] for event in events} == {series_ticker}
    assert "Yes bids: [[" in capsys.readouterr().out


def _said_of_open_orders(api, capsys):
    capsys.readouterr()
    # Get all open orders
    orders = api.get_orders(status="resting")
    for o in orders:
        print(f"{o['order_id']}: {o['action']} {o['side']} {o['remaining_count']} @ {o['yes_price']}¢")
    return capsys.readouterr().out


def test_the_functions_of_orders(api, market, capsys):
    TICKER = market.ticker
    # Buy 10 YES
    result = api.place_order(TICKER, "yes", "buy", 10, 2)
    assert (result["order"]["status"], result["order"]["remaining_count"]) == ("resting", 10)
    said = _said_of_open_orders(api, capsys)
    assert f"{result['order_id']}: buy yes 10 @ 2¢\n" in said
    # Cancel specific order
    assert api.cancel_order(result["order_id"]) is True
    # Market order (immediate fill)
    bought = api.place_order(TICKER, "no", "buy", 5, order_type="market")
    assert bought["order"]["fill_count"] == 5
    # Sell 5 NO at 97 cents (equivalent to YES at 3 cents)
    sold = api.place_order(TICKER, "no", "sell", 5, 97)
    assert (sold["no_price"], sold["yes_price"]) == (97, 3)

    assert f"{sold['order_id']}: sell no 5 @ 3¢\n" in _said_of_open_orders(api, capsys)
    assert api.get_order(sold["order_id"])["price"] == 97
    assert api.cancel_order(sold["order_id"]) is True
    assert api.get_orders(ticker=TICKER, status="resting") == []


def test_the_functions_of_the_portfolio(api, market, capsys):
    bought = api.place_order(market.ticker, "yes", "buy", 2, order_type="market")
    api.place_order(market.ticker, "yes", "sell", 1, order_type="market")
    capsys.readouterr()

    bal = api.get_balance()
    print(f"Available: ${bal['balance']:.2f}")
    print(f"Portfolio: ${bal['portfolio_value']:.2f}")

    positions = api.get_positions()
    for p in positions:
        if p.get("position", 0) != 0:
            print(f"{p['ticker']}: {p['position']} contracts @ avg {p['average_price']}¢")
            print(f"  Realized P&L: ${p.get('realized_pnl', 0) / 100:.2f}")

    fills = api.get_fills()
    for f in fills["fills"]:
        print(f"{f['created_time']}: {f['action']} {f['side']} {f['count']} @ {f['price']}¢")

    settlements = api.get_settlements()
    for s in settlements:
        print(f"{s['ticker']}: Settled at {s['settlement_value']}¢, P&L: ${s['revenue'] / 100:.2f}")

    status = api.get_exchange_status()
    print(f"Trading: {status.get('trading_active')}")
    print(f"Exchange open: {status.get('exchange_active')}")

    said = capsys.readouterr().out
    services = compose.acquire().services
    cash = services.client.get_balance().cash
    assert f"Available: ${cash:.2f}" in said
    held = services.tracker.calculate_position_pnl(market.ticker).position
    average = held.average_price * 100
    assert re.search(rf"{market.ticker}: {held.net:.0f} contracts @ avg {average.normalize():f}0*¢", said)
    price = (bought["average_price"], bought["fill_count"])
    assert re.search(rf": buy yes {price[1]} @ {price[0]}¢", said)
    assert re.search(r": sell yes 1 @ [1-9][0-9.]*¢", said)
    assert "Trading: True\nExchange open: True" in said


def test_amends_and_batches_say_that_they_are_not_there_yet(script):
    from kalshi_trading.kalshi_client import KalshiClient

    client = KalshiClient()
    orders = [
        {"ticker": "KX-1", "side": "yes", "action": "buy", "count": 5, "type": "limit", "yes_price": 40}
    ]
    for ask in (
        lambda: client.batch_create_orders(orders),
        lambda: client.amend_order("order-1", count=5, price=40),
        lambda: client.decrease_order("order-1", 5),
        lambda: client.batch_cancel_orders(["order-1", "order-2"]),
    ):
        with pytest.raises(NotAvailableError, match="Nothing was sent"):
            ask()


# --- The bot ------------------------------------------------------------------------------------------


class KalshiBot:
    """The document's bot over today's client.

    Methods, arguments and results are the same.
    """

    def __init__(self):
        from kalshi_trading.kalshi_client import KalshiClient

        self.client = KalshiClient()
        self.sent = []

    def get_market(self, ticker):
        return self.client.get_market(ticker)

    def get_positions(self):
        return {p["ticker"]: p for p in self.client.get_positions().get("market_positions", [])}

    def get_balance(self):
        return self.client.get_balance().get("balance", 0) / 100

    def buy(self, ticker, side, count, price):
        return self._order(ticker, side, "buy", count, price)

    def sell(self, ticker, side, count, price):
        return self._order(ticker, side, "sell", count, price)

    def _order(self, ticker, side, action, count, price):
        result = self.client.place_order(ticker, side, count, action=action, order_type="limit", price=price)
        self.sent.append(result)
        return result


LOOP = """
while True:
    try:
        market = bot.get_market(TICKER)
        positions = bot.get_positions()
        balance = bot.get_balance()

        yes_bid = market["yes_bid"]
        yes_ask = market["yes_ask"]
        pos = positions.get(TICKER, {}).get("position", 0)

        print(f"Balance: ${balance:.2f}, Position: {pos}, Price: {yes_bid}/{yes_ask}")

        # Trading logic
        if yes_ask < 40 and pos < 10 and balance > 5:
            print(f"BUYING at {yes_ask}")
            bot.buy(TICKER, "yes", 5, yes_ask)
        elif yes_bid > 60 and pos > 0:
            print(f"SELLING at {yes_bid}")
            bot.sell(TICKER, "yes", pos, yes_bid)

        time.sleep(10)

    except Exception as e:
        print(f"Error: {e}")
        time.sleep(30)
"""


class Enough(BaseException):
    """Ends the loop, which catches every Exception."""


@dataclass
class Slept:
    """The bot's `time` module. It ends the loop after some rounds."""

    rounds: int

    def sleep(self, seconds):
        self.rounds -= 1
        if self.rounds == 0:
            raise Enough


def run(bot, ticker, rounds):
    """Run the loop for some rounds."""
    with pytest.raises(Enough):
        exec(LOOP, {"bot": bot, "TICKER": ticker, "time": Slept(rounds)})
    return bot


def run_bot(ticker, rounds):
    return run(KalshiBot(), ticker, rounds)


class Worlds:
    """Still exchanges with many markets, started one by one until one fits."""

    MOST = 20

    def __init__(self, folder, stack):
        self._folder, self._stack = folder, stack
        self._running = []

    def __iter__(self):
        for number in range(self.MOST):
            if number == len(self._running):
                options = ("--seed", str(number), "--markets", "1500", "--still", "--idle-exit", "3600")
                world = running_exchange(self._folder / str(number) / "practice", *options)
                self._running.append(self._stack.enter_context(world))
            yield self._running[number]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    with ExitStack() as stack:
        yield Worlds(tmp_path_factory.mktemp("documents"), stack)


@pytest.fixture
def quoted(worlds, attaching_script):
    """Find a market by its quotes and trade on its exchange.

    The market has no position yet.
    """

    def find(is_wanted):
        for exchange in worlds:
            client = exchange.client()
            held = {row.ticker for row in client.get_positions().markets}
            for row in client.get_markets(status="open"):
                quotes = row.yes_bid, row.yes_ask
                if None not in quotes and row.ticker not in held and is_wanted(*quotes):
                    data_dir = exchange.data_dir.parent
                    attaching_script.setenv("KALSHI_DATA_DIR", str(data_dir))
                    (data_dir / REGISTER).unlink(missing_ok=True)  # each test keeps its own journal
                    return exchange, row
        raise AssertionError("no market is quoted so")

    return find


def net(exchange, ticker):
    return {row.ticker: row.net for row in exchange.client().get_positions().markets}.get(ticker, 0)


def test_the_bot_buys_at_39_cents_and_at_no_other_price(quoted, capsys):
    exchange, market = quoted(lambda bid, ask: ask == D("0.39"))
    bot = run_bot(market.ticker, rounds=1)
    assert net(exchange, market.ticker) == 5
    fills = exchange.client().get_fills(ticker=market.ticker).items
    assert {(fill.yes_price, fill.book_side.value) for fill in fills} == {(D("0.39"), "bid")}
    assert [result["price"] for result in bot.sent] == [39]
    said = capsys.readouterr().out
    assert "/39\nBUYING at 39\n" in said
    assert re.search(r"Balance: \$[0-9]+\.[0-9]{2}, Position: 0, Price: [0-9.]+/39\n", said)


def test_the_bot_does_nothing_at_41_cents(quoted, capsys):
    exchange, market = quoted(lambda bid, ask: ask == D("0.41"))
    bot = run_bot(market.ticker, rounds=3)
    assert (bot.sent, net(exchange, market.ticker)) == ([], 0)
    said = capsys.readouterr().out
    assert said.count("/41\n") == 3
    assert "Error" not in said


def test_the_bot_stops_at_ten_contracts_and_repeats_nothing_unasked(quoted, capsys):
    exchange, market = quoted(lambda bid, ask: ask == D("0.38"))
    run_bot(market.ticker, rounds=4)
    # repeating an order within half a minute needs a person's confirmation
    assert net(exchange, market.ticker) == 5
    assert capsys.readouterr().out.count("Error: Confirmation required. Nothing was sent.") == 3


def test_the_bot_sells_what_it_holds_above_60_cents(quoted, capsys):
    exchange, market = quoted(lambda bid, ask: bid > D("0.60") and ask < D("0.80"))
    services = compose.acquire().services
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(4), None)
    assert services.orders.submit(services.orders.preview(ticket)).fill_count == 4
    bot = run_bot(market.ticker, rounds=2)
    assert net(exchange, market.ticker) == 0
    assert [(result["action"], result["count"], result["price"]) for result in bot.sent] == [
        ("sell", 4, market.yes_bid * 100)
    ]
    assert f"SELLING at {(market.yes_bid * 100).normalize():f}" in capsys.readouterr().out


def test_the_bot_reads_a_price_below_a_cent_as_what_it_is(quoted):
    exchange, market = quoted(lambda bid, ask: ask < D("0.10") and ask % D("0.01") != 0)
    bot = run_bot(market.ticker, rounds=1)
    assert [result.request.price for result in bot.sent] == [market.yes_ask]
    assert net(exchange, market.ticker) == 5


def test_a_market_without_an_offer_stops_the_bot_instead_of_looking_free(quoted, capsys):
    market = replace(quoted(lambda bid, ask: True)[1], yes_ask=None)
    bot = KalshiBot()
    bot.get_market = lambda ticker: market
    run(bot, market.ticker, rounds=1)
    assert bot.sent == []
    assert "Error: '<' not supported" in capsys.readouterr().out
