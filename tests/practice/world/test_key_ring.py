"""Authentication: both signature kinds, clock window and request tokens."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from api_examples import ERRORS
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from practice_client import ROOT, PracticeClient

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.server.key_file import practice_key


def status_and_body(
    client: PracticeClient, headers: dict[str, str], path: str = "/portfolio/balance"
) -> tuple[int, object]:
    answer = client.send("GET", path, headers=headers)
    return answer.status, answer.body


def expected(example: str) -> tuple[int, object]:
    return ERRORS[example]["status"], ERRORS[example]["body"]


def test_request_without_headers_is_refused(client: PracticeClient) -> None:
    assert status_and_body(client, {}) == expected("401_missing_header")


@pytest.mark.parametrize("missing", ["KEY", "TIMESTAMP", "SIGNATURE"])
def test_one_missing_header_is_refused_even_on_a_public_path(client: PracticeClient, missing: str) -> None:
    headers = client.headers("GET", "/markets")
    del headers[f"KALSHI-ACCESS-{missing}"]
    assert status_and_body(client, headers, "/markets") == expected("401_missing_header")


def test_public_path_needs_no_headers(client: PracticeClient) -> None:
    assert client.send("GET", "/markets", signed=False).status == 200


def test_unknown_key_is_refused(client: PracticeClient) -> None:
    stranger = replace(client, key_id="00000000-0000-0000-0000-000000000000")
    headers = stranger.headers("GET", "/portfolio/balance")
    assert status_and_body(client, headers) == expected("401_unknown_key")


@pytest.mark.parametrize("signature", ["", "!!!", "AAAA", "=", "QUJD" * 40])
def test_nonsense_signature_is_refused(client: PracticeClient, signature: str) -> None:
    headers = {**client.headers("GET", "/portfolio/balance"), "KALSHI-ACCESS-SIGNATURE": signature}
    wanted = expected("401_signature") if signature else expected("401_missing_header")
    assert status_and_body(client, headers) == wanted


def test_signature_of_another_method_path_or_key_is_refused(client: PracticeClient) -> None:
    for headers in (
        client.headers("POST", "/portfolio/balance"),
        client.headers("GET", "/portfolio/orders"),
        replace(client, key=Ed25519PrivateKey.generate()).headers("GET", "/portfolio/balance"),
    ):
        assert status_and_body(client, headers) == expected("401_signature")


def test_signature_over_the_query_is_refused(client: PracticeClient) -> None:
    text = f"{client.clock.now() // 1000}GET{ROOT}/portfolio/orders?limit=5".encode()
    headers = {
        **client.headers("GET", "/portfolio/orders"),
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(client.key.sign(text)).decode(),
    }
    assert status_and_body(client, headers, "/portfolio/orders?limit=5") == expected("401_signature")
    assert client.send("GET", "/portfolio/orders?limit=5").status == 200


@pytest.mark.parametrize(
    ("skew_s", "accepted"), [(-10, True), (-10.5, False), (10, True), (10.5, False), (-300, False)]
)
def test_timestamp_may_be_ten_seconds_off(client: PracticeClient, skew_s: float, accepted: bool) -> None:
    found = status_and_body(client, client.headers("GET", "/portfolio/balance", skew_s=skew_s))
    assert found[0] == 200 if accepted else found == expected("401_timestamp")


@pytest.mark.parametrize("timestamp", ["abc", "-1", "1.5", "１２３", "9" * 40, ""])
def test_timestamp_that_is_no_number_is_refused(client: PracticeClient, timestamp: str) -> None:
    headers = client.headers("GET", "/portfolio/balance")
    headers["KALSHI-ACCESS-TIMESTAMP"] = timestamp.encode().decode("latin-1")
    assert client.send("GET", "/portfolio/balance", headers=headers).status == 401


def test_rsa_key_signs_with_pss_and_with_nothing_else(client: PracticeClient, tmp_path: Path) -> None:
    made = practice_key(tmp_path)
    client.world.keys.add_key(made.key_id, client.world.account_id, made.public_key)
    private_key = load_pem_private_key(made.private_key_path.read_bytes(), password=None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    timestamp = str(client.clock.now() // 1000)
    text = f"{timestamp}GET{ROOT}/portfolio/balance".encode()
    pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    for scheme, status in ((pss, 200), (padding.PKCS1v15(), 401)):
        signature = base64.b64encode(private_key.sign(text, scheme, SHA256())).decode()
        headers = {
            "KALSHI-ACCESS-KEY": made.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": signature,
        }
        assert client.send("GET", "/portfolio/balance", headers=headers).status == status


def test_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = practice_key(tmp_path)
    assert practice_key(tmp_path).key_id == first.key_id
    assert first.private_key_path.stat().st_mode & 0o777 == 0o600
    assert first.private_key_path.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert first.public_key.key_size == 2048
    assert [path.name for path in tmp_path.iterdir()] == [first.private_key_path.name]


def test_portfolio_belongs_to_the_account_that_signed(client: PracticeClient) -> None:
    other_key = Ed25519PrivateKey.generate()
    client.world.exchange.open_account("other-account", simulated=False)
    client.world.keys.add_key("other", "other-account", other_key.public_key())
    other = replace(client, key=other_key, key_id="other")
    order_id = client.order(client.liquid_market(), "bid", 100).body["order_id"]
    assert other.get("/portfolio/balance")["balance_dollars"] == "0.0000"
    for name in ("orders", "fills", "deposits"):
        assert other.get(f"/portfolio/{name}")[name] == []
    assert other.send("GET", f"/portfolio/orders/{order_id}").status == 404
    assert other.send("DELETE", f"/portfolio/events/orders/{order_id}").status == 404
    assert client.get(f"/portfolio/orders/{order_id}")["order"]["status"] == "resting"


def test_empty_bucket_refuses_and_refills_with_time(client: PracticeClient) -> None:
    for _ in range(90):
        client.get("/portfolio/orders")
    assert client.send("GET", "/portfolio/orders").status == ERRORS["429_rate"]["status"]
    assert client.send("GET", "/portfolio/orders").body == ERRORS["429_rate"]["body"]
    assert client.send("GET", "/markets?limit=1", signed=False).status == 200
    assert client.order(client.liquid_market(), "bid", 100).status == 201, "writes have a bucket of their own"
    client.clock.move(0.034)
    assert client.send("GET", "/portfolio/orders").status == 200
    assert client.send("GET", "/portfolio/orders").status == 429


def test_the_balance_is_read_once_a_second_beside_all_other_reads(client: PracticeClient) -> None:
    client.world.assume(Assumptions())
    client.get("/portfolio/balance")
    refused = client.send("GET", "/portfolio/balance")
    assert (refused.status, refused.body) == (429, ERRORS["429_rate"]["body"])
    for _ in range(90):
        client.get("/portfolio/orders")
    client.clock.move(0.999)
    assert client.send("GET", "/portfolio/balance").status == 429
    client.clock.move(0.001)
    client.get("/portfolio/balance")


def test_without_a_balance_bucket_the_balance_is_a_read_like_any_other(client: PracticeClient) -> None:
    for _ in range(90):
        client.get("/portfolio/balance")
    assert client.send("GET", "/portfolio/balance").status == 429
    assert client.send("GET", "/portfolio/orders").status == 429


def test_single_order_reads_and_cancels_cost_two_tokens(client: PracticeClient) -> None:
    market = client.liquid_market()
    order_id = client.order(market, "bid", 100).body["order_id"]
    for _ in range(450):
        assert client.send("GET", f"/portfolio/orders/{order_id}").status == 200
    assert client.send("GET", f"/portfolio/orders/{order_id}").status == 429
    for _ in range(445):
        assert client.send("DELETE", "/portfolio/events/orders/none").status == 404
    assert client.send("DELETE", "/portfolio/events/orders/none").status == 429
