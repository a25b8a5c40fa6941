"""Read one HTTP answer: size, deadline, JSON with exact numbers.

Sends nothing and judges no status.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from kalshi_trading.core.errors import OutcomeUnknownError
from kalshi_trading.exchange.http.error_mapping import Answer

if TYPE_CHECKING:
    import requests

LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
_MAX_DIGITS = 40
_CHUNK_BYTES = 65_536


def read_answer(response: requests.Response, deadline: float, monotonic: Callable[[], float]) -> Answer:
    """Read the whole answer, and close its connection on any error.

    Raises OutcomeUnknownError if it is too large, or not complete at `deadline`.
    """
    chunks, size = [], 0
    try:
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_ANSWER_BYTES:
                raise OutcomeUnknownError("The exchange's answer is too large.")
            if monotonic() > deadline:
                raise OutcomeUnknownError("The exchange did not finish its answer in time.")
        response.raw.release_conn()
        text = b"".join(chunks).decode("utf-8", errors="replace")
        return Answer(response.status_code, parse_json(text), text)
    except BaseException:
        response.close()
        raise


def parse_json(text: str) -> object:
    """Parse JSON with exact numbers. None: it is not plain JSON."""
    try:
        return json.loads(text, parse_float=_exact, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def _exact(text: str) -> Decimal:
    """Parse a number exactly, but raise ValueError for huge ones (`1e9999`).

    They are cheap to send and expensive to compute with.
    """
    number = Decimal(text)
    if not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS or len(text) > 2 * _MAX_DIGITS:
        raise ValueError("a number out of all proportion")
    return number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
