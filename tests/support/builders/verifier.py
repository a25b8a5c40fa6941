"""Independent check of journal and exchange against the order protocol.

Shares no code with the program. It reads the journal's files, signs its requests, and compares sentence,
record and order by its own rules.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ENDS = ("acknowledged", "rejected", "not_sent", "absent")
LIFE = ("intent", "sending", "unknown", *ENDS)
SENTENCE = re.compile(
    r"(BUY|SELL) ([0-9.,]+) (YES|NO) (\S+) at ([0-9.]+)¢, (good till canceled|immediate or cancel)"
)
BOOK_SIDES = {("buy", "yes"): "bid", ("sell", "no"): "bid", ("sell", "yes"): "ask", ("buy", "no"): "ask"}
CLOCK_TOLERANCE = timedelta(milliseconds=2)  # a line's time is cut to milliseconds

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the journal with its number."""

    number: int
    at: datetime
    event: str
    fields: Row


@dataclass
class Verdict:
    """Faults found. `ends` counts how the intents ended."""

    duplicates: list[str] = field(default_factory=list)
    unjournaled: list[str] = field(default_factory=list)
    wrong_ends: list[str] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    intents: int = 0
    orders: int = 0

    @property
    def faults(self) -> list[str]:
        return [*self.duplicates, *self.unjournaled, *self.wrong_ends, *self.mismatches, *self.damaged]


# --- Reading --------------------------------------------------------------------------------------


def journal_lines(folder: Path) -> tuple[list[Line], list[str]]:
    """Read every journal line in this folder, oldest first.

    Also returns a message for each damaged line.
    """
    lines: list[Line] = []
    damaged: list[str] = []
    for number, raw in enumerate(journal_bytes(folder).split(b"\n")[:-1], start=1):
        try:
            at, event, fields = raw.decode().split(" ", 2)
            lines.append(Line(number, datetime.fromisoformat(at), event, json.loads(fields)))
        except ValueError:
            damaged.append(f"line {number} is damaged: {raw[:80]!r}")
    return lines, damaged


def journal_bytes(folder: Path) -> bytes:
    """Return the whole journal, files of earlier days first."""
    packed = sorted(folder.glob("trades-*.log.gz"), key=_day_and_number)
    current = folder / "trades.log"
    texts = [gzip.decompress(path.read_bytes()) for path in packed]
    return b"".join([*texts, current.read_bytes() if current.exists() else b""])


def _day_and_number(path: Path) -> tuple[str, int]:
    day, _, number = path.name.removeprefix("trades-").removesuffix(".log.gz").partition(".")
    return day, int(number or 0)


