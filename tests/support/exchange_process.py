"""Practice exchanges as real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ExchangeProcess:
    """A running practice exchange: what its ready line said, and the process."""

    url: str
    ws_url: str
    key_id: str
    private_key_path: str
    pid: int
    data_dir: Path
    process: subprocess.Popen[str]


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
    """Read the ready line, or fail with what the process said instead."""
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
