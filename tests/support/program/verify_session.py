"""Sessions of `verify` on an exchange with switchable assumptions."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import dataclass

from exchange_process import ExchangeProcess
from rich.console import Console

from kalshi_trading import compose
from kalshi_trading.settings.options import Settings
from kalshi_trading.ui.commands import verify
from kalshi_trading.verify.evidence import Evidence
from kalshi_trading.verify.questions import QUESTIONS


@dataclass
class VerifySession:
    """Runs `verify` on an exchange with its own journal."""

    exchange: ExchangeProcess
    settings: Settings

    def assume(self, **switches: str) -> None:
        self.exchange.control("assumptions", switches)

    def services(self, **how: object) -> compose.Services:
        return compose.build(self.settings, read_only=False, **how)  # type: ignore[arg-type]

    def run(self, names: Collection[str] = QUESTIONS, *, is_trading: bool = True) -> tuple[int, str]:
        """Return exit status and screen."""
        recorder = verify.Recorder(Evidence())
        services = self.services(make_transport=recorder.make_transport)
        screen = io.StringIO()
        try:
            console = Console(file=screen, width=160)
            status = verify.verify(services, recorder, console, is_trading=is_trading, names=names)
        finally:
            services.close()
        return status, screen.getvalue()