def exchange_orders(url: str, key_id: str, private_key_path: str) -> list[Row]:
    """Read every order of the account over HTTP.

    Any answer but a complete list is an error.
    """
    key = load_pem_private_key(Path(private_key_path).read_bytes(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    rows: list[Row] = []
    cursor = ""
    while True:
        body = _get(url, f"/portfolio/orders?limit=1000&cursor={cursor}", key_id, key)
        rows += body["orders"]
        cursor = body["cursor"]
        if not cursor:
            return rows


def _get(url: str, target: str, key_id: str, key: rsa.RSAPrivateKey) -> Any:
    path = urlsplit(url).path + target.partition("?")[0]
    now_ms = str(time.time_ns() // 1_000_000)
    salted = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    signature = base64.b64encode(key.sign(f"{now_ms}GET{path}".encode(), salted, SHA256())).decode()
    headers = {
        "KALSHI-ACCESS-KEY": key_id,
        "KALSHI-ACCESS-TIMESTAMP": now_ms,
        "KALSHI-ACCESS-SIGNATURE": signature,
    }
    with urllib.request.urlopen(urllib.request.Request(url + target, headers=headers), timeout=30) as answer:
        return json.load(answer)


# --- Judging --------------------------------------------------------------------------------------


def verify(lines: Sequence[Line], orders: Iterable[Row], *, margin_s: float) -> Verdict:
    """Compare the journal's lines with the orders at the exchange."""
    verdict = Verdict()
    lives: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.event.removeprefix("order.") in LIFE and line.event.startswith("order."):
            lives[line.fields["client_order_id"]].append(line)
    existing: dict[str, list[Row]] = defaultdict(list)
    for order in orders:
        verdict.orders += 1
        existing[order["client_order_id"]].append(order)
    verdict.duplicates = [f"{name}: {len(rows)} orders" for name, rows in existing.items() if len(rows) > 1]
    for name, rows in existing.items():
        _check_intent_was_first(name, rows[0], lives.get(name, []), verdict)
    for name, life in lives.items():
        verdict.intents += 1
        _check_life(name, life, existing.get(name, []), margin_s, verdict)
    return verdict


def _check_intent_was_first(name: str, order: Row, life: Sequence[Line], verdict: Verdict) -> None:
    if not life or life[0].event != "order.intent":
        verdict.unjournaled.append(f"{name}: order {order['order_id']} has no intent")
        return
    intent = life[0]
    if intent.at > moment(order["created_time"]) + CLOCK_TOLERANCE:
        verdict.unjournaled.append(f"{name}: intent of {intent.at}, order of {order['created_time']}")
    verdict.mismatches += [f"{name}: {what}" for what in mismatches(intent.fields, order)]


def _check_life(
    name: str, life: Sequence[Line], orders: Sequence[Row], margin_s: float, verdict: Verdict
) -> None:
    words = [line.event.removeprefix("order.") for line in life]
    if words.count("intent") != 1 or words[0] != "intent":
        verdict.wrong_ends.append(f"{name}: its record is {words}")
    if "unknown" in words and "sending" in words[words.index("unknown") :]:
        verdict.wrong_ends.append(f"{name}: sent again though it may have been live: {words}")
    end = _end(words)
    verdict.ends[end] += 1
    if end == "open":
        verdict.wrong_ends.append(f"{name}: nothing ended it: {words}")
    elif end == "acknowledged" and not orders:
        verdict.wrong_ends.append(f"{name}: acknowledged, but there is no such order")
    elif end != "acknowledged" and orders:
        verdict.wrong_ends.append(f"{name}: {end}, but order {orders[0]['order_id']} exists")
    for line in life:
        verdict.wrong_ends += [f"{name}: {what}" for what in _false_statements(line, life, orders, margin_s)]


def _end(words: Sequence[str]) -> str:
    """Return how a record ended.

    An acknowledgement wins, otherwise the first end counts.
    """
    if "acknowledged" in words:
        return "acknowledged"
    return next((word for word in words if word in ENDS), "open")


def _false_statements(
    line: Line, life: Sequence[Line], orders: Sequence[Row], margin_s: float
) -> Iterator[str]:
    """Yield what a line states that was false when it was written.

    A later correction does not count.
    """
    word = line.event.removeprefix("order.")
    if word in ("rejected", "not_sent") and orders:
        yield f"{word} was written, but order {orders[0]['order_id']} exists"
    if word != "absent":
        return
    as_of = moment(line.fields["as_of"])
    if orders and moment(orders[0]["created_time"]) <= as_of:
        yield f"absent as of {as_of}, but its order is of {orders[0]['created_time']}"
    sent = [other.at for other in life if other.event == "order.sending"]
    if sent and as_of <= max(sent) + timedelta(seconds=margin_s):
        yield f"absent as of {as_of}, too soon after it was sent at {max(sent)}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- Sentence, record, order ----------------------------------------------------------------------


def mismatches(intent: Row, order: Row) -> Iterator[str]:
    """Yield where sentence, intent and order at the exchange differ."""
    said = SENTENCE.fullmatch(intent["sentence"])
    if said is None:
        yield f"the sentence {intent['sentence']!r} is not understood"
        return
    action, count, side, ticker, cents, how_long = said.groups()
    price = Decimal(cents) / 100
    sentence = (action.lower(), Decimal(count.replace(",", "")), side.lower(), ticker, price, how_long)
    record = (
        intent["action"],
        Decimal(intent["count"]),
        intent["side"],
        intent["ticker"],
        Decimal(intent["price"]),
        intent["time_in_force"].replace("_", " "),
    )
    if sentence != record:
        yield f"said {sentence}, recorded {record}"
    at_exchange = (
        order["book_side"],
        Decimal(order["initial_count_fp"]),
        order["ticker"],
        Decimal(order["yes_price_dollars"]),
    )
    if at_exchange != _in_the_book(action.lower(), side.lower(), Decimal(count), ticker, price):
        yield f"said {sentence}, placed {at_exchange}"


def body_mismatches(intent: Row, body: Row) -> Iterator[str]:
    """Yield where the sent body differs from the intent, text by text."""
    in_yes = Decimal(intent["price"]) if intent["side"] == "yes" else 1 - Decimal(intent["price"])
    expected = {
        "ticker": intent["ticker"],
        "client_order_id": intent["client_order_id"],
        "side": BOOK_SIDES[intent["action"], intent["side"]],
        "count": f"{Decimal(intent['count']):.2f}",
        "price": f"{in_yes:.4f}",
        "time_in_force": intent["time_in_force"],
        "self_trade_prevention_type": "taker_at_cross",
    }
    if dict(body) != expected:
        yield f"recorded {expected}, sent {dict(body)}"


def _in_the_book(
    action: str, side: str, count: Decimal, ticker: str, price: Decimal
) -> tuple[str, Decimal, str, Decimal]:
    return BOOK_SIDES[action, side], count, ticker, price if side == "yes" else 1 - price
