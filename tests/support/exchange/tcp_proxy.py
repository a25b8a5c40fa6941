"""A small TCP proxy on loopback that breaks connections on purpose.

It reads whole HTTP requests and whole answers, so that a test can say exactly what had left and what had
arrived when the connection broke. Every connection has a thread; all have ended when the proxy is closed.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"

_PATIENCE_S = 30
_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 256 * 1024 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HOST_LINE = re.compile(rb"(\r\nhost: *)[^\r]*", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True)
class Pass:
    """Hand on everything."""


@dataclass(frozen=True)
class Refuse:
    """Close the listening socket: connections are refused, open ones are ended."""


@dataclass(frozen=True)
class ResetOnConnect:
    """Accept a connection and reset it at once; open ones are reset too."""


@dataclass(frozen=True)
class ResetBeforeRequest:
    """Read a request and reset; the upstream never sees it."""


@dataclass(frozen=True)
class ResetAfterRequest:
    """Let the upstream answer a request, and reset without handing the answer on."""


@dataclass(frozen=True)
class BlackHole:
    """Read a request and never answer; `forward` says whether the upstream gets it."""

    forward: bool = False


@dataclass(frozen=True)
class Drip:
    """Hand the answer on by `count` bytes each `interval_s`."""

    count: int = 1
    interval_s: float = 0.05


@dataclass(frozen=True)
class Truncate:
    """Hand on the first `count` bytes of the answer, its head included; then close, or reset."""

    count: int = 0
    reset: bool = False


@dataclass(frozen=True)
class IdleClose:
    """Answer, and close the connection when no further request has come for `after_s`."""

    after_s: float = 0.0


@dataclass(frozen=True)
class DelayRequest:
    """Hand a request on after `after_s`, even when whoever sent it has gone."""

    after_s: float


@dataclass(frozen=True)
class DelayAnswer:
    """Hand a request on at once and its answer after `after_s`."""

    after_s: float


Mode = (
    Pass
    | Refuse
    | ResetOnConnect
    | ResetBeforeRequest
    | ResetAfterRequest
    | BlackHole
    | Drip
    | Truncate
    | IdleClose
    | DelayRequest
    | DelayAnswer
)


@dataclass(frozen=True)
class Seen:
    """One request the proxy read; `bytes` is all of it."""

    method: str
    target: str
    bytes: bytes = field(repr=False)


class _Ended(Exception):
    """The connection is over."""


class _Reset(Exception):
    """The connection is to be reset."""


class _Stream:
    """Reads messages from a socket and keeps what was read too far."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def message(self) -> bytes:
        """Read a head and the body that belongs to it."""
        head = self._until(b"\r\n\r\n", _LARGEST_HEAD)
        if length := _LENGTH.search(head):
            return head + self._exactly(int(length[1]))
        if _CHUNKED.search(head):
            return head + self._until(b"0\r\n\r\n", _LARGEST_BODY)
        return head

    def _until(self, end: bytes, most: int) -> bytes:
        while end not in self._buffer:
            self._more(most)
        taken, _, self._buffer = self._buffer.partition(end)
        return taken + end

    def _exactly(self, count: int) -> bytes:
        if count > _LARGEST_BODY:
            raise _Ended
        parts = [self._buffer]
        have = len(self._buffer)
        while have < count:
            part = self._connection.recv(min(count - have, 1 << 20))
            if not part:
                raise _Ended
            parts.append(part)
            have += len(part)
        whole = b"".join(parts)
        self._buffer = whole[count:]
        return whole[:count]

    def _more(self, most: int) -> None:
        part = self._connection.recv(65_536)
        if not part or len(self._buffer) > most:
            raise _Ended
        self._buffer += part


