"""A scripted server on loopback that records its requests."""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

ROOT = "/trade-api/v2"


@dataclass(frozen=True)
class Request:
    """One request from the wire. `connection` numbers connections from 0."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Script = Callable[[socket.socket, Request], None]


@dataclass
class Server:
    """Requests seen so far. `scripts` are used in turn, the last one repeats."""

    url: str
    scripts: list[Script]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def count(self, method: str) -> int:
        return sum(1 for request in self.requests if request.method == method)

    def next_script(self) -> Script:
        return self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]


def http(status: int, body: Any, *, date: Any = None, headers: dict[str, str] | None = None) -> bytes:
    """Return one whole answer. A body that is not bytes becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(content)}"]
    if date is not None:
        lines.append(f"Date: {date if isinstance(date, str) else format_datetime(date, usegmt=True)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def say(status: int, body: Any, **how: Any) -> Script:
    """Answer and keep the connection open."""
    return lambda connection, _: connection.sendall(http(status, body, **how))


def send_and_close(data: bytes) -> Script:
    """Send these bytes and close normally."""

    def script(connection: socket.socket, _: Request) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def hang(connection: socket.socket, _: Request) -> None:
    """Keep the connection open without an answer until the client closes."""
    connection.recv(1)


def reset(connection: socket.socket, _: Request) -> None:
    """Reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionError  # closing with a linger time of 0 resets the connection


def tunnel_to(url: str) -> Script:
    """Act as a CONNECT proxy: tunnel to this server, whatever the host."""

    def script(connection: socket.socket, _: Request) -> None:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            others = {connection: upstream, upstream: connection}
            while True:
                readable, _, _ = select.select(list(others), [], [], 10)
                for end in readable:
                    data = end.recv(65_536)
                    if not data:
                        raise ConnectionError
                    others[end].sendall(data)

    return script


def forward_to(url: str) -> Script:
    """Act as a gateway: forward to this server, with its own host name."""
    address = urlsplit(url).netloc

    def script(connection: socket.socket, request: Request) -> None:
        upstream = HTTPConnection(address, timeout=10)
        upstream.request(request.method, request.target, request.body, {**request.headers, "host": address})
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        connection.sendall(http(answer.status, body, date=answer.headers["date"]))

    return script


def _read_request(stream: Any, number: int) -> Request | None:
    first = stream.readline().decode().split()
    if len(first) != 3:
        return None
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(first[0], first[1], headers, body, number)


def _handle_connection(server: Server, connection: socket.socket, number: int) -> None:
    try:
        with connection, connection.makefile("rb") as stream:
            while (request := _read_request(stream, number)) is not None:
                server.requests.append(request)
                server.next_script()(connection, request)
    except (OSError, ValueError):
        return  # the client closed, or a script closed the connection


def _accept(
    server: Server,
    listener: socket.socket,
    tls: ssl.SSLContext | None,
    open_: list[socket.socket],
    all_: list[Any],
) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(10)
        if tls is not None:  # the first read does the handshake, in the connection's thread
            connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        open_.append(connection)
        thread = threading.Thread(target=_handle_connection, args=(server, connection, server.connections))
        server.connections += 1
        all_.append(thread)
        thread.start()


@contextmanager
def serving(*scripts: Script, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server. At the end all connections and threads are ended.

    With `tls`, the server uses TLS with that certificate.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}{ROOT}", list(scripts))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []
    accepting = threading.Thread(target=_accept, args=(server, listener, tls, connections, threads))
    accepting.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in (accepting, *threads):
            thread.join(60)
            assert not thread.is_alive()


def unused_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
