"""Thousands of orders from many sessions through every fault.

None may be doubled, lost or misjudged. Uses real transport, exchanges in their own processes and
one journal. An independent verifier then compares the journal with the exchanges' orders.
"""

from __future__ import annotations

import itertools
import json
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import fault_mix
import proof
import pytest
import verifier
from faulty_exchange import FaultyExchange
from tcp_proxy import IdleClose, Pass, Refuse, TcpProxy
from trading_session import Access, OrderSpec, TradingSession

from kalshi_trading.core.models import Action, Side, TimeInForce
from kalshi_trading.orders.execution.recovery_loop import RecoveryLoop
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult

pytestmark = pytest.mark.faults

EXCHANGES = 8
SESSIONS_PER_EXCHANGE = 2  # the last one is behind a proxy
MARGIN_S, APART_S = 2.5, 0.3
CLOCKS_AHEAD_S = (0, 61, -61)  # row 14
ROWS = [row for row in range(1, 18) if row != 14]  # row 14 is about the sessions' clocks
FORCED_ROWS = [row for row in ROWS if row != 13]  # closing idle connections must have no effect
KINDS = [(action, side) for action in Action for side in Side]


@dataclass
class Venue:
    """An exchange with changing faults, and its open markets."""

    faulty: FaultyExchange
    tickers: list[str]
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def access(self) -> Access:
        exchange = self.faulty.exchange
        return Access(exchange.url, exchange.key_id, exchange.private_key_path)

    def fail(self, rules: tuple[fault_mix.Rule, ...], seed: int) -> None:
        with self.lock:
            self.faulty.fail(*rules, seed=seed)


@dataclass
class SessionAtExchange:
    """A session, its exchange, and its random draws."""

    desk: TradingSession
    venue: Venue
    draw: random.Random
    host: str | None = None
    names: fault_mix.NameService | None = None
    proxy: TcpProxy | None = None
    forced: list[tuple[fault_mix.Situation, str]] = field(default_factory=list)  # with its client_order_id
    met: list[fault_mix.Situation] = field(default_factory=list)
    submissions: list[SubmissionResult] = field(default_factory=list)
    quiet_at: float = 0  # when the last late request will have arrived, in monotonic seconds
    _healing: threading.Timer | None = None

    def trade(self, times: int) -> None:
        for number in range(times):
            self.turn_to(self.situation(first_half=number < times / 2))
            self.submissions.append(self.desk.submit(self.wish()))
        self.turn_to(fault_mix.FINE)

    def situation(self, *, first_half: bool) -> fault_mix.Situation:
        """Draw the next situation; long ones only in the first half.

        So the test does not wait for them at the end.
        """
        table = fault_mix.at_the_exchange()
        if self.proxy is not None:
            table += fault_mix.on_the_wire(self.draw)
        if not first_half:
            table = [each for each in table if each.lasts_s <= fault_mix.LATE_BUT_IN_TIME_S]
        return self.draw.choices(table, [each.weight for each in table])[0]

    def force(self, situation: fault_mix.Situation) -> None:
        """Send one resting order through a situation.

        No other session uses this exchange meanwhile.
        """
        self.forced.append((situation, self.go_through(situation)))

    def go_through(self, situation: fault_mix.Situation) -> str:
        """Send a resting order through a situation and return its client_order_id."""
        self.turn_to(situation, forced=True)
        done = self.desk.submit(OrderSpec(self.draw.choice(self.venue.tickers), "0.01"))
        self.turn_to(fault_mix.FINE)
        return done.request.client_order_id

    def turn_to(self, situation: fault_mix.Situation, *, forced: bool = False) -> None:
        """Change the faults.

        A forced situation lasts until the next change; a drawn one may end sooner.
        """
        self.met.append(situation)
        self.quiet_at = max(self.quiet_at, time.monotonic() + situation.lasts_s + 0.5)
        if self._healing is not None:
            self._healing.join()
            self._healing = None
        self.venue.fail(situation.rules, self.draw.getrandbits(30))
        if self.proxy is None:
            return
        assert self.names is not None
        assert self.host is not None
        self.names.says[self.host] = situation.names
        if situation.names != "right":
            self.proxy.switch(Refuse())  # closes the connections that need no name lookup any more
        wire = situation.wire or Pass()
        # most looks must succeed, or the test spends its time waiting
        lasts = forced or isinstance(wire, IdleClose)
        self.proxy.switch(wire, times=None if lasts else self.draw.choice((1, 2, 4)))
        if isinstance(wire, Refuse) and not forced and self.draw.random() < 0.5:
            self._healing = threading.Timer(0.015, self.proxy.switch, [Pass()])
            self._healing.start()

    def wish(self) -> OrderSpec:
        """Draw an order: most rest far from the market.

        Some trade at once, some are off the grid.
        """
        action, side = self.draw.choice(KINDS)
        cheap, dear = "0.01", "0.99"
        rests, trades = (cheap, dear) if action is Action.BUY else (dear, cheap)
        price = self.draw.choices([rests, trades, "0.0155"], [6, 3, 1])[0]
        at_once = self.draw.random() < 0.3
        return OrderSpec(
            ticker=self.draw.choice(self.venue.tickers),
            price=price,
            action=action,
            side=side,
            count=self.draw.choice(["1", "2.5", "0.01", "3"]),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL if at_once else TimeInForce.GOOD_TILL_CANCELED,
        )


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[fault_mix.NameService]:
    service = fault_mix.NameService()
    monkeypatch.setattr(socket, "getaddrinfo", service)
    monkeypatch.setenv("NO_PROXY", "*")
    with service.open() as running:
        yield running


