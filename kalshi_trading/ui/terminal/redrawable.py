"""A console that can redraw its last output. Knows nothing of the content."""

from __future__ import annotations

from collections import deque
from typing import Any

from rich.console import Console
from rich.control import Control

MAX_KEPT = 50


class RedrawableConsole(Console):
    """A rich console that keeps the last objects printed."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._kept: deque[tuple[tuple[Any, ...], dict[str, Any]]] = deque(maxlen=MAX_KEPT)

    def print(self, *objects: Any, **how: Any) -> None:
        if not all(isinstance(each, Control) for each in objects):  # controls are a spinner's
            self._kept.append((objects, how))
        super().print(*objects, **how)

    def show_again(self) -> None:
        """Print the last output that fits on the screen, at its current width."""
        with self.capture() as captured:
            for objects, how in self._kept:
                super().print(*objects, **how)
        lines = captured.get().splitlines(keepends=True)
        self.file.write("".join(lines[-max(1, self.height - 1) :]))
        self.file.flush()
