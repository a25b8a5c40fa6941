"""A transport that also hands every exchange to a recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.exchange.http.error_mapping import Answer
from kalshi_trading.exchange.http.transport import Request, Transport

Record = Callable[[str, str, Iterable[tuple[str, str]], object, int | None, object], None]


class RecordingTransport(Transport):
    """Sends as `Transport` does and records what was sent and answered.

    Headers are never recorded.
    """

    def __init__(self, *arguments: Any, record: Record, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._record = record

    def _round_trip(self, request: Request, deadline: float) -> Answer:
        asked = request.method, request.path, request.query, request.body
        try:
            answer = super()._round_trip(request, deadline)
        except KalshiAPIError as error:
            self._record(*asked, None, type(error).__name__)
            raise
        self._record(*asked, answer.status, answer.body)
        return answer
