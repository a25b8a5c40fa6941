"""Draw the pictures of the documents: screens of the real program.

    python docs/make_pictures.py

Needs requirements-dev.txt. Starts a practice exchange in a temporary folder, opens some positions, and
presses keys in a terminal of 100 columns and 30 rows. Every picture in docs/pictures is drawn again.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

PROJECT = Path(__file__).resolve().parent.parent
PICTURES = PROJECT / "docs" / "pictures"
COLUMNS, ROWS = 100, 30
LONGEST_WAIT_S = 60.0
QUIET_S = 0.7
DOWN, ENTER, ESCAPE = "\x1b[B", "\r", "\x1b"
POSITIONS = """
from kalshi_trading.trade_executor import TradeExecutor

with TradeExecutor() as executor:
    found = executor.search_markets("", limit=None)
    quoted = [m for m in found if 20 < (m["yes_bid"] or 0) < 80 and (m["yes_ask"] or 99) <= m["yes_bid"] + 4]
    first = {m["ticker"].split("-")[0]: m for m in reversed(quoted)}
    for number, market in enumerate(list(first.values())[:6]):
        try:
            executor.place_market_order(market["ticker"], "yes" if number % 3 else "no", 10 + 15 * number)
        except Exception as error:
            print(error)
    for market in list(first.values())[:2]:
        executor.place_limit_order(market["ticker"], "yes", 10, market["yes_bid"] - 5)
"""


class Screen:
    """The program in a terminal, and what it shows."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            sys.executable, [str(PROJECT / "main.py")], env=environment, dimensions=(ROWS, COLUMNS)
        )
        self._screen = pyte.Screen(COLUMNS, ROWS)
        # answers requests for the terminal's status
        self._screen.write_process_input = self.press  # type: ignore[method-assign, assignment]
        self._stream = pyte.ByteStream(self._screen)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def press(self, keys: str) -> None:
        self._child.send(keys)

    def wait_for(self, pattern: str) -> None:
        """Wait until the pattern is on the screen and the screen is still."""
        ends_at = time.monotonic() + LONGEST_WAIT_S
        changed_at = time.monotonic()
        while not (re.search(pattern, self.text) and time.monotonic() - changed_at > QUIET_S):
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{pattern} is not on this screen:\n{self.text}")
            try:
                self._stream.feed(self._child.read_nonblocking(65_536, timeout=0.1))
                changed_at = time.monotonic()
            except pexpect.TIMEOUT:
                pass

    def draw(self, name: str, first: str = "") -> None:
        """Write the screen to docs/pictures as SVG.

        Leaves out empty rows at its end, and rows above the one that matches `first`.
        """
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
        last = max(number for number, line in enumerate(self._screen.display) if line.strip())
        top = next(number for number, line in enumerate(self._screen.display) if re.search(first, line))
        for number in range(top, last + 1):
            console.print(self._row(number), end="\n", soft_wrap=True)
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / f"{name}.svg").write_text(
            console.export_svg(title="kalshi", unique_id=name), encoding="utf-8"
        )

    def _row(self, number: int) -> Text:
        row = Text()
        cells = [
            (self._style(number, column), self._screen.buffer[number][column].data)
            for column in range(COLUMNS)
        ]
        for style, run in groupby(cells, key=itemgetter(0)):
            row.append("".join(data for _, data in run), style)
        return row

    def _style(self, number: int, column: int) -> Style:
        cell, cursor = self._screen.buffer[number][column], self._screen.cursor
        is_cursor = not cursor.hidden and (cursor.y, cursor.x) == (number, column)
        is_reverse = cell.reverse is not is_cursor
        return Style(color=_color(cell.fg), bgcolor=_color(cell.bg), bold=cell.bold, reverse=is_reverse)


def _color(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch(r"[0-9a-f]{6}", name):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")


def _draw_all(screen: Screen) -> None:
    screen.wait_for("0  Exit")
    screen.draw("menu")
    screen.press("1")
    screen.wait_for(r"(?s)10 .*0 +\S")
    screen.draw("portfolio")
    screen.press(ESCAPE)
    screen.wait_for("0  Exit")
    screen.press("2")
    screen.wait_for("Search")
    screen.press("temperature chicago" + ENTER)
    screen.wait_for("KXHIGHCHI")
    screen.draw("search", "Search markets")
    rows = re.findall(r"^[ ▸]+(\d+) +([\d.]+)¢/([\d.]+)¢ ", screen.text, re.MULTILINE)
    screen.press(DOWN * next(int(key) - 1 for key, bid, ask in rows if 20 < float(bid) < 70) + ENTER)
    screen.wait_for("Buy")
    screen.draw("market", "╭─ KX")
    screen.press("1")
    screen.wait_for("Limit")
    screen.press("1")
    screen.wait_for("price")
    screen.press(ENTER)
    screen.wait_for("Quantity")
    screen.press("100" + ENTER)
    screen.wait_for("Place order")
    time.sleep(QUIET_S)
    screen.wait_for("›")
    screen.draw("ticket", "limit price")
    screen.press("1")
    screen.wait_for("(?is)(filled|open:).*0  Exit")
    screen.draw("result", "─ Result ─")
    screen.press("5")
    screen.wait_for("filled")
    screen.draw("history", "All orders")


@contextmanager
def _still_exchange(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a practice exchange without other traders.

    No ticket changes while its picture is drawn.
    """
    command = [sys.executable, str(PROJECT / "main.py"), "practice", "--still", "--seed", "7"]
    exchange = subprocess.Popen(
        [*command, "--data-dir", str(folder)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert exchange.stdout is not None
        exchange.stdout.readline()  # it announces that it is ready
        yield
    finally:
        exchange.terminate()
        exchange.wait()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ},
            "HOME": folder,
            "TERM": "xterm-256color",
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(PROJECT),
            "KALSHI_DATA_DIR": f"{folder}/data",
            "KALSHI_LOG_DIR": f"{folder}/logs",
        }
        with _still_exchange(Path(folder, "data/practice"), environment):
            subprocess.run([sys.executable, "-W", "ignore", "-c", POSITIONS], env=environment, check=True)
            _draw_all(Screen(environment))


if __name__ == "__main__":
    main()
