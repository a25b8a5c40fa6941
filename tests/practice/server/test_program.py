"""The practice exchange as a process: start, attach, end, survive a kill."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import stat
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any
from uuid import uuid4

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from exchange_process import ExchangeProcess, end_process, read_ready, running_exchange, start_process

from kalshi_trading.practice.world.clock import SystemClock
from kalshi_trading.practice.world.world import World

PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
LONGEST_S = 60


class Trader:
    """A client that signs and sends requests to one running exchange."""

    def __init__(self, url: str, key_id: str, private_key_path: str) -> None:
        self._url, self._key_id = url, key_id
        key = load_pem_private_key(Path(private_key_path).read_bytes(), password=None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self._session = requests.Session()

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        timestamp = str(time.time_ns() // 1_000_000)
        text = f"{timestamp}{method}/trade-api/v2{path.partition('?')[0]}".encode()
        headers = {
            "KALSHI-ACCESS-KEY": self._key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": b64encode(self._key.sign(text, PSS, SHA256())).decode(),
        }
        return self._session.request(method, self._url + path, headers=headers, timeout=LONGEST_S, **more)

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def trader_at() -> Iterator[Callable[[ExchangeProcess], Trader]]:
    traders: list[Trader] = []

    def make(running: ExchangeProcess) -> Trader:
        traders.append(Trader(running.url, running.key_id, running.private_key_path))
        return traders[-1]

    yield make
    for trader in traders:
        trader.close()


def test_ready_line_says_where_the_exchange_answers(practice_exchange: ExchangeProcess) -> None:
    assert practice_exchange.url.startswith("http://127.0.0.1:")
    assert practice_exchange.url.endswith("/trade-api/v2")
    assert practice_exchange.ws_url.startswith("ws://127.0.0.1:")
    assert practice_exchange.pid == practice_exchange.process.pid
    answer = requests.get(practice_exchange.url + "/exchange/status", timeout=LONGEST_S)
    assert answer.json()["trading_active"] is True
    assert "Date" in answer.headers


def test_files_belong_to_their_owner_only(practice_exchange: ExchangeProcess) -> None:
    assert stat.S_IMODE(Path(practice_exchange.private_key_path).stat().st_mode) == 0o600
    ready = practice_exchange.data_dir / "ready.json"
    assert stat.S_IMODE(ready.stat().st_mode) == 0o600
    assert json.loads(ready.read_text())["url"] == practice_exchange.url


def test_new_data_folder_is_private(tmp_path: Path) -> None:
    with running_exchange(tmp_path / "new" / "world", "--markets", "50"):
        assert stat.S_IMODE((tmp_path / "new" / "world").stat().st_mode) == 0o700


def test_second_start_names_the_first_and_ends(practice_exchange: ExchangeProcess) -> None:
    second = start_process(practice_exchange.data_dir)
    try:
        assert read_ready(second)["pid"] == practice_exchange.pid
        assert second.wait(LONGEST_S) == 0
    finally:
        end_process(second)


@pytest.mark.parametrize("option", ["--floors", "--control", "--assume=ioc_row=no", "--latency-ms=5"])
def test_a_second_start_with_other_options_is_refused(
    practice_exchange: ExchangeProcess, option: str
) -> None:
    second = start_process(practice_exchange.data_dir, option)
    output, errors = second.communicate(timeout=LONGEST_S)
    assert (second.returncode, output) == (2, "")
    assert f"already runs in {practice_exchange.data_dir}, so these options would not apply" in errors
    assert f"process {practice_exchange.pid} first" in errors


def test_many_starts_at_once_make_one_exchange(tmp_path: Path) -> None:
    starts = [start_process(tmp_path / "world", "--markets", "50") for _ in range(4)]
    try:
        pids = {read_ready(process)["pid"] for process in starts}
        assert len(pids) == 1
        assert pids <= {process.pid for process in starts}
    finally:
        for process in starts:
            end_process(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running_exchange(tmp_path, "--markets", "50") as running:
        running.process.send_signal(number)
        assert running.process.wait(LONGEST_S) == 0
        _, errors = running.process.communicate()
        assert errors == ""
        assert not (tmp_path / "ready.json").exists()


def test_idle_exchange_ends_by_itself(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "--markets", "50", "--idle-exit", "1") as running:
        assert running.process.wait(LONGEST_S) == 0


def test_requests_keep_an_exchange_from_being_idle(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "--markets", "50", "--idle-exit", "1") as running:
        until = time.monotonic() + 2.2
        while time.monotonic() < until:
            assert requests.get(running.url + "/exchange/status", timeout=LONGEST_S).status_code == 200
            time.sleep(0.2)
        assert running.process.wait(LONGEST_S) == 0


def test_ready_file_of_a_killed_exchange_is_not_believed(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "--markets", "50") as first:
        first.process.kill()
        first.process.wait(LONGEST_S)
        assert (tmp_path / "ready.json").exists()
        with running_exchange(tmp_path) as second:
            assert second.pid != first.pid
            assert second.key_id == first.key_id


@pytest.mark.parametrize(
    "arguments",
    [("--port", "70000"), ("--port", "x"), ("--markets", "0"), ("--idle-exit", "-1"), ("--nonsense",)],
)
def test_bad_argument_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert_refused(tmp_path, *arguments)


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert_refused(tmp_path, "--port", str(taken.getsockname()[1]))


def test_unusable_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert_refused(tmp_path / "file")
    assert_refused(tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["world.sqlite", "practice-key.pem"])
def test_damaged_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("damaged " * 1000)
    said = assert_refused(tmp_path)
    assert said.startswith(f"{tmp_path / name} cannot be used: ")
    assert said.endswith(f" Move the folder {tmp_path} aside to start over.\n")


@pytest.mark.parametrize(
    "junk", [b"", b"\xff\x00", b"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"]
)
def test_key_file_without_a_key_is_named_with_what_to_do(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "practice-key.pem").write_bytes(junk)
    said = assert_refused(tmp_path)
    assert "practice-key.pem cannot be used: it contains no private key. Move the folder" in said


@pytest.mark.parametrize("kind", ["event", "market"])
def test_world_with_a_hole_is_named_with_what_to_do(tmp_path: Path, kind: str) -> None:
    World(tmp_path / "world.sqlite", seed=1, market_count=50, clock=SystemClock()).close()
    with closing(sqlite3.connect(tmp_path / "world.sqlite")) as database:
        database.execute("DELETE FROM records WHERE kind = ?", (kind,))
        database.commit()
    said = assert_refused(tmp_path)
    assert said.startswith(f"{tmp_path / 'world.sqlite'} cannot be used: ")
    assert said.endswith(f" Move the folder {tmp_path} aside to start over.\n")


@pytest.mark.parametrize("junk", [b"", b"{", b"[" * 100_000, b"\xff", b'{"pid": 1}', None])
def test_damaged_ready_file_is_rewritten_while_the_exchange_runs(tmp_path: Path, junk: bytes | None) -> None:
    with running_exchange(tmp_path) as running:
        ready = tmp_path / "ready.json"
        ready.unlink() if junk is None else ready.write_bytes(junk)
        second = start_process(tmp_path)
        output, errors = second.communicate(timeout=LONGEST_S)
        assert json.loads(output)["url"] == running.url, errors
        assert stat.S_IMODE(ready.stat().st_mode) == 0o600


def test_folder_moved_aside_is_started_over_beside_the_exchange_that_went_with_it(tmp_path: Path) -> None:
    folder, aside = tmp_path / "world", tmp_path / "aside"
    with running_exchange(folder, "--markets", "20") as old:
        folder.rename(aside)
        with running_exchange(folder, "--markets", "20") as new:
            assert new.url != old.url
            old.process.send_signal(signal.SIGTERM)
            old.process.wait(timeout=LONGEST_S)
            assert json.loads((folder / "ready.json").read_text())["url"] == new.url


def assert_refused(data_dir: Path, *arguments: str) -> str:
    process = start_process(data_dir, *arguments)
    try:
        output, errors = process.communicate(timeout=LONGEST_S)
    finally:
        end_process(process)
    assert (process.returncode, output) == (2, "")
    assert len(errors.splitlines()) == 1, errors
    assert errors.endswith(".\n")
    return errors


@pytest.mark.parametrize("seed", range(4))
def test_killed_while_trading_loses_nothing_it_acknowledged(
    tmp_path: Path, trader_at: Callable[[ExchangeProcess], Trader], seed: int
) -> None:
    random = Random(seed)
    acknowledged: dict[str, str] = {}
    with running_exchange(tmp_path, "--markets", "60") as running:
        trader = trader_at(running)
        markets = trader.send("GET", "/markets?status=open&limit=20").json()["markets"]
        killing = Timer(0.3 + random.random() / 2, running.process.kill)
        killing.start()
        trade_until_cut_off(trader, random, markets, acknowledged)
        killing.join()
    assert acknowledged, "it was killed while it traded"
    with running_exchange(tmp_path) as running:
        trader = trader_at(running)
        orders: dict[str, str] = {}
        cursor = ""
        while True:
            page = trader.send("GET", f"/portfolio/orders?limit=1000&cursor={cursor}").json()
            orders |= {row["order_id"]: row["fill_count_fp"] for row in page["orders"]}
            cursor = page["cursor"]
            if not cursor:
                break
        lost = {
            order_id for order_id, filled in acknowledged.items() if float(orders[order_id]) < float(filled)
        }
        assert lost == set()
    world = World(tmp_path / "world.sqlite", seed=0, market_count=1, clock=SystemClock())
    world.exchange.check()
    world.close()


def trade_until_cut_off(
    trader: Trader, random: Random, markets: list[Any], acknowledged: dict[str, str]
) -> None:
    """Place and cancel orders until the exchange is gone.

    Records acknowledged orders: id to fill count.
    """
    while True:
        side = random.choice(("bid", "ask"))
        body = {
            "ticker": random.choice(markets)["ticker"],
            "client_order_id": str(uuid4()),
            "side": side,
            "count": f"{random.randint(1, 30)}.00",
            "price": f"0.{random.randint(1, 99):02d}00",
            "time_in_force": random.choice(("good_till_canceled", "immediate_or_cancel")),
            "self_trade_prevention_type": "maker",
        }
        try:
            answer = trader.send("POST", "/portfolio/events/orders", json=body)
            if answer.status_code == 201:
                acknowledged[answer.json()["order_id"]] = answer.json()["fill_count"]
                if random.random() < 0.3:
                    trader.send("DELETE", f"/portfolio/events/orders/{answer.json()['order_id']}")
            elif answer.status_code == 429:
                time.sleep(0.02)
        except requests.RequestException:
            return


def test_world_of_another_version_is_one_sentence(tmp_path: Path) -> None:
    world = World(tmp_path / "world.sqlite", seed=1, market_count=50, clock=SystemClock())
    world.close()
    with closing(sqlite3.connect(tmp_path / "world.sqlite")) as database:
        database.execute("UPDATE records SET body = replace(body, '\"layout\":1', '\"layout\":99')")
        database.commit()
    assert_refused(tmp_path)
