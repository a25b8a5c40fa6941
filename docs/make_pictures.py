"""Draw docs/menu-and-ticket.svg from a scripted session of the program.

    python docs/make_pictures.py

The session runs on a practice exchange. Typed answers come from a list; the program prints everything else.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from rich.console import Console  # noqa: E402  (the path must be set first)

from kalshi_trading.config import load_settings  # noqa: E402
from kalshi_trading.exchange.practice_launcher import ensure_running  # noqa: E402
from kalshi_trading.ui import menu  # noqa: E402
from kalshi_trading.ui.program import build_app  # noqa: E402
from kalshi_trading.ui.prompts.prompter import PlainPrompter  # noqa: E402

ANSWERS = ("2", "high temperature chicago", "1", "1", "1", "", "100", "1", "0", "e")


class Typed(io.TextIOBase):
    """Lines as if typed, shown on the console as a terminal would."""

    def __init__(self, console: Console, answers: Iterator[str]) -> None:
        self._console = console
        self._answers = answers

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        answer = next(self._answers, None)
        if answer is None:
            return ""
        self._console.print(f"› {answer}", style="bold", markup=False)
        return f"{answer}\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        exchange = ensure_running(Path(folder) / "practice", seed=7, markets=400)
        settings = replace(
            load_settings({"KALSHI_LOG_DIR": folder, "KALSHI_DATA_DIR": folder}, None),
            api_base_url=exchange.api_base_url,
            credentials=exchange.credentials(),
        )
        console = Console(
            record=True, width=88, highlight=False, emoji=False, markup=False, file=io.StringIO()
        )
        typed = Typed(console, iter(ANSWERS))
        prompter = PlainPrompter(console.print, typed)  # type: ignore[arg-type]
        menu.run(build_app(settings, console, prompter, read_only=False))
        console.save_svg(str(PROJECT / "docs" / "menu-and-ticket.svg"), title="kalshi trading · practice")
        os.kill(exchange.pid, 15)


if __name__ == "__main__":
    main()