class TcpProxy:
    """A proxy in front of `upstream_port`. A context manager; `switch` changes what it does at any time.

    `seen` holds every request that was read whole, `forwarded` those that went to the upstream whole.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.seen: list[Seen] = []
        self.forwarded: list[Seen] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._mode: Mode = Pass()
        self._methods: frozenset[str] | None = None
        self._left: int | None = None
        self._busy = 0
        self._quiet = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0

    def __enter__(self) -> TcpProxy:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._stop_listening()
        self._end_connections()
        while alive := [thread for thread in self._threads if thread.is_alive()]:
            alive[0].join(_PATIENCE_S)
            assert not alive[0].is_alive()

    def switch(self, mode: Mode, *, methods: Collection[str] | None = None, times: int | None = None) -> None:
        """Behave so from the next request on: to these methods only, for so many requests, then pass."""
        with self._lock:
            self._mode = mode
            self._methods = None if methods is None else frozenset(methods)
            self._left = times
        if isinstance(mode, Refuse):
            self._stop_listening()
        elif self._listener is None:
            self._listen()
        if isinstance(mode, Refuse | ResetOnConnect):
            self._end_connections()

    def wait_until_quiet(self, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until no request is on its way any more, delayed ones included. Raises TimeoutError."""
        with self._quiet:
            if not self._quiet.wait_for(lambda: self._busy == 0, timeout_s):
                raise TimeoutError("requests are still on their way")

    def wait_until_seen(self, count: int, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until so many requests have been read in all. Raises TimeoutError."""
        with self._quiet:
            if not self._quiet.wait_for(lambda: len(self.seen) >= count, timeout_s):
                raise TimeoutError(f"only {len(self.seen)} requests came")

    # Connections.

    def _listen(self) -> None:
        # the same port again after `Refuse`: whoever talks to the proxy knows no other
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept, self._listener)

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _end_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(connection,), daemon=True)
        with self._lock:
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if isinstance(self._mode, ResetOnConnect) and self._take(None):
                _reset(connection)
                continue
            with self._lock:
                self._connections.add(connection)
            self._start(self._attend, connection)

    def _attend(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except _Reset:
            _reset(connection)
        except (_Ended, OSError):
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        stream = _Stream(connection)
        idle_s: float = _PATIENCE_S
        while not self._closing.is_set():
            connection.settimeout(max(idle_s, 0.001))
            raw = stream.message()
            connection.settimeout(_PATIENCE_S)
            method, target = raw.split(b" ", 2)[:2]
            request = Seen(method.decode("latin-1"), target.decode("latin-1"), raw)
            with self._counted(request):
                mode = self._take(request.method) or Pass()
                self._handle(mode, connection, request)
            idle_s = mode.after_s if isinstance(mode, IdleClose) else _PATIENCE_S

    @contextlib.contextmanager
    def _counted(self, request: Seen) -> Iterator[None]:
        with self._quiet:
            self._busy += 1
            self.seen.append(request)
            self._quiet.notify_all()
        try:
            yield
        finally:
            with self._quiet:
                self._busy -= 1
                self._quiet.notify_all()

    def _take(self, method: str | None) -> Mode | None:
        """Return what is to be done with this request, and count it; None is nothing special."""
        with self._lock:
            if self._left == 0 or (method and self._methods is not None and method not in self._methods):
                return None
            if self._left is not None:
                self._left -= 1
            return self._mode

    # Requests.

    def _handle(self, mode: Mode, connection: socket.socket, request: Seen) -> None:
        match mode:
            case Refuse() | ResetOnConnect() | ResetBeforeRequest():
                raise _Reset
            case ResetAfterRequest():
                self._ask_upstream(request)
                raise _Reset
            case BlackHole():
                self._swallow(mode, connection, request)
            case DelayRequest():
                self._pause(mode.after_s)
                connection.sendall(self._ask_upstream(request))
            case DelayAnswer():
                answer = self._ask_upstream(request)
                self._pause(mode.after_s)
                connection.sendall(answer)
            case Drip():
                self._drip(mode, connection, self._ask_upstream(request))
            case Truncate():
                connection.sendall(self._ask_upstream(request)[: mode.count])
                raise _Reset if mode.reset else _Ended
            case _:
                connection.sendall(self._ask_upstream(request))

    def _ask_upstream(self, request: Seen) -> bytes:
        with socket.create_connection((HOST, self.upstream_port), _PATIENCE_S) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own = f"\\g<1>{HOST}:{self.upstream_port}".encode()  # an exchange answers to its own name only
            upstream.sendall(_HOST_LINE.sub(own, request.bytes, count=1))
            self.forwarded.append(request)
            return _Stream(upstream).message()

    def _swallow(self, mode: BlackHole, connection: socket.socket, request: Seen) -> None:
        """Hold the connection until the other side gives up."""
        if mode.forward:
            self._ask_upstream(request)
        while connection.recv(65_536):
            continue
        raise _Ended

    def _drip(self, mode: Drip, connection: socket.socket, answer: bytes) -> None:
        for start in range(0, len(answer), mode.count):
            connection.sendall(answer[start : start + mode.count])
            self._pause(mode.interval_s)

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise _Ended


def _reset(connection: socket.socket) -> None:
    """Close with an RST instead of the ordinary end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
