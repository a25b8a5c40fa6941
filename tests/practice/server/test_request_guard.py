"""The request guard over a socket.

Covers foreign hosts, large bodies and clients that disconnect.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cases import naming
from exchange_process import ExchangeProcess, running_exchange

TIMEOUT_S = 30
MIB = 1024 * 1024
CREATE = "/trade-api/v2/portfolio/events/orders"
STATUS = "/trade-api/v2/exchange/status"


def port_of(exchange: ExchangeProcess) -> int:
    port = urlsplit(exchange.url).port
    assert port is not None
    return port


def connect(exchange: ExchangeProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(exchange)), TIMEOUT_S)


def head(exchange: ExchangeProcess, first: str, *headers: str, host: str | None = None) -> bytes:
    """Return the head of a request.

    The Host header defaults to the exchange's own.
    """
    lines = (f"{first} HTTP/1.1", f"Host: {host or f'127.0.0.1:{port_of(exchange)}'}", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def answer_to(exchange: ExchangeProcess, *parts: bytes) -> tuple[int, bytes]:
    """Send the parts and read until the exchange closes.

    Returns the status and all received bytes.
    """
    with connect(exchange) as connection:
        for part in parts:
            connection.sendall(part)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(said.split()[1]), said


# --- Host header ----------------------------------------------------------------------------------


def test_requests_to_another_host_are_refused(practice_exchange: ExchangeProcess) -> None:
    port = port_of(practice_exchange)
    own = ["127.0.0.1:{}", "localhost:{}", "LOCALHOST:{}", "[::1]:{}"]
    foreign = ["evil.example", "evil.example:{}", "127.0.0.1", "localhost", f"localhost:{port + 1}"]
    foreign += ["localhost.evil.example:{}", "127.0.0.1:{}@evil.example", "me@127.0.0.1:{}", "0.0.0.0:{}"]
    expected = {**dict.fromkeys(own, 200), **dict.fromkeys(foreign, 421)}
    found = {}
    for host in expected:
        with naming(host):
            request = head(practice_exchange, f"GET {STATUS}", "Connection: close", host=host.format(port))
            found[host] = answer_to(practice_exchange, request)[0]
    assert found == expected
    old = f"GET {STATUS} HTTP/1.0\r\n\r\n".encode()  # only this version may omit the Host header
    assert answer_to(practice_exchange, old)[0] == 421


def test_control_requests_to_another_host_are_refused(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "--markets", "20", "--control") as exchange:
        status, _ = answer_to(exchange, head(exchange, "GET /practice/books", host="evil.example"))
        own, _ = answer_to(exchange, head(exchange, "GET /practice/books", "Connection: close"))
    assert (status, own) == (421, 200)


# --- Body size ------------------------------------------------------------------------------------


def test_a_body_is_refused_before_it_is_read_if_its_head_says_it_is_too_large(
    practice_exchange: ExchangeProcess,
) -> None:
    """The client sends no body, and gets no "100 Continue" if it waits."""
    for length in (MIB + 1, 400 * MIB, 10**19):
        for more in ([], ["Expect: 100-continue"], ["Transfer-Encoding: chunked"]):
            with naming((length, more)):
                request = head(practice_exchange, f"POST {CREATE}", f"Content-Length: {length}", *more)
                status, said = answer_to(practice_exchange, request)
                assert status == 413
                assert b"100 Continue" not in said
                assert b"connection: close" in said.lower()


def test_a_body_of_the_largest_size_is_read(practice_exchange: ExchangeProcess) -> None:
    request = head(practice_exchange, f"POST {CREATE}", f"Content-Length: {MIB}", "Connection: close")
    status, said = answer_to(practice_exchange, request, b" " * MIB)
    assert (status, b"signature_is_missing" in said) == (401, True)


def peak_memory_kib(exchange: ExchangeProcess) -> int:
    lines = Path(f"/proc/{exchange.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def sent_before_refusal(exchange: ExchangeProcess, request: bytes, block: bytes, most: int) -> int:
    """Send blocks until the exchange closes; return the bytes sent."""
    sent = 0
    with connect(exchange) as connection:
        connection.sendall(request)
        try:
            while sent < most:
                connection.sendall(block)
                sent += len(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
    return sent


def test_a_body_of_400_mb_costs_neither_time_nor_memory(fresh_practice_exchange: ExchangeProcess) -> None:
    exchange, most = fresh_practice_exchange, 400 * MIB
    before = peak_memory_kib(exchange)
    chunked = head(exchange, f"POST {CREATE}", "Transfer-Encoding: chunked")
    chunk = f"{MIB // 2:x}\r\n".encode() + b" " * (MIB // 2) + b"\r\n"
    endless = f"{most:x}\r\n".encode()
    with_length = head(exchange, f"POST {CREATE}", f"Content-Length: {most}")
    for what, request, block in (
        ("chunks", chunked, chunk),
        ("one chunk", chunked + endless, b" " * (MIB // 2)),
        ("a length", with_length, b" " * (MIB // 2)),
    ):
        with naming(what):
            assert sent_before_refusal(exchange, request, block, most) < 40 * MIB  # system buffers included
    assert peak_memory_kib(exchange) - before < 20 * 1024


def test_a_length_that_is_not_the_bodys_harms_no_other_request(practice_exchange: ExchangeProcess) -> None:
    request = head(practice_exchange, f"GET {STATUS}", "Content-Length: 3")
    status, said = answer_to(practice_exchange, request, b"abc is longer than this\r\n\r\n")
    assert (status, said.count(b"HTTP/1.1 400")) == (200, 1)
    for wrong in ("-1", "1e3", "0x10", "9" * 5_000, "5\r\nContent-Length: 6"):
        with naming(wrong[:20]):
            request = head(practice_exchange, f"POST {CREATE}", f"Content-Length: {wrong}")
            assert answer_to(practice_exchange, request)[0] == 400


# --- Disconnecting clients ------------------------------------------------------------------------


def leave(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def unfinished_requests(exchange: ExchangeProcess) -> Iterator[tuple[str, bytes]]:
    for first in (f"POST {CREATE}", "GET /trade-api/v2/markets?limit=1000"):
        yield "in the head", head(exchange, first)[:40]
        yield "before the body", head(exchange, first, "Content-Length: 100")
        yield "in the body", head(exchange, first, "Content-Length: 100") + b"{"
        yield "in a chunk", head(exchange, first, "Transfer-Encoding: chunked") + b"64\r\n{"
        yield "between chunks", head(exchange, first, "Transfer-Encoding: chunked") + b"1\r\n{\r\n"
        yield "in the answer", head(exchange, first)
        yield "in a row of answers", head(exchange, first) * 30
    yield "garbage as chunks", head(exchange, f"POST {CREATE}", "Transfer-Encoding: chunked") + b"no\r\n"
    too_large = f"Content-Length: {MIB + 1}"
    yield (
        "too large, and garbage",
        (head(exchange, f"POST {CREATE}", too_large, "Transfer-Encoding: chunked") + b"no\r\n"),
    )


def complaints_at_the_end(exchange: ExchangeProcess) -> str:
    exchange.process.send_signal(signal.SIGTERM)
    assert exchange.process.wait(TIMEOUT_S) == 0
    return exchange.process.communicate()[1]


@pytest.mark.parametrize("is_faulty", [False, True])
def test_clients_that_leave_at_any_moment_leave_no_traceback(tmp_path: Path, is_faulty: bool) -> None:
    (tmp_path / "faults.json").write_text(json.dumps({"rules": []}))
    options = ["--markets", "300", "--idle-exit", "0"]
    options += ["--faults", str(tmp_path / "faults.json"), "--control"] if is_faulty else []
    with running_exchange(tmp_path / "world", *options) as exchange:
        for go in (leave, reset):
            for what, request in unfinished_requests(exchange):
                with naming((go, what)):
                    connection = connect(exchange)
                    connection.sendall(request)
                    if what.startswith("in a row"):
                        assert connection.recv(10)
                    go(connection)
                    status, _ = answer_to(exchange, head(exchange, f"GET {STATUS}", "Connection: close"))
                    assert status == 200
        complaints = complaints_at_the_end(exchange)
    assert "Traceback" not in complaints, complaints
    assert "failed" not in complaints


def test_an_end_in_the_middle_of_requests_leaves_no_traceback(tmp_path: Path) -> None:
    """One client has sent half a body; another does not read its responses."""
    with (
        running_exchange(tmp_path, "--markets", "300") as exchange,
        connect(exchange) as asking,
        connect(exchange) as reading,
    ):
        asking.sendall(head(exchange, f"POST {CREATE}", "Content-Length: 100") + b"{")
        reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        reading.sendall(head(exchange, "GET /trade-api/v2/markets?limit=1000") * 30)
        assert reading.recv(10)
        complaints = complaints_at_the_end(exchange)
    assert "running task" in complaints  # one or both were still in progress
    assert "Traceback" not in complaints, complaints
