"""A TCP proxy on loopback that breaks connections on purpose.

It reads whole HTTP requests and answers, so a test knows exactly what was sent and received before the
break. Every connection has a thread. All threads have ended when the proxy is closed.
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

_TIMEOUT_S = 30
_LARGEST_HEAD = 64 * 1024
_LARGEST_BODY = 256 * 1024 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HOST_LINE = re.compile(rb"(\r\nhost: *)[^\r]*", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True)
class Pass:
    """Forward everything."""


@dataclass(frozen=True)
class Refuse:
    """Close the listening socket: refuse connections and end open ones."""


@dataclass(frozen=True)
class ResetOnConnect:
    """Accept a connection and reset it at once. Reset open ones."""


@dataclass(frozen=True)
class ResetBeforeRequest:
    """Read a request and reset. The upstream never sees it."""


@dataclass(frozen=True)
class ResetAfterRequest:
    """Forward a request, then reset without forwarding the answer."""


@dataclass(frozen=True)
class BlackHole:
    """Read a request and never answer. `forward`: the upstream gets it."""

    forward: bool = False


@dataclass(frozen=True)
class Drip:
    """Forward the answer in parts of `count` bytes, one per `interval_s`."""

    count: int = 1
    interval_s: float = 0.05


@dataclass(frozen=True)
class Truncate:
    """Forward the first `count` bytes of the answer, then close or reset.

    `count` includes the head.
    """

    count: int = 0
    reset: bool = False


@dataclass(frozen=True)
class IdleClose:
    """Answer, and close the connection after `after_s` without a request."""

    after_s: float = 0.0


@dataclass(frozen=True)
class DelayRequest:
    """Forward a request after `after_s`, even if the client has closed."""

    after_s: float


@dataclass(frozen=True)
class DelayAnswer:
    """Forward a request at once and its answer after `after_s`."""

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
    """One request the proxy read, completely in `bytes`."""

    method: str
    target: str
    bytes: bytes = field(repr=False)


class _Ended(Exception):
    """The connection is over."""


class _Reset(Exception):
    """The connection is to be reset."""


class _Stream:
    """Read messages from a socket and buffer the excess."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""

    def message(self) -> bytes:
        """Read a head and its body."""
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
    """A context manager: a proxy in front of `upstream_port`.

    `switch` changes its mode at any time. `seen` has every request that was read completely, `forwarded`
    those that the upstream got completely.
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
            alive[0].join(_TIMEOUT_S)
            assert not alive[0].is_alive()

    def switch(self, mode: Mode, *, methods: Collection[str] | None = None, times: int | None = None) -> None:
        """Use this mode from the next request on, then pass.

        `methods` limits it to these methods, `times` to so many requests.
        """
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

    def wait_until_quiet(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Wait until no request is in progress, even delayed ones.

        Raises TimeoutError.
        """
        with self._quiet:
            if not self._quiet.wait_for(lambda: self._busy == 0, timeout_s):
                raise TimeoutError("requests are still on their way")

    def wait_until_seen(self, count: int, timeout_s: float = _TIMEOUT_S) -> None:
        """Wait until `count` requests have been read in total.

        Raises TimeoutError.
        """
        with self._quiet:
            if not self._quiet.wait_for(lambda: len(self.seen) >= count, timeout_s):
                raise TimeoutError(f"only {len(self.seen)} requests came")

    # Connections.

    def _listen(self) -> None:
        # the same port after `Refuse`: clients know no other
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
            self._start(self._handle_connection, connection)

    def _handle_connection(self, connection: socket.socket) -> None:
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
        idle_s: float = _TIMEOUT_S
        while not self._closing.is_set():
            connection.settimeout(max(idle_s, 0.001))
            raw = stream.message()
            connection.settimeout(_TIMEOUT_S)
            method, target = raw.split(b" ", 2)[:2]
            request = Seen(method.decode("latin-1"), target.decode("latin-1"), raw)
            with self._counted(request):
                mode = self._take(request.method) or Pass()
                self._handle(mode, connection, request)
            idle_s = mode.after_s if isinstance(mode, IdleClose) else _TIMEOUT_S

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
        """Return the mode for this request, and count it. None: nothing special."""
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
        with socket.create_connection((HOST, self.upstream_port), _TIMEOUT_S) as upstream:
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            own = f"\\g<1>{HOST}:{self.upstream_port}".encode()  # an exchange accepts only its own host name
            upstream.sendall(_HOST_LINE.sub(own, request.bytes, count=1))
            self.forwarded.append(request)
            return _Stream(upstream).message()

    def _swallow(self, mode: BlackHole, connection: socket.socket, request: Seen) -> None:
        """Hold the connection until the client closes."""
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
    """Close with an RST instead of normally."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
