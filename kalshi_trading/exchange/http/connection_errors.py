"""Explain why a request never left, and which setting is involved.

Pure functions over the errors of `requests`. The same error can mean "refused" or "closed after the server
read the order". Only the place it was raised proves that nothing was sent: a function that returns before
the first byte of a request leaves.
"""

from __future__ import annotations

import re
import socket
import ssl
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kalshi_trading.core.text import sanitize

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TUNNEL_REFUSED = re.compile(r"Tunnel connection failed: ([0-9]{3})")
_LOGIN_REQUIRED = 407
_CLOCK = "Set this computer's date and time."
_PORTAL = "Sign in to this network in a browser, or use another network."
# OpenSSL's verification results
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 18, 62, 64
_WRONG_HOST = "this is not the exchange: its certificate is for another host"
_CERTIFICATES = {
    _NOT_YET_VALID: (
        "the exchange's certificate is not valid yet, or this computer's clock is wrong",
        _CLOCK,
    ),
    _EXPIRED: ("the exchange's certificate has expired, or this computer's clock is wrong", _CLOCK),
    _SELF_SIGNED: ("this is not the exchange: its certificate is self-signed", _PORTAL),
    _OTHER_HOST: (_WRONG_HOST, _PORTAL),
    _OTHER_ADDRESS: (_WRONG_HOST, _PORTAL),
}


@dataclass(frozen=True, slots=True)
class ConnectionFailure:
    """Why a connection failed.

    `cause` is in lower case. `remedy` is None if the network is at fault. `error` is for the log; None: it
    may quote a password. `is_lasting`: an immediate retry cannot help.
    """

    cause: str
    error: BaseException | None
    remedy: str | None = None
    is_lasting: bool = False


def connection_failure(
    error: BaseException, *, scheme: str, environ: Mapping[str, str]
) -> ConnectionFailure | None:
    """Explain why a request never left. None: it may have left.

    `scheme` is the scheme of the exchange's URL.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection

    causes = _causes(error)
    passed = {frame.f_code for cause in causes for frame, _ in traceback.walk_tb(cause.__traceback__)}

    def was_in(*functions: Callable[..., Any]) -> bool:
        return any(function.__code__ in passed for function in functions)

    # Name the variable as spelled; lower case wins, as in `urllib`.
    spelled = {name.lower(): name for name in sorted(environ) if environ[name]}
    names = (f"{scheme}_proxy", "all_proxy")
    proxy = next((spelled[name] for name in names if name in spelled), "the system's settings")
    if was_in(HTTPAdapter.get_connection_with_tls_context, HTTPAdapter.request_url):
        return _unusable_proxy(causes, proxy)
    if was_in(HTTPAdapter.cert_verify):
        return _unusable_ca_file(error, environ, "does not exist")
    if not was_in(HTTPConnection.connect, HTTPSConnection.connect):
        return None
    if was_in(HTTPConnection._tunnel):
        return _refused_tunnel(causes, proxy)
    return _no_connection(error, causes, proxy, environ)


def _causes(error: BaseException) -> list[BaseException]:
    """Return all errors wrapped into this one, outermost first."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        candidate = waiting.pop(0)
        if isinstance(candidate, BaseException) and candidate not in found:
            found.append(candidate)
            waiting += [
                candidate.__cause__,
                candidate.__context__,
                getattr(candidate, "reason", None),
                *candidate.args,
            ]
    return found


# --- Proxies --------------------------------------------------------------------------------------


def _unusable_proxy(causes: list[BaseException], proxy: str) -> ConnectionFailure:
    from requests.exceptions import InvalidSchema

    if any(isinstance(cause, InvalidSchema) for cause in causes):
        return ConnectionFailure(
            f"the proxy in {proxy} is a SOCKS proxy, which needs PySocks",
            causes[0],
            "Run pip install pysocks, or use an HTTP proxy.",
            is_lasting=True,
        )
    return ConnectionFailure(
        f"the proxy address in {proxy} is not valid", None, "Write it as http://host:port.", is_lasting=True
    )


