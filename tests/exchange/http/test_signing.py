"""Test signatures with the public key, as the exchange checks them."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.exchange.http.signing import sign, websocket_headers
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.settings.environments import WEBSOCKET_PATH as CONFIGURED_WEBSOCKET_PATH

KEY_ID = "0d5b1c7e-0000-4000-8000-1234567890ab"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519_KEY = ed25519.Ed25519PrivateKey.generate()
NOW_MS = 1795248000000


def verify_rsa(headers: dict[str, str], message: str) -> None:
    salted = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    signature = b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    RSA_KEY.public_key().verify(signature, message.encode(), salted, SHA256())


def verify_ed25519(headers: dict[str, str], message: str) -> None:
    signature = b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    ED25519_KEY.public_key().verify(signature, message.encode())


def test_the_documented_example_is_signed_with_an_rsa_key():
    headers = sign(Credentials(KEY_ID, RSA_KEY), "GET", "/trade-api/v2/portfolio/orders", NOW_MS)
    verify_rsa(headers, "1795248000000GET/trade-api/v2/portfolio/orders")


def test_the_documented_example_is_signed_with_an_ed25519_key():
    headers = sign(Credentials(KEY_ID, ED25519_KEY), "GET", "/trade-api/v2/portfolio/orders", NOW_MS)
    verify_ed25519(headers, "1795248000000GET/trade-api/v2/portfolio/orders")


def test_headers_carry_the_key_id_and_the_time_in_milliseconds():
    headers = sign(Credentials(KEY_ID, ED25519_KEY), "GET", "/trade-api/v2/exchange/status", NOW_MS)
    assert set(headers) == {"KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"}
    assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1795248000000"


def test_an_rsa_signature_is_never_the_same_twice():
    first, second = (sign(Credentials(KEY_ID, RSA_KEY), "GET", "/x", NOW_MS) for _ in range(2))
    assert first["KALSHI-ACCESS-SIGNATURE"] != second["KALSHI-ACCESS-SIGNATURE"]


@pytest.mark.parametrize("other", ["1795248000001GET/x", "1795248000000POST/x", "1795248000000GET/y"])
def test_a_signature_holds_for_its_own_instant_method_and_path_only(other):
    headers = sign(Credentials(KEY_ID, RSA_KEY), "GET", "/x", NOW_MS)
    with pytest.raises(InvalidSignature):
        verify_rsa(headers, other)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "post", "delete"]),
    path=st.text(st.characters(codec="utf-8", exclude_characters="?#")).map(lambda text: "/" + text),
    now_ms=st.integers(0, 10**14),
)
def test_any_request_is_signed_as_time_method_and_path_without_separators(method, path, now_ms):
    headers = sign(Credentials(KEY_ID, ED25519_KEY), method, path, now_ms)
    verify_ed25519(headers, f"{now_ms}{method.upper()}{path}")


@pytest.mark.parametrize("path", ["/a?limit=5", "/a#b", "trade-api/v2/a", "https://host/a", ""])
def test_a_path_with_query_fragment_or_host_is_never_signed(path):
    with pytest.raises(ValueError, match="path to sign"):
        sign(Credentials(KEY_ID, ED25519_KEY), "GET", path, NOW_MS)


def test_the_websocket_upgrade_is_signed_as_a_get_of_its_path():
    headers = websocket_headers(Credentials(KEY_ID, ED25519_KEY), NOW_MS)
    verify_ed25519(headers, "1795248000000GET/trade-api/ws/v2")
    assert CONFIGURED_WEBSOCKET_PATH == "/trade-api/ws/v2"


def test_credentials_never_show_the_key_or_its_id():
    assert repr(Credentials(KEY_ID, ED25519_KEY)) == "Credentials(key_id='****', private_key='****')"
