"""Faults around one submission: a table of situations, and a name service.

A situation is drawn just before an order is sent. It names its rows of the failure catalogue and its faults
at the exchange, on the wire and in the name service.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import tcp_proxy
from tcp_proxy import HOST, Mode

Rule = Mapping[str, Any]

CREATE = {"method": "POST", "path": "/portfolio/events/orders", "times": 1}
LISTS = {"method": "GET", "path": "/portfolio/orders", "times": 3}
SHORTEST_ANSWER = 200  # minimum bytes of an answer to an order
LATE_BUT_IN_TIME_S = 1.0  # well within the margin, even on a busy machine
LATER_THAN_THE_MARGIN_S = 4.5
LATER_THAN_A_SIGNATURE_LIVES_S = 10.5

ID_TAKEN = {"status": 409, "body": {"error": {"code": "order_already_exists", "message": "exists"}}}
CONFLICT = {"status": 409, "body": {"message": "conflict"}}


@dataclass(frozen=True)
class Situation:
    """One way to fail. `wire` and `names` need a session behind a proxy."""

    name: str
    rows: tuple[int, ...]
    rules: tuple[Rule, ...] = ()
    wire: Mode | None = None
    names: str = "right"
    weight: int = 2

    @property
    def lasts_s(self) -> float:
        """Seconds until its last event."""
        return max((rule.get("after_s", 0.0) for rule in self.rules), default=0.0)

    @property
    def prevents(self) -> bool:
        """True if no order is created while this is active.

        False: the order is created, and its first answer is lost.
        """
        refuses = any(rule["kind"] == "before_accept" and rule["method"] == "POST" for rule in self.rules)
        before = tcp_proxy.Refuse(), tcp_proxy.ResetOnConnect(), tcp_proxy.ResetBeforeRequest()
        return refuses or self.names != "right" or self.wire in (*before, tcp_proxy.BlackHole())

    @property
    def leaves_a_mark(self) -> bool:
        """True if journal or exchange must show that it happened.

        Exceptions: reads may use it up, a large answer may arrive in time, or it only closes idle
        connections.
        """
        if isinstance(self.wire, tcp_proxy.Truncate):
            return self.wire.count < SHORTEST_ANSWER
        may_pass = any(
            rule["kind"] == "rate_limit_storm" or rule.get("answer") == "huge" for rule in self.rules
        )
        return bool(self.rows) and not may_pass and not isinstance(self.wire, tcp_proxy.IdleClose)


def before(answer: Any) -> Rule:
    return {**CREATE, "kind": "before_accept", "answer": answer}


def after(answer: Any) -> Rule:
    return {**CREATE, "kind": "after_accept", "answer": answer}


LOST_ANSWER = {**CREATE, "kind": "after_accept", "hold_s": 0.4}
LOST_REQUEST = {**CREATE, "kind": "before_accept", "hold_s": 0.4}


def late(after_s: float, **how: Any) -> Rule:
    return {**CREATE, "kind": "late", "after_s": after_s, **how}


def broken_list(mode: str) -> Rule:
    return {**LISTS, "kind": "paging", "mode": mode}


FINE = Situation("fine weather", (), weight=25)


def at_the_exchange() -> list[Situation]:
    """List faults of an exchange or HTTP intermediary on an order or lookup."""
    middlemen = ("html_500", "html_502", "html_503", "html_504", "json_500", "json_503", "request_timeout")
    odd = ("too_early", "moved", "found", "temporary_redirect")
    bodies = ("error_with_200", "error_with_201", "refusal_with_201", "empty_object_with_201")
    garbled = ("invalid_json", "truncated_json", "without_order_id", "other_client_order_id")
    worse = ("error_instead", "empty", "list_instead", "nan", "long_number", "deep")
    limits = ("", "_seconds", "_date", "_zero", "_negative", "_nan", "_long")
    return [
        FINE,
        Situation("answer never comes", (2,), (LOST_ANSWER,), weight=4),
        Situation("answer comes late", (2,), ({**CREATE, "kind": "after_accept", "delay_s": 0.5},), weight=3),
        Situation("request is lost", (3,), (LOST_REQUEST,), weight=4),
        Situation("request arrives late", (4,), (late(LATE_BUT_IN_TIME_S),), weight=4),
        Situation("gateway gives up, request late", (4, 8), (late(0.3, answer="html_504"),), weight=4),
        Situation("request beyond the margin", (4,), (late(LATER_THAN_THE_MARGIN_S),), weight=1),
        Situation("request beyond its signature", (4,), (late(LATER_THAN_A_SIGNATURE_LIVES_S),), weight=1),
        *(Situation(f"accepted, then {name}", (6,), (after(name),)) for name in (*garbled, *worse)),
        *(Situation(f"accepted, then {name}", (7,), (after(name),)) for name in bodies),
        *(Situation(f"{name} instead", (7,), (before(name),), weight=1) for name in bodies),
        *(Situation(f"accepted, then {name}", (8,), (after(name),), weight=1) for name in middlemen + odd),
        *(Situation(f"{name} instead", (8,), (before(name),), weight=1) for name in middlemen + odd),
        Situation("403 of the exchange", (9,), (before("forbidden"),)),
        Situation("accepted, then id taken", (10,), (after(ID_TAKEN),)),
        Situation("accepted, then a bare conflict", (10,), (after(CONFLICT),)),
        Situation("id taken, no order", (10,), (before(ID_TAKEN),)),
        Situation(
            "ids forgotten, lost answer", (10,), (LOST_ANSWER, {"kind": "dedup", "mode": "forget_ended"})
        ),
        *(Situation(f"429{name}", (11,), (before(f"rate_limited{name}"),), weight=1) for name in limits),
        Situation("storm of 429", (11,), ({"kind": "rate_limit_storm", "times": 4, "retry_after": "1"},)),
        Situation("captive portal", (15,), (before("captive_portal"),)),
        Situation("portal after acceptance", (15,), (after("captive_portal"),)),
        Situation("403 of a middleman", (9, 15), (after("html_403"),)),
        Situation("32 MB of answer", (16,), (after("huge"),), weight=1),
        *(
            Situation(f"lost answer, list with {mode}", (16, 17), (LOST_ANSWER, broken_list(mode)))
            for mode in ("repeat", "cycle", "empty", "endless", "break_off")
        ),
        Situation("lost request, broken lists", (3, 17), (LOST_REQUEST, broken_list("break_off"))),
        Situation("lost request, endless list", (3, 17), (LOST_REQUEST, broken_list("endless"))),
        Situation("lost answer, reads lag", (2, 4), (LOST_ANSWER, {"kind": "read_lag", "lag_s": 0.6})),
        Situation("lost answer, reads stand still", (2, 4), (LOST_ANSWER, {"kind": "frozen"})),
        Situation("lost request, reads lag", (3, 4), (LOST_REQUEST, {"kind": "read_lag", "lag_s": 0.6})),
        Situation("late request, reads lag", (4,), (late(0.5), {"kind": "read_lag", "lag_s": 0.6})),
        Situation(
            "lost answer, half of all reads fail",
            (2, 8),
            (LOST_ANSWER, {"kind": "before_accept", "method": "GET", "chance": 0.5, "answer": "html_503"}),
        ),
    ]


def on_the_wire(random: Random) -> list[Situation]:
    """List faults of names, connections and bytes.

    Offsets are drawn afresh each time.
    """
    cut = tcp_proxy.Truncate(random.randint(0, 450), reset=random.random() < 0.5)
    return [
        Situation("name unknown", (1,), names="unknown", weight=5),
        Situation("connection never answered", (1,), names="deaf", weight=5),
        Situation("connection refused", (1,), wire=tcp_proxy.Refuse(), weight=5),
        Situation("reset on connection", (1, 5), wire=tcp_proxy.ResetOnConnect()),
        Situation("black hole behind acceptance", (2,), wire=tcp_proxy.BlackHole(forward=True)),
        Situation("black hole before acceptance", (3,), wire=tcp_proxy.BlackHole()),
        Situation("answer delayed", (2,), wire=tcp_proxy.DelayAnswer(0.5)),
        Situation("request delayed on the wire", (4,), wire=tcp_proxy.DelayRequest(0.8)),
        Situation("reset before the request", (5,), wire=tcp_proxy.ResetBeforeRequest()),
        Situation("reset after the request", (5,), wire=tcp_proxy.ResetAfterRequest(), weight=4),
        Situation("answer cut short", (5,), wire=cut, weight=10),
        Situation("answer drips", (12,), wire=tcp_proxy.Drip(count=20, interval_s=0.03)),
        Situation("idle connections closed", (13,), wire=tcp_proxy.IdleClose(0.0), weight=3),
        Situation("idle connections closed soon", (13,), wire=tcp_proxy.IdleClose(0.02), weight=3),
    ]


class NameService:
    """Answer name lookups of a test's hosts: `right`, `unknown` or `deaf`.

    `deaf`: no server answers there.
    """

    def __init__(self) -> None:
        self.says: dict[str, str] = {}
        self._deaf_port = 0
        self._ask = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *more: Any, **named: Any) -> Any:
        said = self.says.get(host)
        if said is None:
            return self._ask(host, port, *more, **named)
        if said == "unknown":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._ask(HOST, self._deaf_port if said == "deaf" else port, *more, **named)

    @contextlib.contextmanager
    def open(self) -> Iterator[NameService]:
        """Keep a port with a full connection queue, so another gets no answer."""
        with socket.create_server((HOST, 0), backlog=0) as listener, contextlib.ExitStack() as stack:
            self._deaf_port = listener.getsockname()[1]
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((HOST, self._deaf_port))
            yield self
