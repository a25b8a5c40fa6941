"""Signed headers for one HTTP request or WebSocket upgrade.

Knows the text to sign and the signature scheme. Never reads a clock or a file. Never keeps a signature,
because every attempt of a request needs a fresh one.
"""

from __future__ import annotations

from base64 import b64encode

from kalshi_trading.settings.credentials import Credentials, PrivateKey
from kalshi_trading.settings.environments import WEBSOCKET_PATH


def sign(credentials: Credentials, method: str, path: str, now_ms: int) -> dict[str, str]:
    """Return the three headers that authenticate one request.

    `path` is the full path from the root as sent, without host, query or fragment. `now_ms` is Unix time in
    milliseconds by the exchange's clock. Source: Kalshi API, authentication.
    """
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ValueError("the path to sign must begin with / and carry no query or fragment")
    message = f"{now_ms}{method.upper()}{path}".encode()
    return {
        "KALSHI-ACCESS-KEY": credentials.key_id,
        "KALSHI-ACCESS-TIMESTAMP": str(now_ms),
        "KALSHI-ACCESS-SIGNATURE": b64encode(_signature(credentials.private_key, message)).decode(),
    }


def websocket_headers(credentials: Credentials, now_ms: int, path: str = WEBSOCKET_PATH) -> dict[str, str]:
    """Return the headers for the WebSocket upgrade.

    Source: Kalshi API, authentication.
    """
    return sign(credentials, "GET", path, now_ms)


def _signature(key: PrivateKey, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    digest = SHA256()
    salted = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    return key.sign(message, salted, digest)
