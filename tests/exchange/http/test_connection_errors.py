"""Test requests that cannot reach the exchange: message, log, effect.

Each failure is real, on loopback. A proxy from the environment replaces the route to Kalshi's host, and a
TLS server behind it replaces the host. The control uses the same route without a fault.
"""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal as D
from importlib.util import find_spec

import pytest
from cases import naming
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from loopback import forward_to, hang, reset, say, send_and_close, serving, tunnel_to, unused_port
from screen_session import quoted_market

from kalshi_trading.core.errors import NotSentError, OutcomeUnknownError, UnavailableError
from kalshi_trading.core.models import Action, OrderStatus, Side
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

HOST = "external-api.demo.kalshi.co"
URL = f"https://{HOST}/trade-api/v2"
ORDERS = "/portfolio/events/orders"
KEY = Credentials("key", Ed25519PrivateKey.generate())
QUICK = Timing(connect_s=1, total_s=5, read_retries=2, first_pause_s=0.001, longest_pause_s=0.002)
OK = say(200, {"ok": True})
PASSWORD = "canary-5ec4e7"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    """One failure, its message and its log entry.

    Settings and sentence may contain {proxy}, {server} and {free} (ports) and {folder}. `proxy` scripts the
    proxy. None: it tunnels to the server. `technical` appears in errors.log.
    """

    sentence: str
    technical: str
    is_lasting: bool
    certificate: str = "good"
    proxy: object = None
    settings: dict[str, str] = field(default_factory=dict)


def proxied(what, technical, *, is_lasting=False, **how):
    return Row(f"the proxy in HTTPS_PROXY {what}", technical, is_lasting, **how)


def at(address, variable="HTTPS_PROXY"):
    return {"HTTPS_PROXY": "", variable: address}


def unreachable(reason):
    return f"cannot be reached ({reason}). Correct HTTPS_PROXY, or unset it."


PORTAL = "Sign in to this network in a browser, or use another network."
CLOCK = "or this computer's clock is wrong. Set this computer's date and time."
CHECK = "Check HTTPS_PROXY."
ASK = "Check HTTPS_PROXY, or ask the proxy administrator."
ADDRESS = "the proxy address in HTTPS_PROXY is not valid. Write it as http://host:port."
REFUSED = "refused to connect to the exchange"
ISSUER = "this is not the exchange: its certificate issuer is"
CA_FILE = "the file in REQUESTS_CA_BUNDLE"
CORRECT_CA = "Correct REQUESTS_CA_BUNDLE, or unset it."
NO_CONNECTION = "the exchange cannot be reached ({}). Check the network."

