"""Code of a process that will be killed: a session that sends orders.

Imports everything a session needs, so that a server with this module loaded can fork sessions at once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import requests  # noqa: F401
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: F401
from trading_session import Access, OrderSpec, TradingSession, retry_read

from kalshi_trading.orders.execution.submission import SubmissionStep

MARGIN_S, APART_S = 0.2, 0.1
WRITING = ("writing intent", "writing sending", "writing result")
MOMENTS = (
    SubmissionStep.CONFIRMED.value,
    "writing intent",
    SubmissionStep.INTENT_RECORDED.value,
    SubmissionStep.SIGNED.value,
    "writing sending",
    SubmissionStep.SENDING_RECORDED.value,
    SubmissionStep.CHECKED.value,
    SubmissionStep.ANSWERED.value,
    "writing result",
    SubmissionStep.RESULT_RECORDED.value,
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment: str, folder: Path, access: Access, spec: OrderSpec) -> None:
    """Send one order and be killed at this moment.

    A moment is a step, or the time between a line's write and its flush.
    """
    if moment in WRITING:
        _die_before_flush(moment.removeprefix("writing "), folder)
    session = _open_session(folder, access, lambda step: die() if step.value == moment else None)
    session.submit(spec)
    os._exit(1)  # the moment never came


def wait_at(step: SubmissionStep, folder: Path, access: Access, spec: OrderSpec, report: Connection) -> None:
    """Send one order, report this step to the parent, and stop there."""

    def on_step(now: SubmissionStep) -> None:
        if now is step:
            report.send(step.value)
            time.sleep(600)

    _open_session(folder, access, on_step).submit(spec)


def stop_at(step: SubmissionStep, folder: Path, access: Access, spec: OrderSpec) -> None:
    """Send one order and be stopped at this step, like a sleeping laptop.

    The parent continues the process later.
    """

    def on_step(now: SubmissionStep) -> None:
        if now is step:
            os.kill(os.getpid(), signal.SIGSTOP)

    _open_session(folder, access, on_step).submit(spec)


def trade_on(folder: Path, access: Access, specs: list[OrderSpec], started: Connection) -> None:
    """Send orders one after the other until the process is killed.

    `started` receives a message at the beginning.
    """
    session = TradingSession(folder, access, margin_s=MARGIN_S, apart_s=APART_S)
    # Observes the time. The sessions of a test share one balance read per second.
    retry_read(lambda: session.client.get_orders(limit=1))
    started.send_bytes(b"begun")
    while True:
        for spec in specs:
            session.submit(spec)


def _open_session(
    folder: Path, access: Access, on_step: Callable[[SubmissionStep], None] = lambda step: None
) -> TradingSession:
    session = TradingSession(folder, access, margin_s=MARGIN_S, apart_s=APART_S, on_step=on_step)
    session.read_limits()
    return session


def _die_before_flush(word: str, folder: Path) -> None:
    flush = os.fsync
    journal = folder / "practice" / "trades.log"
    own = os.getpid()

    def fsync(descriptor: int) -> None:
        is_there = os.getpid() == own and journal.exists()
        if is_there and os.path.samestat(os.fstat(descriptor), journal.stat()):
            event = journal.read_bytes().splitlines()[-1].split(b" ")[1].decode().removeprefix("order.")
            if word == (event if event in ("intent", "sending") else "result"):
                die()
        flush(descriptor)

    os.fsync = fsync  # type: ignore[assignment]
