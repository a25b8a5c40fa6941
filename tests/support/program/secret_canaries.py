"""Run the exchange or a session with a test key and all logs at DEBUG.

python secret_canaries.py exchange PEM KEY_ID --data-dir …     a practice exchange that accepts this key
python secret_canaries.py session LIBRARIES_LOG SIGNATURES     a session; settings in the environment
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key


def exchange(pem: Path, key_id: str, arguments: list[str]) -> int:
    from kalshi_trading.practice.server import key_file, program

    public_key = load_pem_private_key(pem.read_bytes(), None).public_key()
    key_file.practice_key = lambda _: key_file.PracticeKey(key_id, pem, public_key)  # type: ignore[arg-type]
    logging.basicConfig(level=logging.DEBUG)
    return program.main(arguments)


def log_everything(path: Path) -> None:
    """Log all libraries at DEBUG into a file, even quieter loggers."""
    logging.basicConfig(filename=path, level=logging.DEBUG)
    for name in (
        "urllib3",
        "requests",
        "charset_normalizer",
        "asyncio",
        "markdown_it",
        "rich",
        "prompt_toolkit",
    ):
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger("kalshi_trading").addHandler(logging.getLogger().handlers[0])


def keep_signatures(path: Path) -> None:
    """Write every sent signature to a file."""
    from kalshi_trading.exchange.http import transport

    sign = transport.sign

    def signing(*given: object) -> dict[str, str]:
        headers = sign(*given)  # type: ignore[arg-type]
        with path.open("a") as file:
            file.write(headers["KALSHI-ACCESS-SIGNATURE"] + "\n")
        return headers

    transport.sign = signing


def crash_with_all_objects() -> None:
    """Make the history screen raise an error that quotes all its objects."""
    from kalshi_trading.ui.screens import history as history_screens

    def crash(client: object, *_: object, **__: object) -> None:
        parts = [vars(client), *[vars(part) for part in vars(client).values() if hasattr(part, "__dict__")]]
        raise RuntimeError(f"crashed among {parts}")

    history_screens.load_history = crash  # type: ignore[assignment]


def session(libraries_log: Path, signatures: Path) -> int:
    from kalshi_trading.ui import program

    log_everything(libraries_log)
    keep_signatures(signatures)
    crash_with_all_objects()
    return program.main([])


if __name__ == "__main__":
    task: str = sys.argv[1]
    run: dict[str, Callable[[], int]] = {
        "exchange": lambda: exchange(Path(sys.argv[2]), sys.argv[3], sys.argv[4:]),
        "session": lambda: session(Path(sys.argv[2]), Path(sys.argv[3])),
    }
    sys.exit(run[task]())