ROWS = {
    # certificates
    "self-signed": Row(
        f"this is not the exchange: its certificate is self-signed. {PORTAL}",
        "self-signed certificate",
        True,
        "self-signed",
    ),
    "expired": Row(
        f"the exchange's certificate has expired, {CLOCK}", "certificate has expired", True, "expired"
    ),
    "not yet valid": Row(
        f"the exchange's certificate is not valid yet, {CLOCK}", "not yet valid", True, "not yet valid"
    ),
    "another host": Row(
        f"this is not the exchange: its certificate is for another host. {PORTAL}",
        "Hostname mismatch",
        True,
        "another host",
    ),
    "issuer not in the CA file": Row(
        f"{ISSUER} not in REQUESTS_CA_BUNDLE. Use another network; "
        "if yours inspects TLS, set REQUESTS_CA_BUNDLE to its CA file.",
        "unable to get local issuer certificate",
        True,
        "unknown issuer",
    ),
    "issuer not in the other CA file": Row(
        f"{ISSUER} not in CURL_CA_BUNDLE. Use another network; "
        "if yours inspects TLS, set CURL_CA_BUNDLE to its CA file.",
        "unable to get local issuer certificate",
        True,
        "unknown issuer",
        settings={"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "{folder}/authority.pem"},
    ),
    "unknown issuer": Row(
        f"{ISSUER} unknown. Use another network; "
        "if yours inspects TLS, set REQUESTS_CA_BUNDLE to its CA file.",
        "unable to get local issuer certificate",
        True,
        settings={"REQUESTS_CA_BUNDLE": ""},
    ),
    # CA files
    "CA file missing": Row(
        f"{CA_FILE} does not exist: {{folder}}/absent.pem. {CORRECT_CA}",
        "Could not find a suitable TLS CA certificate bundle",
        True,
        settings={"REQUESTS_CA_BUNDLE": "{folder}/absent.pem"},
    ),
    "other CA file missing": Row(
        "the file in CURL_CA_BUNDLE does not exist: {folder}/absent.pem. "
        "Correct CURL_CA_BUNDLE, or unset it.",
        "Could not find a suitable TLS CA certificate bundle",
        True,
        settings={"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "{folder}/absent.pem"},
    ),
    "CA file empty": Row(
        f"{CA_FILE} contains no certificates: {{folder}}/empty.pem. {CORRECT_CA}",
        "NO_CERTIFICATE_OR_CRL_FOUND",
        True,
        settings={"REQUESTS_CA_BUNDLE": "{folder}/empty.pem"},
    ),
    "CA file cut off": Row(
        f"{CA_FILE} contains no certificates: {{folder}}/cut.pem. {CORRECT_CA}",
        "PEM lib",
        True,
        settings={"REQUESTS_CA_BUNDLE": "{folder}/cut.pem"},
    ),
    # proxies
    "proxy refuses": proxied(
        unreachable("connection refused"), "Connection refused", settings=at("http://127.0.0.1:{free}")
    ),
    "proxy has no address": proxied(
        unreachable("DNS lookup failed"), "NameResolutionError", settings=at("http://proxy.invalid:80")
    ),
    "proxy speaks no TLS": proxied(
        unreachable("TLS handshake failed"), "SSLError", settings=at("https://127.0.0.1:{proxy}")
    ),
    "proxy has another host's certificate": proxied(
        "has no valid certificate (IP address mismatch, certificate is not valid for '127.0.0.1'). "
        "Check HTTPS_PROXY.",
        "IP address mismatch",
        is_lasting=True,
        settings=at("https://127.0.0.1:{server}"),
    ),
    "proxy wants a login": proxied(
        "requires a user name and password (407). Add them to HTTPS_PROXY: http://user:password@host:port.",
        "407",
        is_lasting=True,
        proxy=say(407, b"", headers={"Proxy-Authenticate": "Basic"}),
    ),
    "proxy forbids": proxied(f"{REFUSED} (403). {ASK}", "403", is_lasting=True, proxy=say(403, b"no")),
    "proxy fails": proxied(f"{REFUSED} (502). {ASK}", "502", proxy=say(502, b"<html>")),
    "proxy closes": proxied(
        f"closed the connection. {CHECK}", "RemoteDisconnected", proxy=send_and_close(b"")
    ),
    "proxy resets": proxied(f"closed the connection. {CHECK}", "Connection reset by peer", proxy=reset),
    "proxy is none": proxied(
        f"closed the connection. {CHECK}", "BadStatusLine", proxy=send_and_close(b"SSH-2.0-x\r\n")
    ),
    "proxy hangs": proxied(f"did not answer. {CHECK}", "timed out", proxy=hang),
    "proxy closes its tunnel": Row(
        NO_CONNECTION.format("TLS handshake failed"),
        "EOF",
        False,
        proxy=send_and_close(b"HTTP/1.1 200 Connected\r\n\r\n"),
    ),
    "SOCKS proxy": Row(
        "the proxy in HTTPS_PROXY is a SOCKS proxy, which needs PySocks. "
        "Run pip install pysocks, or use an HTTP proxy.",
        "Missing dependencies for SOCKS support",
        True,
        settings=at("socks5://127.0.0.1:{proxy}"),
    ),
    "SOCKS proxy for all": Row(
        "the proxy in all_proxy is a SOCKS proxy, which needs PySocks. "
        "Run pip install pysocks, or use an HTTP proxy.",
        "Missing dependencies for SOCKS support",
        True,
        settings=at("socks5h://127.0.0.1:{proxy}", "all_proxy"),
    ),
    **{
        f"proxy address {text}": Row(ADDRESS, "_NotConnectedError", True, settings=at(text))
        for text in (
            "http://",
            f"http://[me:{PASSWORD}@bad",
            f"http://me:{PASSWORD}@host:port",
            f"http://me:{PASSWORD}/@host:80",
            f"ftp://me:{PASSWORD}@host:1",
            f"http://me:{PASSWORD}@a..b:80",
        )
    },
    "proxy in lower case": Row(
        f"the proxy in https_proxy {REFUSED} (502). Check https_proxy, or ask the proxy administrator.",
        "502",
        False,
        proxy=say(502, b""),
        settings={"HTTPS_PROXY": "http://127.0.0.1:{free}", "https_proxy": "http://127.0.0.1:{proxy}"},
    ),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authority")
    (folder / "empty.pem").write_text("")
    (folder / "cut.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    return Authority(folder)


@pytest.fixture(scope="module")
def certificates(authority, tmp_path_factory):
    return {
        "good": authority.server(HOST),
        "expired": authority.server(HOST, -2 * DAY, -DAY),
        "not yet valid": authority.server(HOST, 2 * DAY, 3 * DAY),
        "another host": authority.server("elsewhere.example"),
        "self-signed": authority.server(HOST, self_signed=True),
        "unknown issuer": Authority(tmp_path_factory.mktemp("unknown")).server(HOST),
    }


@pytest.fixture
def way(authority, certificates):
    """Set up a route to a server for a row; yield server, proxy and sentence."""

    @contextmanager
    def open_way(row, script=OK):
        if "SOCKS" in row.sentence and find_spec("socks"):
            pytest.skip("PySocks is installed")
        with (
            serving(script, tls=certificates[row.certificate]) as server,
            serving(row.proxy or tunnel_to(server.url)) as proxy,
            pytest.MonkeyPatch.context() as patch,
        ):
            ports = {"proxy": port_of(proxy), "server": port_of(server), "free": unused_port()}
            names = {**ports, "folder": authority.file.parent}
            for name in list(os.environ):
                if name.lower().endswith(("_proxy", "_ca_bundle")):
                    patch.delenv(name)
            ours = {**at("http://127.0.0.1:{proxy}"), "REQUESTS_CA_BUNDLE": "{folder}/authority.pem"}
            for name, text in {**ours, **row.settings}.items():
                patch.setenv(name, text.format(**names))
            yield server, proxy, row.sentence.format(**names)

    return open_way


def port_of(server):
    return int(server.url.split(":")[2].split("/")[0])


CONTROL = Row("", "", False)


@pytest.mark.parametrize(
    "settings", [{}, {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "{folder}/authority.pem"}]
)
def test_without_a_fault_the_same_way_leads_to_the_exchange(way, settings):
    with way(Row("", "", False, settings=settings)) as (server, proxy, _):
        transport = Transport(URL, KEY, timing=QUICK)
        assert transport.read("/portfolio/positions") == {"ok": True}
        assert transport.write("POST", ORDERS, (), {}) == {"ok": True}
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert {request.target for request in proxy.requests} == {f"{HOST}:443"}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_request_that_found_no_way_was_not_sent_and_says_why(way, row):
    logged, pauses = [], []
    with way(row) as (server, _, sentence):
        timing = replace(QUICK, connect_s=0.15) if row.proxy is hang else QUICK
        transport = Transport(
            URL,
            KEY,
            timing=timing,
            sleep=pauses.append,
            on_no_connection=lambda text, error: logged.append((text, error)),
        )
        for method in ("POST", "DELETE"):
            with pytest.raises(NotSentError) as unsent:
                transport.write(method, ORDERS, (), {})
            assert str(unsent.value) == f"{sentence[0].upper()}{sentence[1:]} Nothing was sent."
        with pytest.raises(UnavailableError) as unread:
            transport.read("/portfolio/positions")
        assert type(unread.value) is UnavailableError
        assert str(unread.value) == sentence[0].upper() + sentence[1:]
    assert server.requests == []
    assert len(pauses) == (0 if row.is_lasting else QUICK.read_retries)
    (entry,) = logged
    assert entry[0] == str(unread.value)
    record = "".join(traceback.format_exception(entry[1]))
    assert row.technical in record
    assert PASSWORD not in record + str(unsent.value)


# --- Reached the exchange, or may have ------------------------------------------------------------


def plain_proxy(script):
    """Return a row for a plain HTTP proxy, whose script is the answer."""
    return Row("", "", False, proxy=script, settings={"http_proxy": "http://127.0.0.1:{proxy}"})


@pytest.mark.parametrize(
    "script",
    [
        reset,
        send_and_close(b""),
        send_and_close(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"),
        send_and_close(b"SSH-2.0-x\r\n"),
        say(407, b"", headers={"Proxy-Authenticate": "Basic"}),
        say(502, b"<html>"),
    ],
)
def test_what_goes_wrong_after_the_handshake_leaves_an_order_unknown(way, script):
    logged = []
    for url, row, behind in ((URL, CONTROL, script), ("http://exchange.invalid", plain_proxy(script), OK)):
        with naming(url), way(row, behind) as (server, proxy, _):
            transport = Transport(
                url, KEY, timing=QUICK, on_no_connection=lambda *report: logged.append(report)
            )
            with pytest.raises(OutcomeUnknownError) as unknown:
                transport.write("POST", ORDERS, (), {})
            assert "Nothing was sent" not in str(unknown.value)
        received = server.requests if row is CONTROL else proxy.requests
        assert [request.method for request in received] == ["POST"]
    assert logged == []


def test_an_order_on_the_connection_of_a_read_before_it_is_unknown_when_it_breaks(way):
    scripts = iter([OK, send_and_close(b"")])
    with way(CONTROL, lambda *given: next(scripts)(*given)) as (server, proxy, _):
        transport = Transport(URL, KEY, timing=QUICK)
        transport.read("/portfolio/positions")
        with pytest.raises(OutcomeUnknownError):
            transport.write("POST", ORDERS, (), {})
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert proxy.connections == 1


# --- The order, the log, the settings -------------------------------------------------------------


EACH_CAUSE = (
    *("self-signed", "expired", "another host", "unknown issuer", "CA file missing", "CA file empty"),
    *("proxy refuses", "proxy wants a login", "proxy closes", "proxy closes its tunnel", "SOCKS proxy"),
)


def test_an_order_that_found_no_way_ends_not_sent_in_the_journal(way, exchange, tmp_path):
    """The executor reads over a good route and sends over the bad one.

    It uses a real exchange.
    """
    journal = TradeLogger(tmp_path, "practice")
    wrong = []
    with way(CONTROL, forward_to(exchange.url)):
        client = KalshiClient(Transport(URL, exchange.credentials, timing=QUICK))
        client.load_limits()
        executor = OrderService(client, journal, limits=Limits(), sleep=lambda _: None)
        ticket = OrderTicket(quoted_market(executor).ticker, Action.BUY, Side.YES, D(1), D("0.02"))
        for name in EACH_CAUSE:
            row = ROWS[name]
            with naming(name):
                preview = executor.preview(ticket)
                with way(row) as (server, _, sentence):
                    result = executor.submit(preview)
                found = result.outcome, result.message, journal.read_journal().records[-1].event
                said = f"{sentence[0].upper()}{sentence[1:]} Nothing was sent."
                expected = Outcome.NOT_SENT, said, "order.not_sent"
                if (found, server.requests) != (expected, []):
                    wrong.append((name, found))
        assert wrong == []
        assert executor.submit(executor.preview(ticket)).outcome is Outcome.ACKNOWLEDGED
    assert len(exchange.client().get_orders(ticker=ticket.ticker, status=OrderStatus.RESTING).items) == 1


def test_a_reason_is_recorded_once_until_another_or_an_answer_comes(way):
    logged = []
    transport = Transport(URL, KEY, timing=QUICK, on_no_connection=lambda text, _: logged.append(text))

    def ask(row):
        with way(row), suppress(UnavailableError):
            transport.read("/portfolio/positions")

    refused, missing = ROWS["proxy refuses"], ROWS["CA file missing"]
    for row in (refused, refused, missing, missing, refused, CONTROL, refused):
        ask(row)
    assert ["HTTPS_PROXY" in text for text in logged] == [True, False, True, True]


def test_a_ca_file_that_may_not_be_read_is_named(way, monkeypatch):
    """The test patches the read, because root may read every file."""

    def forbid(*_, **__):
        raise PermissionError(13, "Permission denied")

    with way(CONTROL):
        monkeypatch.setattr("ssl.SSLContext.load_verify_locations", forbid)
        with pytest.raises(NotSentError, match="The file in REQUESTS_CA_BUNDLE cannot be read: /"):
            Transport(URL, KEY, timing=QUICK).write("POST", ORDERS, (), {})