def start_sessions(
    stack: ExitStack,
    folder: Path,
    faulty_exchange: Callable[..., FaultyExchange],
    names: fault_mix.NameService,
    seed: int,
) -> list[SessionAtExchange]:
    taken = []
    for number in range(EXCHANGES):
        faulty = faulty_exchange("--markets", "40", name=f"exchange-{number}")
        venue = Venue(faulty, faulty.exchange.open_tickers(30))
        for place in range(SESSIONS_PER_EXCHANGE):
            drawn = random.Random(f"{seed}/{number}/{place}")
            ahead_s = CLOCKS_AHEAD_S[(number + place) % 3]
            access, proxied = venue.access, {}
            if place == SESSIONS_PER_EXCHANGE - 1:
                port = urlsplit(access.url).port
                assert port is not None
                proxy, host = stack.enter_context(TcpProxy(port)), f"desk-{number}.test"
                names.says[host] = "right"
                proxied = {"host": host, "names": names, "proxy": proxy}
                access = Access(
                    f"http://{host}:{proxy.port}/trade-api/v2", *list(asdict(access).values())[1:]
                )
            desk = TradingSession(folder, access, margin_s=MARGIN_S, apart_s=APART_S, ahead_s=ahead_s)
            stack.callback(desk.close)
            desk.read_limits()
            taken.append(SessionAtExchange(desk, venue, drawn, **proxied))
    return taken


def force_every_row(taken: list[SessionAtExchange], draw: random.Random) -> None:
    """Force each row of the catalog once, at a session that can meet it.

    The session is alone at its exchange.
    """
    at_the_exchange, on_the_wire = fault_mix.at_the_exchange(), fault_mix.on_the_wire(draw)
    proxied = itertools.cycle([session for session in taken if session.proxy is not None])
    direct = itertools.cycle([session for session in taken if session.proxy is None])
    planned: dict[int, list[tuple[SessionAtExchange, fault_mix.Situation]]] = {}
    for row in FORCED_ROWS:
        situations = [
            each for each in at_the_exchange + on_the_wire if row in each.rows and each.leaves_a_mark
        ]
        chosen = draw.choices(situations, [each.weight for each in situations])[0]
        session = next(proxied if chosen in on_the_wire else direct)
        planned.setdefault(id(session.venue), []).append((session, chosen))

    def force(plans: list[tuple[SessionAtExchange, fault_mix.Situation]]) -> None:
        for session, situation in plans:
            session.force(situation)

    with ThreadPoolExecutor(len(planned)) as pool:
        list(pool.map(force, planned.values()))
    idle = next(each for each in on_the_wire if not set(each.rows) & set(FORCED_ROWS))
    next(proxied).go_through(idle)


def without_effect(lines: list[verifier.Line], taken: list[SessionAtExchange]) -> list[str]:
    """Return the forced situations that had no effect.

    A prevented order exists, or an answer was not lost.
    """
    events: dict[str, set[str]] = {}
    for line in lines:
        events.setdefault(line.fields.get("client_order_id", ""), set()).add(line.event)
    forced = [each for session in taken for each in session.forced]
    assert {row for situation, _ in forced for row in situation.rows} >= set(FORCED_ROWS)
    prevented = [each for each in forced if each[0].prevents]
    spoiled = [each for each in forced if not each[0].prevents]
    vain = [situation.name for situation, name in prevented if "order.acknowledged" in events[name]]
    return vain + [situation.name for situation, name in spoiled if "order.unknown" not in events[name]]


