"""The proxy applies each mode to connections, as the upstream sees."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import loopback
import pytest
from tcp_proxy import (
    BlackHole,
    DelayAnswer,
    DelayRequest,
    Drip,
    IdleClose,
    Pass,
    Refuse,
    ResetAfterRequest,
    ResetBeforeRequest,
    ResetOnConnect,
    TcpProxy,
    Truncate,
)

ANSWER = loopback.http(201, {"order_id": "1"})


@pytest.fixture
def upstream() -> Iterator[loopback.Server]:
    with loopback.serving(lambda connection, _: connection.sendall(ANSWER)) as server:
        yield server


@pytest.fixture
def proxy(upstream: loopback.Server) -> Iterator[TcpProxy]:
    port = urlsplit(upstream.url).port
    assert port is not None
    with TcpProxy(port) as running:
        yield running


def connect(proxy: TcpProxy, timeout_s: float = 5) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout_s)


def request(method: str = "POST", body: bytes = b'{"a":1}') -> bytes:
    return f"{method} /orders HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def read_to_the_end(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def exchange(proxy: TcpProxy, method: str = "POST", timeout_s: float = 5) -> bytes:
    with connect(proxy, timeout_s) as connection:
        connection.sendall(request(method))
        return connection.recv(4096)


def test_pass_hands_on_requests_and_answers_of_one_connection(proxy, upstream):
    caller = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
    for number in range(3):
        caller.request("POST", f"/orders/{number}", body=b"x" * 100_000)
        answer = caller.getresponse()
        assert (answer.status, answer.read()) == (201, b'{"order_id": "1"}')
    caller.close()
    assert [seen.path for seen in upstream.requests] == ["/orders/0", "/orders/1", "/orders/2"]
    assert all(len(seen.body) == 100_000 for seen in upstream.requests)


def test_refuse_closes_the_port_and_open_connections_until_switched_back(proxy):
    with connect(proxy) as open_one:
        open_one.sendall(request())
        assert open_one.recv(4096) == ANSWER
        proxy.switch(Refuse())
        assert open_one.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.switch(Pass())
    assert exchange(proxy) == ANSWER


def test_reset_on_connect(proxy, upstream):
    proxy.switch(ResetOnConnect())
    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        exchange(proxy)
    assert upstream.requests == []


def test_reset_before_request_never_reaches_the_upstream(proxy, upstream):
    proxy.switch(ResetBeforeRequest())
    with pytest.raises(ConnectionResetError):
        exchange(proxy)
    assert len(proxy.seen) == 1
    assert upstream.requests == []


def test_reset_after_request_lets_the_upstream_act(proxy, upstream):
    proxy.switch(ResetAfterRequest())
    with pytest.raises(ConnectionResetError):
        exchange(proxy)
    assert [seen.method for seen in upstream.requests] == ["POST"]
    assert len(proxy.forwarded) == 1


@pytest.mark.parametrize("forward", [True, False])
def test_black_hole_never_answers(proxy, upstream, forward):
    proxy.switch(BlackHole(forward=forward))
    with pytest.raises(TimeoutError):
        exchange(proxy, timeout_s=0.2)
    proxy.wait_until_seen(1)
    proxy.wait_until_quiet()
    assert len(upstream.requests) == int(forward)


def test_drip_hands_on_little_by_little(proxy):
    proxy.switch(Drip(count=10, interval_s=0.01))
    started = time.monotonic()
    with connect(proxy) as connection:
        connection.sendall(request())
        parts: list[bytes] = []
        while sum(map(len, parts)) < len(ANSWER):
            parts.append(connection.recv(4096))
    assert b"".join(parts) == ANSWER
    assert time.monotonic() - started >= 0.01 * (len(ANSWER) // 10)


@pytest.mark.parametrize("count", [0, 1, 20, len(ANSWER) - 1])
def test_truncate_hands_on_so_many_bytes_and_closes(proxy, upstream, count):
    proxy.switch(Truncate(count))
    with connect(proxy) as connection:
        connection.sendall(request())
        assert read_to_the_end(connection) == ANSWER[:count]
    assert len(upstream.requests) == 1


def test_truncate_can_reset(proxy):
    proxy.switch(Truncate(0, reset=True))
    with pytest.raises(ConnectionResetError):
        exchange(proxy)


def test_idle_close_ends_an_unused_connection(proxy):
    proxy.switch(IdleClose(0.05))
    with connect(proxy) as connection:
        for _ in range(2):
            connection.sendall(request())
            assert connection.recv(4096) == ANSWER
        assert connection.recv(10) == b""


def test_delayed_request_arrives_though_its_sender_has_gone(proxy, upstream):
    proxy.switch(DelayRequest(0.5))
    with pytest.raises(TimeoutError):
        exchange(proxy, timeout_s=0.05)
    assert upstream.requests == []
    proxy.wait_until_seen(1)
    proxy.wait_until_quiet()
    assert len(upstream.requests) == 1


def test_delayed_answer_comes_after_the_upstream_has_acted(proxy, upstream):
    proxy.switch(DelayAnswer(0.3))
    started = time.monotonic()
    with connect(proxy) as connection:
        connection.sendall(request())
        assert connection.recv(4096) == ANSWER
    assert time.monotonic() - started >= 0.3
    assert len(upstream.requests) == 1


def test_mode_can_be_meant_for_one_method_and_a_number_of_times(proxy):
    proxy.switch(Truncate(3), methods={"POST"}, times=2)
    answers = [exchange(proxy, method) for method in ("GET", "POST", "GET", "POST", "POST")]
    assert answers == [ANSWER, ANSWER[:3], ANSWER, ANSWER[:3], ANSWER]


def test_closing_ends_everything_that_still_waits(upstream):
    port = urlsplit(upstream.url).port
    assert port is not None
    with TcpProxy(port) as proxy:
        proxy.switch(DelayRequest(20))
        connection = connect(proxy)
        connection.sendall(request())
        proxy.wait_until_seen(1)
    assert connection.recv(10) == b""
    connection.close()
    assert upstream.requests == []
