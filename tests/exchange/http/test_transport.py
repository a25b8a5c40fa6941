"""Test one request over real sockets: sent once, signed, within its time."""

from __future__ import annotations

import base64
import gc
import gzip
import json
import socket
import ssl
import threading
import time
import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import responses
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from loopback import ROOT, hang, http, reset, say, send_and_close, serving, unused_port

from kalshi_trading.core.errors import (
    AuthenticationError,
    KalshiAPIError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    UnavailableError,
)
from kalshi_trading.core.records.exchange import AccountLimits, TokenBucketLimit
from kalshi_trading.exchange.http import answers as answers_module
from kalshi_trading.exchange.http import transport as transport_module
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.settings.credentials import Credentials

KEY_ID = "11111111-2222-3333-4444-555555555555"
KEY = Ed25519PrivateKey.generate()
ORDERS = "/portfolio/events/orders"
QUICK = Timing(connect_s=0.8, total_s=1.0, read_retries=3, first_pause_s=0.001, longest_pause_s=0.002)
IN_TIME_S = 8  # above a busy machine's delay, below the time a server here keeps a connection
PATIENT = Timing(connect_s=2, total_s=5, read_retries=3, first_pause_s=0.001, longest_pause_s=0.002)
OK = say(200, {"ok": True})
EXPIRED = {"error": {"code": "header_timestamp_expired", "message": "header timestamp expired"}}


def connect(url, *, timing=PATIENT, **how):
    return Transport(url, Credentials(KEY_ID, KEY), timing=timing, **how)


def check_signature(request):
    """Verify a request's signature like the exchange.

    Returns its time in milliseconds.
    """
    stamp = request.headers["kalshi-access-timestamp"]
    assert request.headers["kalshi-access-key"] == KEY_ID
    signature = base64.b64decode(request.headers["kalshi-access-signature"], validate=True)
    KEY.public_key().verify(signature, f"{stamp}{request.method}{request.path}".encode())
    return int(stamp)


# --- Signing -------------------------------------------------------------------------------------


def test_a_signed_read_carries_a_signature_over_time_method_and_path_without_query():
    with serving(OK) as server:
        assert connect(server.url).read("/portfolio/orders", [("limit", "5"), ("cursor", "a b&c")]) == {
            "ok": True
        }
    request = server.requests[0]
    assert request.target == f"{ROOT}/portfolio/orders?limit=5&cursor=a+b%26c"
    assert abs(check_signature(request) / 1000 - time.time()) < IN_TIME_S


def test_a_write_is_signed_and_carries_its_body_as_json():
    with serving(say(201, {"order_id": "a"})) as server:
        connect(server.url).write("POST", ORDERS, (), {"price": "0.5600"})
    request = server.requests[0]
    check_signature(request)
    assert json.loads(request.body) == {"price": "0.5600"}
    assert request.headers["content-type"] == "application/json"


def test_public_reads_carry_no_key():
    with serving(OK) as server:
        connect(server.url).read("/markets", signed=False)
    assert not [name for name in server.requests[0].headers if name.startswith("kalshi")]


def test_each_attempt_is_signed_afresh():
    now = iter(datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC) for second in range(60))
    with serving(say(503, {}), say(503, {}), OK) as server:
        connect(server.url, clock=lambda: next(now)).read("/portfolio/positions")
    stamps = [check_signature(request) for request in server.requests]
    assert len(set(stamps)) == 3
    assert len({request.headers["kalshi-access-signature"] for request in server.requests}) == 3


def test_a_signature_over_another_path_would_be_noticed():
    with serving(OK) as server:
        connect(server.url).read("/portfolio/positions")
    forged = server.requests[0].__class__("GET", f"{ROOT}/other", server.requests[0].headers, b"", 0)
    with pytest.raises(InvalidSignature):
        check_signature(forged)