def test_no_order_is_doubled_lost_or_misjudged_under_any_fault(
    tmp_path: Path, faulty_exchange: Callable[..., FaultyExchange], names: fault_mix.NameService
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # shown when the test fails
    with ExitStack() as stack:
        taken = start_sessions(stack, tmp_path / "logs", faulty_exchange, names, seed)
        force_every_row(taken, random.Random(seed))
        trade_side_by_side(taken, proof.CURRENT.submissions)
        let_the_last_late_request_arrive(taken)
        for session in taken:
            session.desk.resolve_pending(within_s=60)
            session.desk.recovery.reconcile_late(session.desk.client.get_orders().require_complete())
        lines, damaged = verifier.journal_lines(tmp_path / "logs" / "practice")
        verdicts = judged(lines, taken)
    assert damaged == []
    assert [fault for verdict in verdicts for fault in verdict.faults] == []
    assert wire_faults(lines, taken) == []
    assert without_effect(lines, taken) == []
    everything_happened(taken, verdicts)


def trade_side_by_side(taken: list[SessionAtExchange], submissions: int) -> None:
    each = -(-submissions // len(taken))
    searches = [searching(session.desk) for session in taken]
    for search in searches:
        search.start()
    with ThreadPoolExecutor(len(taken)) as pool:
        for trading in [pool.submit(session.trade, each) for session in taken]:
            trading.result()
    for search in searches:
        search.stop()


def searching(desk: TradingSession) -> RecoveryLoop:
    return RecoveryLoop(desk.recovery, journal_failed=desk.lock.close, pause_s=2.0)


def let_the_last_late_request_arrive(taken: list[SessionAtExchange]) -> None:
    left_s = max(session.quiet_at for session in taken) - time.monotonic()
    time.sleep(max(0, left_s))


def judged(lines: list[verifier.Line], taken: list[SessionAtExchange]) -> list[verifier.Verdict]:
    """Compare the lines of each account with the orders of its exchange."""
    venues = {session.desk.account: session.venue for session in taken}
    verdicts = []
    for account, venue in venues.items():
        own = [line for line in lines if line.fields.get("account") == account]
        orders = verifier.exchange_orders(*asdict(venue.access).values())
        verdicts.append(verifier.verify(own, orders, margin_s=MARGIN_S))
    return verdicts


def wire_faults(lines: list[verifier.Line], taken: list[SessionAtExchange]) -> list[str]:
    """Compare what the proxies saw leave with the intents.

    Each order leaves once and equals its intent text by text.
    """
    intents = {line.fields["client_order_id"]: line.fields for line in lines if line.event == "order.intent"}
    seen = [
        each for session in taken if session.proxy for each in session.proxy.seen if each.method == "POST"
    ]
    bodies = [json.loads(each.bytes.partition(b"\r\n\r\n")[2]) for each in seen]
    assert len(bodies) > len(intents) / 4
    sent = Counter(body["client_order_id"] for body in bodies)
    twice = [f"{name} left {times} times" for name, times in sent.items() if times > 1]
    missing = [name for name in sent if name not in intents]
    known = [body for body in bodies if body["client_order_id"] in intents]
    wrong = [
        what for body in known for what in verifier.body_mismatches(intents[body["client_order_id"]], body)
    ]
    return twice + missing + wrong


def everything_happened(taken: list[SessionAtExchange], verdicts: list[verifier.Verdict]) -> None:
    """Check that every row and every end occurred and many orders exist.

    Without that the test would prove nothing.
    """
    met = Counter(row for session in taken for situation in session.met for row in situation.rows)
    assert set(met) == set(ROWS)
    ends = sum((verdict.ends for verdict in verdicts), Counter[str]())
    intents = sum(verdict.intents for verdict in verdicts)
    assert intents >= proof.CURRENT.submissions
    assert min(ends[end] for end in ("rejected", "not_sent", "absent")) >= max(1, intents // 200)
    assert sum(verdict.orders for verdict in verdicts) == ends["acknowledged"] >= intents / 3
    outcomes = Counter(result.outcome for session in taken for result in session.submissions)
    assert outcomes[Outcome.DENIED] == 0
    assert outcomes[Outcome.UNKNOWN] >= intents / 20
