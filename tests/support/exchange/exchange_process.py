"""Practice exchanges as real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.settings.credentials import Credentials, load_private_key

PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class ExchangeProcess:
    """A running practice exchange: its process and its ready line."""

    url: str
    ws_url: str
    key_id: str
    private_key_path: str
    pid: int
    data_dir: Path
    process: subprocess.Popen[str]

    @property
    def credentials(self) -> Credentials:
        """The key of its only account."""
        return Credentials(self.key_id, load_private_key(self.private_key_path))

    def client(self) -> KalshiClient:
        """Return a client of the account."""
        return KalshiClient(Transport(self.url, self.credentials))

    def control(self, door: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET a `--control` path, or POST to it."""
        url = f"{self.url.removesuffix('/trade-api/v2')}/practice/{door}"
        answer = requests.get(url, timeout=60) if body is None else requests.post(url, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def open_tickers(self, count: int) -> list[str]:
        """Return open markets, latest close first."""
        rows = requests.get(f"{self.url}/markets?limit=1000&status=open", timeout=60).json()["markets"]
        rows.sort(key=lambda row: row["close_time"], reverse=True)
        return [row["ticker"] for row in rows[:count]]


def start_process(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `python -m kalshi_trading.practice`; the caller ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "kalshi_trading.practice", "--data-dir", str(data_dir), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def read_ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the ready line, or fail with the process's error output."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        pytest.fail(f"the practice exchange did not start: {process.stderr.read()}")
    ready: dict[str, Any] = json.loads(line)
    return ready


def end_process(process: subprocess.Popen[str]) -> None:
    """Kill a process that still runs, and close its pipes."""
    if process.poll() is None:
        process.kill()
    process.communicate()


@contextmanager
def running_exchange(data_dir: Path, *arguments: str) -> Iterator[ExchangeProcess]:
    """Run a practice exchange on this directory and kill it at the end."""
    process = start_process(data_dir, *arguments)
    try:
        yield ExchangeProcess(**read_ready(process), data_dir=data_dir, process=process)
    finally:
        end_process(process)
