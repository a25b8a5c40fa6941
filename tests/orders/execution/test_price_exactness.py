"""Every possible price is the same on screen, in journal and on the wire.

A separate parser that works on digits reads the sentence back. So the program's arithmetic cannot
confirm itself.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import proof
import pytest
from cases import naming
from model_factory import MARKET, NOW, preview

from kalshi_trading.core.models import Action, OrderRequest, Side
from kalshi_trading.core.money import parse_price
from kalshi_trading.core.records.acknowledgements import OrderAcknowledgement
from kalshi_trading.exchange.wire.account import order_body
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

WAYS = list(itertools.product(Action, Side))
SENTENCE = re.compile(r"(BUY|SELL) ([0-9,]+(?:\.[0-9]+)?) (YES|NO) (\S+) at ([0-9.]+)¢, ([a-z ]+)")


def ten_thousandths(cents: str) -> int:
    """Convert a price to ten-thousandths by digits, not by arithmetic.

    `57` → 5700, `5.5` → 550, `0.01` → 1.
    """
    whole, _, fraction = cents.partition(".")
    assert len(fraction) <= 2
    return int(whole + fraction.ljust(2, "0"))


def wire_of(sentence: str) -> dict[str, str]:
    """Return the body that must be sent for a sentence."""
    action, count, side, ticker, cents, how_long = SENTENCE.fullmatch(sentence).groups()
    price = ten_thousandths(cents)
    goes_long = (action, side) in {("BUY", "YES"), ("SELL", "NO")}
    in_yes = price if side == "YES" else 10_000 - price
    whole, _, fraction = count.replace(",", "").partition(".")
    return {
        "ticker": ticker,
        "side": "bid" if goes_long else "ask",
        "count": f"{whole}.{fraction.ljust(2, '0')}",
        "price": f"0.{in_yes:04}",
        "time_in_force": how_long.replace(" ", "_"),
    }


class Wire:
    """Accepts every order and keeps its body."""

    exchange_time = KalshiClient.exchange_time

    clock_skew_s = None

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []

    def send_order(self, order: OrderRequest, *, before_sending: Callable[[], None]) -> OrderAcknowledgement:
        before_sending()
        self.bodies.append(order_body(order))
        return OrderAcknowledgement(
            f"order-{len(self.bodies)}", order.client_order_id, D(0), order.count, None, None, NOW
        )


class Journal(TradeLogger):
    """A journal whose lines go to a list; other tests cover the file format."""

    def __init__(self, folder) -> None:
        super().__init__(folder, "practice")
        self.intents: list[dict[str, object]] = []

    def log_order_step(self, event, fields) -> None:
        if event == "intent":
            self.intents.append(fields)


def trader(folder) -> tuple[Wire, Journal, OrderService]:
    wire, journal = Wire(), Journal(folder)
    executor = OrderService(wire, journal, limits=Limits(), clock=lambda: NOW + timedelta(seconds=1))
    return wire, journal, executor


@pytest.mark.parametrize(("action", "side"), WAYS)
def test_all_9999_prices_are_shown_recorded_and_sent_alike(tmp_path, action, side):
    wire, journal, executor = trader(tmp_path)
    looked_at = replace(preview(OrderTicket(MARKET.ticker, action, side, D(10), D("0.65"))), findings=())
    shown = []
    numbers = proof.sample(range(1, 10_000), proof.CURRENT.prices)
    for number in numbers:
        price = parse_price(f"0.{number:04}")
        request = replace(looked_at.request, price=price, client_order_id=f"id-{number}")
        seen = replace(looked_at, request=request)
        shown.append(seen.sentence)
        executor.submit(seen)
    assert len(wire.bodies) == len(journal.intents) == len(shown) == len(numbers)
    for number, sentence, intent, body in zip(numbers, shown, journal.intents, wire.bodies, strict=True):
        expected = wire_of(sentence)
        assert {name: body[name] for name in expected} == expected
        assert intent["sentence"] == sentence
        assert f"{intent['price']:f}" == f"0.{number:04}"
        assert f"{intent['count']:f}" == "10"
        assert (intent["action"], intent["side"]) == (action.value, side.value)
        assert (intent["ticker"], intent["time_in_force"]) == (body["ticker"], body["time_in_force"])
        assert intent["client_order_id"] == body["client_order_id"]


TYPED = ["57", "57c", "57¢", "5.5", "0.57", "$0.57", "0.0001", "99.99"]
COUNTS = ["10", "2.5", "0.01", "1000", "12345.67"]


def disagreements(folder, ticket: OrderTicket) -> list[str]:
    """Submit a ticket; return differences of sentence, journal line and body."""
    seen = replace(preview(ticket), findings=())
    wire, journal = Wire(), TradeLogger(folder, "practice")
    OrderService(wire, journal, limits=Limits(), clock=lambda: NOW).submit(seen)
    (intent,) = (each for each in journal.read_journal().records if each.event == "order.intent")
    (body,) = wire.bodies
    recorded = int(D(intent.text("price")) * 10_000)
    in_yes = recorded if ticket.side is Side.YES else 10_000 - recorded
    pairs = [
        *((name, body[name], value) for name, value in wire_of(intent.text("sentence")).items()),
        ("sentence recorded", intent.text("sentence"), seen.sentence),
        ("price recorded", f"0.{in_yes:04}", body["price"]),
        ("count recorded", f"{D(intent.text('count')):.2f}", body["count"]),
    ]
    return [f"{name}: {one} is not {other}" for name, one, other in pairs if one != other]


@pytest.mark.parametrize(("action", "side"), WAYS)
def test_a_price_as_typed_reaches_the_disk_as_it_reaches_the_wire(tmp_path, action, side):
    wrong = []
    for number, (typed, count) in enumerate(itertools.product(TYPED, COUNTS)):
        folder = tmp_path / str(number)  # a journal for each order
        with naming(f"{count} at {typed}"):
            ticket = OrderTicket(MARKET.ticker, action, side, D(count), parse_price(typed))
            wrong += [f"{count} at {typed}, {each}" for each in disagreements(folder, ticket)]
    assert wrong == []


def test_a_sentence_names_the_time_in_force(tmp_path):
    wire, journal, executor = trader(tmp_path)
    executor.submit(preview(OrderTicket(MARKET.ticker, Action.BUY, Side.NO, D(3), None)))
    assert wire_of(journal.intents[0]["sentence"])["time_in_force"] == "immediate_or_cancel"
    assert wire.bodies[0]["time_in_force"] == "immediate_or_cancel"