def test_a_password_of_a_netrc_file_is_never_sent(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(OK) as server:
        connect(server.url).read("/portfolio/positions")
    assert "authorization" not in server.requests[0].headers


@responses.activate
def test_a_password_of_a_netrc_file_is_not_sent_to_the_exchange_either(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    url = "https://external-api.demo.kalshi.co/trade-api/v2"
    matchers = [responses.matchers.query_param_matcher({}, strict_match=True)]
    responses.get(f"{url}/portfolio/positions", json={"balance": 1}, match=matchers)
    assert connect(url).read("/portfolio/positions") == {"balance": 1}
    assert "Authorization" not in responses.calls[0].request.headers


def test_a_proxy_is_not_asked_for_an_exchange_on_this_computer(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    with serving(OK) as server:
        assert connect(server.url).read("/markets", signed=False) == {"ok": True}


# --- A write is sent once -------------------------------------------------------------------------


def refusal(status):
    return say(status, {"error": {"code": "c", "message": "m"}})


def html(status):
    return say(status, b"<html>Bad gateway</html>", headers={"Content-Type": "text/html"})


def drip(connection, _):
    """Send one byte of a long answer every 30 ms."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    drop_by_drop(connection)


def drip_headers(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    drop_by_drop(connection)


def drop_by_drop(connection):
    """Send a byte every 30 ms until the client closes.

    Ends after 30 s, much later than IN_TIME_S.
    """
    for _ in range(1_000):
        connection.sendall(b" ")
        time.sleep(0.03)


UNKNOWN_SCRIPTS = {
    "the answer never comes": hang,
    "the answer drips": drip,
    "the headers drip": drip_headers,
    "the connection is reset": reset,
    "the connection is closed without a word": send_and_close(b""),
    "the headers break off": send_and_close(b"HTTP/1.1 201 Created\r\nContent-Le"),
    "this is not HTTP": send_and_close(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "the answer is no JSON": say(201, b"{"),
    "the answer is empty": say(201, b""),
    "the answer is an error": say(201, {"error": {"code": "bad", "message": "bad"}}),
    "a proxy says 502": html(502),
    "a proxy says 503": html(503),
    "a proxy says 504": html(504),
    "the exchange says 500": say(500, {"code": "internal_error", "message": "internal error"}),
    "the server gave up waiting": say(408, {"error": "timeout"}),
    "too early": say(425, {"error": "too early"}),
    "it points elsewhere": say(307, {}, headers={"Location": f"http://127.0.0.1:1{ROOT}{ORDERS}"}),
    "it moved for good": say(301, {}, headers={"Location": f"{ROOT}{ORDERS}/"}),
    "a proxy says 403": html(403),
    "a portal says 200": html(200),
}


@pytest.mark.parametrize("script", UNKNOWN_SCRIPTS.values(), ids=UNKNOWN_SCRIPTS.keys())
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_write_without_a_trustworthy_answer_is_unknown_and_was_sent_once(script, method):
    with serving(script) as server, pytest.raises(OutcomeUnknownError) as raised:
        connect(server.url, timing=QUICK).write(method, ORDERS, (), {"ticker": "X"})
    assert raised.value.may_have_acted
    assert server.count(method) == len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, KalshiAPIError),
        (401, AuthenticationError),
        (404, NotFoundError),
        (410, KalshiAPIError),
        (422, KalshiAPIError),
        (429, RateLimitError),
    ],
)
def test_a_write_that_the_exchange_refuses_is_refused_and_was_sent_once(status, kind):
    with (
        serving(say(status, {"error": {"code": "c", "message": "m"}})) as server,
        pytest.raises(kind) as raised,
    ):
        connect(server.url).write("POST", ORDERS, (), {})
    assert not raised.value.may_have_acted
    assert len(server.requests) == 1


ANSWER = http(201, {"order_id": "a1c5e7d2", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1})


@pytest.mark.parametrize("length", range(0, len(ANSWER), 3))
def test_an_answer_cut_off_anywhere_leaves_the_order_unknown(length):
    with serving(send_and_close(ANSWER[:length])) as server, pytest.raises(OutcomeUnknownError):
        connect(server.url).write("POST", ORDERS, (), {})
    assert len(server.requests) == 1


CHUNKS = b'8\r\n{"a": 1,\r\n8\r\n"b": 2} \r\n0\r\n\r\n'
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS


@pytest.mark.parametrize("length", range(54, len(CHUNKED) - 7))
def test_an_answer_in_chunks_cut_off_anywhere_leaves_the_order_unknown(length):
    with serving(send_and_close(CHUNKED[:length])) as server, pytest.raises(OutcomeUnknownError):
        connect(server.url).write("POST", ORDERS, (), {})
    assert len(server.requests) == 1


def test_an_answer_in_chunks_is_read_whole():
    with serving(send_and_close(CHUNKED)) as server:
        assert connect(server.url).write("POST", ORDERS, (), {}) == {"a": 1, "b": 2}


def test_a_refused_connection_proves_that_nothing_was_sent():
    with pytest.raises(NotSentError, match="Nothing was sent"):
        connect(f"http://127.0.0.1:{unused_port()}{ROOT}").write("POST", ORDERS, (), {})


def test_an_unknown_host_name_proves_that_nothing_was_sent(monkeypatch):
    def unknown(*_args, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSentError):
        connect(f"http://exchange.invalid{ROOT}").write("POST", ORDERS, (), {})


def test_an_unanswered_connection_proves_that_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _ in range(4):  # the queue of a server that accepts no connection fills up
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            waiting.append(client)
        started = time.monotonic()
        with pytest.raises(NotSentError):
            connect(f"http://127.0.0.1:{address[1]}{ROOT}", timing=QUICK).write("POST", ORDERS, (), {})
        assert time.monotonic() - started < QUICK.total_s + IN_TIME_S
        for client in waiting:
            client.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_certificate_of_another_host_proves_that_nothing_was_sent(certificate, method):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands():
            connection, _ = listener.accept()
            with connection:
                try:
                    certificate.wrap_socket(connection, server_side=True).close()
                except OSError:
                    return

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(NotSentError):
            connect(f"https://127.0.0.1:{listener.getsockname()[1]}{ROOT}").write(method, ORDERS, (), {})
        thread.join(30)


def test_a_server_that_does_not_speak_tls_is_never_shown_an_order():
    with serving(OK) as server, pytest.raises((NotSentError, OutcomeUnknownError)):
        connect(server.url.replace("http://", "https://")).write("POST", ORDERS, (), {})
    assert server.requests == []


def test_a_write_waits_for_the_budget_without_losing_time_for_its_answer():
    slow = QUICK.total_s * 0.7

    def late(connection, request):
        time.sleep(slow)
        say(201, {"order_id": "a"})(connection, request)

    with serving(late) as server:
        transport = connect(server.url, timing=QUICK)
        bucket = TokenBucketLimit(33, 10)
        transport.rate_limiter.configure(AccountLimits("basic", bucket, bucket), None)
        transport.rate_limiter.acquire("DELETE", f"{ROOT}{ORDERS}", within_s=0)
        assert transport.write("DELETE", ORDERS) == {"order_id": "a"}  # more than 0.4 s in all


def test_a_write_without_budget_is_not_sent():
    with serving(OK) as server:
        transport = connect(server.url, timing=QUICK)
        bucket = TokenBucketLimit(1, 10)
        transport.rate_limiter.configure(AccountLimits("basic", bucket, bucket), None)
        transport.rate_limiter.acquire("DELETE", f"{ROOT}{ORDERS}", within_s=0)
        with pytest.raises(NotSentError, match=r"Too many requests\. Nothing was sent"):
            transport.write("POST", ORDERS, (), {})
    assert server.requests == []


@pytest.mark.parametrize(
    ("method", "refill_rate", "is_sent"), [("POST", 8, True), ("POST", 5, False), ("DELETE", 5, True)]
)
def test_an_order_waits_for_the_rate_limit_only_while_its_price_is_fresh_and_a_cancel_longer(
    method, refill_rate, is_sent
):
    """Ten tokens refill in 1.25 s or in 2 s; a request may take 12 s."""
    slept = []
    with serving(OK) as server:
        transport = connect(
            server.url, monotonic=lambda: 1000.0 + sum(slept), sleep=slept.append, timing=Timing()
        )
        bucket = TokenBucketLimit(refill_rate, 10)
        transport.rate_limiter.configure(AccountLimits("basic", bucket, bucket), None)
        slept.append(600)
        transport.rate_limiter.acquire("DELETE", f"{ROOT}/portfolio/orders", within_s=0)
        before = sum(slept)
        if is_sent:
            transport.write(method, "/portfolio/orders", (), {})
        else:
            with pytest.raises(NotSentError):
                transport.write(method, "/portfolio/orders", (), {})
        assert sum(slept) - before == pytest.approx(10 / refill_rate if is_sent else 0)
    assert len(server.requests) == is_sent


# --- Reads are retried, within limits -------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_read_is_repeated_when_the_exchange_may_recover(status):
    with serving(html(status), html(status), OK) as server:
        assert connect(server.url).read("/portfolio/positions") == {"ok": True}
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_read_that_was_refused_is_not_repeated(status):
    with (
        serving(say(status, {"error": {"code": "c", "message": "m"}})) as server,
        pytest.raises(KalshiAPIError),
    ):
        connect(server.url).read("/portfolio/positions")
    assert len(server.requests) == 1


@pytest.mark.parametrize("script", [reset, send_and_close(b""), send_and_close(http(200, {"ok": True})[:-3])])
def test_a_read_whose_answer_was_lost_is_repeated(script):
    with serving(script, OK) as server:
        assert connect(server.url).read("/portfolio/positions") == {"ok": True}
    assert len(server.requests) == 2


BUSY = say(429, {"error": "too many requests"})


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_storm_of_rate_limits_ends_after_five_retries_whatever_is_set(retries):
    pauses = []
    with serving(BUSY) as server:
        transport = connect(server.url, timing=Timing(read_retries=retries), sleep=pauses.append)
        with pytest.raises(RateLimitError, match=r"Too many requests; .* Wait a few seconds"):
            transport.read("/markets", signed=False)
    assert len(server.requests) == 6
    assert all(0 <= pause <= 0.25 * 2**number for number, pause in enumerate(pauses))


def test_rate_limits_and_failures_are_counted_apart():
    down = say(503, b"<html>")
    with serving(BUSY, down, BUSY, BUSY, BUSY, BUSY, OK, down, down) as server:
        transport = connect(server.url, timing=replace(PATIENT, read_retries=1))
        assert transport.read("/markets", signed=False) == {"ok": True}
        with pytest.raises(UnavailableError):
            transport.read("/markets", signed=False)
    assert len(server.requests) == 9


def test_a_read_that_is_rate_limited_ends_at_its_deadline():
    now = [0.0]
    with serving(BUSY) as server:
        timing = Timing(total_s=3.0, first_pause_s=50.0, longest_pause_s=50.0)
        transport = connect(
            server.url,
            timing=timing,
            monotonic=lambda: now[0],
            sleep=lambda pause: now.__setitem__(0, now[0] + pause),
        )
        with pytest.raises(RateLimitError):
            transport.read("/markets", signed=False)
    assert now[0] < timing.total_s
    assert len(server.requests) <= 6


def test_a_rate_limited_balance_holds_up_no_other_read():
    slept = []
    with serving(BUSY, OK, OK) as server:
        transport = connect(server.url, monotonic=lambda: 1000.0 + sum(slept), sleep=slept.append)
        assert transport.read("/portfolio/balance") == {"ok": True}
        waited = sum(slept)
        transport.read("/portfolio/positions")
    assert waited > 1
    assert sum(slept) == waited
    assert len(server.requests) == 3


def test_after_a_refusal_for_their_number_requests_come_no_faster_than_the_exchange_allows():
    """Another program shares the quota, so our own full bucket is worthless."""
    waited = [0.0]
    with serving(say(429, {"error": "too many requests"}), OK, OK) as server:
        transport = connect(server.url, monotonic=lambda: sum(waited), sleep=waited.append)
        transport.read("/portfolio/positions")
        transport.read("/portfolio/positions")
    assert len(server.requests) == 3
    needed_s = 2 * 10 / 200  # two requests of 10 tokens each, refilled at 200 a second
    assert sum(waited) > needed_s - 1e-9


@pytest.mark.parametrize("header", ["0", "-1", "NaN", "99999", "Fri, 31 Dec 2199 23:59:59 GMT", ""])
def test_a_retry_after_header_changes_nothing(header):
    busy = say(429, {"error": "too many requests"}, headers={"Retry-After": header})
    started = time.monotonic()
    with serving(busy) as server, pytest.raises(RateLimitError):
        connect(server.url).read("/portfolio/positions")
    assert time.monotonic() - started < IN_TIME_S
    assert len(server.requests) == 6


@pytest.mark.parametrize("script", [hang, drip, drip_headers])
def test_no_read_outlives_its_deadline(script):
    started = time.monotonic()
    with serving(script) as server:
        with pytest.raises(UnavailableError) as raised:
            connect(server.url, timing=QUICK).read("/portfolio/positions")
        assert time.monotonic() - started < QUICK.total_s + IN_TIME_S
    assert not raised.value.may_have_acted
    assert "Nothing was changed" in str(raised.value)


def test_a_read_without_a_server_says_so():
    with pytest.raises(UnavailableError, match="cannot be reached"):
        connect(f"http://127.0.0.1:{unused_port()}{ROOT}", timing=QUICK).read("/markets")


def test_a_redirect_is_not_followed_with_a_signature():
    with serving(OK) as elsewhere:
        away = say(302, {}, headers={"Location": f"{elsewhere.url}/markets"})
        with serving(away) as server, pytest.raises(UnavailableError, match="not from the exchange"):
            connect(server.url).read("/portfolio/positions")
    assert elsewhere.requests == []


# --- The clock -----------------------------------------------------------------------------------


def strict_about_time(connection, request):
    """Answer like an exchange whose clock is an hour ahead."""
    exchange_now = datetime.now(UTC) + timedelta(hours=1)
    signed_at = int(request.headers["kalshi-access-timestamp"]) / 1000
    fits = abs(signed_at - exchange_now.timestamp()) < 10
    connection.sendall(http(200 if fits else 401, {"ok": True} if fits else EXPIRED, date=exchange_now))


def test_a_clock_that_is_wrong_is_corrected_by_the_exchanges_once():
    with serving(strict_about_time) as server:
        transport = connect(server.url)
        assert transport.read("/portfolio/positions") == {"ok": True}
        assert len(server.requests) == 2
        transport.read("/portfolio/positions")
        transport.write("POST", ORDERS, (), {})
        assert len(server.requests) == 4
        assert transport.clock_skew_s == pytest.approx(-3600, abs=2)
    for request in server.requests:
        check_signature(request)


def test_requests_side_by_side_are_all_corrected():
    together = threading.Barrier(4, timeout=60)

    def all_at_once(connection, request):
        if len(server.requests) <= 4:
            together.wait()
        strict_about_time(connection, request)

    answers = []
    with serving(all_at_once) as server:
        transport = connect(server.url)
        threads = [
            threading.Thread(target=lambda: answers.append(transport.read("/portfolio/positions")))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [{"ok": True}] * 4


@pytest.mark.parametrize("off_s", [-61, -5, 5, 61])
def test_a_clock_that_is_off_is_reported_and_the_exchanges_is_used_from_then_on(off_s):
    def now():
        return datetime.now(UTC) + timedelta(seconds=off_s)

    def answer(connection, request):
        say(200, {"ok": True}, date=datetime.now(UTC))(connection, request)

    with serving(answer) as server:
        transport = connect(server.url, clock=now)
        assert transport.use_exchange_clock() is None
        transport.read("/portfolio/positions")
        assert transport.use_exchange_clock() == pytest.approx(off_s, abs=1)
        transport.write("POST", ORDERS, (), {})
    signed_at = int(server.requests[-1].headers["kalshi-access-timestamp"]) / 1000
    assert signed_at == pytest.approx(datetime.now(UTC).timestamp(), abs=2)
    check_signature(server.requests[-1])


@pytest.mark.parametrize("off_s", [-1, 0, 1])
def test_a_clock_that_is_right_to_the_second_is_left_as_it_is(off_s):
    now = datetime(2026, 11, 21, 15, 0, 0, 500_000, tzinfo=UTC)
    date = now.replace(microsecond=0) + timedelta(seconds=off_s)
    with serving(say(200, {"ok": True}, date=date)) as server:
        transport = connect(server.url, clock=lambda: now)
        transport.read("/exchange/status")
        assert transport.use_exchange_clock() is None
        transport.read("/exchange/status")
    signed_at = int(server.requests[-1].headers["kalshi-access-timestamp"])
    assert signed_at == int(now.timestamp() * 1000)


@pytest.mark.parametrize(
    ("signed", "age", "believed"),
    [(True, "0", True), (True, "62", False), (True, "", False), (False, "0", False)],
)
def test_a_time_that_a_cache_may_have_kept_is_not_taken_for_the_exchanges(signed, age, believed):
    """Caches may keep answers to unsigned requests; old ones have an Age."""
    kept = say(200, {"ok": True}, date=datetime.now(UTC) - timedelta(seconds=62), headers={"Age": age})
    with serving(kept) as server:
        transport = connect(server.url)
        transport.read("/exchange/status", signed=signed)
        assert transport.clock_skew_s == (pytest.approx(62, abs=2) if believed else None)
        keyless = Transport(server.url)
        keyless.read("/portfolio/positions")
        assert keyless.clock_skew_s is None


def test_the_exchanges_clock_is_known_to_a_second_and_the_round_trip():
    """Both clocks agree, so the skew of 0 must lie within the bounds."""

    def slowly(connection, request):
        time.sleep(0.2)
        say(200, {"ok": True}, date=datetime.now(UTC))(connection, request)

    with serving(slowly) as server:
        transport = connect(server.url)
        transport.read("/portfolio/positions")
    error_s = transport.clock_skew_s - transport.least_clock_skew_s
    assert error_s >= 0.5 + 0.2 / 2
    assert transport.least_clock_skew_s <= 0 <= transport.clock_skew_s + error_s


def test_a_refused_clock_that_is_right_does_not_loop():
    expired = say(401, EXPIRED, date=datetime.now(UTC))
    with serving(expired) as server, pytest.raises(AuthenticationError, match="clock"):
        connect(server.url).read("/portfolio/positions")
    assert len(server.requests) == 1


def test_an_exchange_that_never_accepts_the_clock_does_not_loop():
    away = datetime.now(UTC)

    def never(connection, _):
        nonlocal away
        away += timedelta(hours=1)
        connection.sendall(http(401, EXPIRED, date=away))

    with serving(never) as server, pytest.raises(AuthenticationError):
        connect(server.url).read("/portfolio/positions")
    assert len(server.requests) <= 4


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Sat, 99 Nov 2026 12:00:00 GMT",
        "Sat, 21 Nov 0001 00:00:00 GMT",
        "0",
        "1,2,3,4,5,6",
        "Sat, 21 Nov 2026 12:00:00 +99999999999999",
        "Sat, 21 Nov 99999999999999999999 12:00:00 GMT",
        "Sat, 21 Nov 2026 12:00:00 +2400",
    ],
)
def test_a_date_that_is_none_does_no_harm(date):
    with serving(say(200, {"ok": True}, date=date)) as server:
        assert connect(server.url).read("/markets") == {"ok": True}
        assert connect(server.url).write("POST", ORDERS, (), {}) == {"ok": True}


@pytest.mark.parametrize("fault", [TypeError, RecursionError, MemoryError, AssertionError])
def test_an_answer_that_breaks_its_reader_leaves_a_write_unknown_and_a_read_unavailable(fault, monkeypatch):
    def break_down(_):
        raise fault("nobody thought of this")

    monkeypatch.setattr(answers_module, "parse_json", break_down)
    with serving(OK) as server:
        with pytest.raises(OutcomeUnknownError):
            connect(server.url).write("POST", ORDERS, (), {})
        assert server.count("POST") == 1
        with pytest.raises(UnavailableError):
            connect(server.url).read("/markets")


def test_a_request_that_cannot_be_signed_was_not_sent_and_is_not_called_unknown(monkeypatch):
    monkeypatch.setattr(transport_module, "sign", lambda *_: 1 // 0)
    with serving(OK) as server:
        with pytest.raises(ZeroDivisionError):
            connect(server.url).write("POST", ORDERS, (), {})
        assert server.requests == []


# --- Bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"n": NaN}',
        b'{"n": Infinity}',
        b'{"n": -Infinity}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b'{"n": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"n": 1e999999999}',
        b'{"n": 1e-999999999}',
        b'{"n": 0.0e999999999}',
        b'{"n": 1e99999999999999999999999}',
        b'{"n": 0.' + b"3" * 5000 + b"}",
        b'{"n": 1}}',
        b"\xff\xfe\x00",
        b"null",
        b"[1]",
        b'"text"',
    ],
    ids=[
        "NaN",
        "Infinity",
        "minus Infinity",
        "5000 digits",
        "deep",
        "huge",
        "tiny",
        "huge zero",
        "beyond every exponent",
        "5000 decimals",
        "twice",
        "bytes",
        "null",
        "list",
        "text",
    ],
)
def test_json_that_cannot_be_trusted_is_not_the_exchange(body):
    with serving(say(200, body)) as server, pytest.raises(UnavailableError, match="not from the exchange"):
        connect(server.url).read("/markets")
    assert len(server.requests) == 1


def test_numbers_arrive_exactly():
    with serving(say(200, b'{"fee": 0.07, "cents": 29}')) as server:
        body = connect(server.url).read("/series")
    assert repr(body["fee"]) == "Decimal('0.07')"
    assert body["cents"] == 29


def test_a_compressed_answer_is_read():
    packed = gzip.compress(json.dumps({"markets": ["KX"] * 5000}).encode())
    with serving(say(200, packed, headers={"Content-Encoding": "gzip"})) as server:
        assert len(connect(server.url).read("/markets")["markets"]) == 5000


def test_an_answer_larger_than_any_is_given_up(monkeypatch):
    monkeypatch.setattr(answers_module, "LARGEST_ANSWER_BYTES", 100_000)
    packed = gzip.compress(b" " * 50_000_000)
    bomb = say(200, packed, headers={"Content-Encoding": "gzip"})
    for script in (bomb, say(200, b" " * 1_000_000)):
        with serving(script) as server, pytest.raises(UnavailableError, match="too large"):
            connect(server.url, timing=Timing(read_retries=0)).read("/markets")
        with serving(script) as server, pytest.raises(OutcomeUnknownError, match="too large"):
            connect(server.url).write("POST", ORDERS, (), {})


# --- Connections ---------------------------------------------------------------------------------


def test_reads_one_after_the_other_share_a_connection():
    with serving(OK) as server:
        transport = connect(server.url)
        for _ in range(5):
            transport.read("/markets", signed=False)
    assert server.connections == 1


def test_a_refusal_does_not_cost_the_connection():
    with serving(say(404, {"error": {"code": "not_found", "message": "not found"}}), OK) as server:
        transport = connect(server.url)
        with pytest.raises(NotFoundError):
            transport.read("/markets/NONE", signed=False)
        transport.read("/markets", signed=False)
    assert server.connections == 1


def test_a_write_uses_a_connection_only_when_it_was_used_a_moment_ago():
    now = [100.0]
    with serving(OK) as server:
        transport = connect(server.url, monotonic=lambda: now[0])
        transport.read("/portfolio/positions")
        now[0] += 1.9
        transport.write("POST", ORDERS, (), {})
        now[0] += 2.1
        transport.write("POST", ORDERS, (), {})
        now[0] += 2.1
        transport.read("/portfolio/positions")
    assert [request.connection for request in server.requests] == [0, 0, 1, 1]


def test_a_read_on_a_connection_that_died_meanwhile_succeeds():
    with serving(send_and_close(http(200, {"ok": True})), OK) as server:
        transport = connect(server.url)
        transport.read("/markets", signed=False)
        time.sleep(0.05)
        assert transport.read("/markets", signed=False) == {"ok": True}
    assert server.connections == 2


@pytest.mark.parametrize("script", [hang, drip, reset])
def test_a_call_that_failed_leaves_neither_thread_nor_socket(script):
    def mine():
        return [thread for thread in threading.enumerate() if "/portfolio" in thread.name]

    with serving(script) as server:
        with pytest.raises(OutcomeUnknownError):
            connect(server.url, timing=Timing(connect_s=0.2, total_s=0.2)).write("POST", "/portfolio/x")
        for thread in mine():
            thread.join(30)
        assert not mine()


def test_an_unreferenced_transport_goes_with_its_connections():
    """Idle request threads must not keep the transport alive."""
    with serving(OK) as server:
        transport = connect(server.url)
        transport.read("/markets", signed=False)
        gone = weakref.ref(transport)
        del transport
        until = time.monotonic() + 20
        while gone() is not None and time.monotonic() < until:
            gc.collect()
            time.sleep(0.01)
        assert gone() is None


def test_a_closed_transport_opens_anew_for_the_next_request():
    with serving(OK, OK) as server:
        transport = connect(server.url)
        transport.read("/markets", signed=False)
        transport.close()
        assert transport.read("/markets", signed=False) == {"ok": True}
    assert server.connections == 2


def test_sixteen_threads_read_side_by_side_from_a_real_exchange(practice_exchange):
    client = practice_exchange.client()
    client.load_limits()
    tickers = [market.ticker for market in client.get_markets(status="open", limit=50)]
    wrong, right = [], []

    def read(offset: int) -> None:
        for number in range(50):
            ticker = tickers[(offset + number) % len(tickers)]
            if number % 10 == 0:
                right.append(client.get_balance().cash >= 0)
            elif client.get_orderbook(ticker).ticker != ticker or client.get_market(ticker).ticker != ticker:
                wrong.append(ticker)
            else:
                right.append(True)

    threads = [threading.Thread(target=read, args=(offset,)) for offset in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert len(right) == 16 * 50