def _refused_tunnel(causes: list[BaseException], proxy: str) -> ConnectionFailure:
    """Explain the proxy's reaction to our request for a connection."""
    refused = next((found for cause in causes if (found := _TUNNEL_REFUSED.match(str(cause)))), None)
    if refused is None:
        reason = "did not answer" if _reason(causes) == "timed out" else "closed the connection"
        return ConnectionFailure(f"the proxy in {proxy} {reason}", causes[0], f"Check {proxy}.")
    status = int(refused[1])
    if status == _LOGIN_REQUIRED:
        return ConnectionFailure(
            f"the proxy in {proxy} requires a user name and password (407)",
            causes[0],
            f"Add them to {proxy}: http://user:password@host:port.",
            is_lasting=True,
        )
    return ConnectionFailure(
        f"the proxy in {proxy} refused to connect to the exchange ({status})",
        causes[0],
        f"Check {proxy}, or ask the proxy administrator.",
        is_lasting=status < 500,  # a 5xx may be temporary
    )


# --- Certificates ---------------------------------------------------------------------------------


def _unusable_ca_file(error: BaseException, environ: Mapping[str, str], what: str) -> ConnectionFailure:
    name = next((name for name in _CA_VARIABLES if environ.get(name)), None)
    if name is None:
        cause, remedy = (
            f"the trusted certificates file {what}",
            "Run pip install --force-reinstall certifi.",
        )
    else:
        cause = f"the file in {name} {what}: {sanitize(environ[name])}"
        remedy = f"Correct {name}, or unset it."
    return ConnectionFailure(cause, error, remedy, is_lasting=True)


def _untrusted(
    error: ssl.SSLCertVerificationError, causes: list[BaseException], environ: Mapping[str, str]
) -> ConnectionFailure:
    found = _CERTIFICATES.get(error.verify_code)
    if found is None:
        name = next((name for name in _CA_VARIABLES if environ.get(name)), None)
        where = f"not in {name}" if name else "unknown"
        cause = f"this is not the exchange: its certificate issuer is {where}"
        remedy = f"Use another network; if yours inspects TLS, set {name or _CA_VARIABLES[0]} to its CA file."
        found = cause, remedy
    return ConnectionFailure(found[0], causes[0], found[1], is_lasting=True)


# --- Connections ----------------------------------------------------------------------------------


def _no_connection(
    error: BaseException, causes: list[BaseException], proxy: str, environ: Mapping[str, str]
) -> ConnectionFailure:
    """Explain why the exchange or its proxy was not reached."""
    from urllib3.exceptions import LocationParseError, NewConnectionError, ProxyError

    is_proxy = any(isinstance(cause, ProxyError) for cause in causes)
    is_refused_by_network = any(isinstance(cause, NewConnectionError) for cause in causes)  # by a firewall
    if any(isinstance(cause, LocationParseError) for cause in causes):
        return _unusable_proxy(causes, proxy)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if is_proxy:
                what = f"the proxy in {proxy} has no valid certificate ({cause.verify_message.rstrip('.')})"
                return ConnectionFailure(what, error, f"Check {proxy}.", is_lasting=True)
            return _untrusted(cause, causes, environ)
        if isinstance(cause, PermissionError) and not is_refused_by_network:
            return _unusable_ca_file(error, environ, "cannot be read")
        if isinstance(cause, ssl.SSLError) and cause.library == "X509":
            return _unusable_ca_file(error, environ, "contains no certificates")
    reason = _reason(causes)
    if is_proxy:
        return ConnectionFailure(
            f"the proxy in {proxy} cannot be reached ({reason})", error, f"Correct {proxy}, or unset it."
        )
    return ConnectionFailure(f"the exchange cannot be reached ({reason})", error)


def _reason(causes: list[BaseException]) -> str:
    """Return the reason reported by the operating system or TLS."""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "DNS lookup failed"
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ssl.SSLError):
            return "TLS handshake failed"
        if isinstance(cause, ConnectionError):
            return "connection closed"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "no connection"
