"""Command line of the practice exchange: arguments, startup and failures.

Exit status 2 means that it could not start; stderr has the reason in one sentence.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from kalshi_trading.practice import assumptions
from kalshi_trading.practice.server.instance_lock import InstanceLock, ReadyFile, claim
from kalshi_trading.practice.storage.private_files import (
    KEY_FILE,
    READY_FILE,
    WORLD_FILE,
    ForeignFileError,
    make_folder,
    restrict_permissions,
)

if TYPE_CHECKING:
    from kalshi_trading.practice.faults.script import FaultScript
    from kalshi_trading.practice.world.scenario import Scenario
    from kalshi_trading.practice.world.world import World

_MAX_MARKETS = 100_000


class CannotStartError(Exception):
    """The exchange cannot start; `str()` is the sentence for the user."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the exchange until it ends; return the exit status."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    signal.signal(signal.SIGINT, _exit_on_signal)
    try:
        return _run(options)
    except CannotStartError as error:
        print(error, file=sys.stderr)
        return 2


def default_directory() -> Path:
    """Return the data directory used without `--data-dir`."""
    home = os.environ.get("XDG_DATA_HOME")
    base = Path(home) if home else Path.home() / ".local" / "share"
    return base / "kalshi-trading" / "practice"


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="practice exchange", description="A local practice exchange with Kalshi's API.")
    parser.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--data-dir", type=Path, help="folder for its data")
    parser.add_argument("--seed", type=int, default=1, help="random seed of a new exchange")
    parser.add_argument("--markets", type=_size, default=400, help="markets in a new exchange")
    parser.add_argument(
        "--idle-exit",
        type=_seconds,
        default=600,
        help="stop after this many idle seconds; 0: never",
    )
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="inject failures by the rules in this file"
    )
    parser.add_argument("--latency-ms", type=_milliseconds, default=0, help="delay added to every answer")
    parser.add_argument(
        "--control", action="store_true", help="enable control requests: clock, money, cut-offs, floors"
    )
    parser.add_argument(
        "--scenario", type=_scenario, metavar="positions=N,fills=N", help="account history of a new exchange"
    )
    parser.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer an open question of Kalshi's API this way; repeatable",
    )
    parser.add_argument("--still", action="store_true", help="stop the simulated traders")
    parser.add_argument(
        "--floors", action="store_true", help="let the settlement floors of scalar markets move by the clock"
    )
    options = parser.parse_args(arguments)
    try:
        options.assume = assumptions.parse(options.assume)
    except ValueError as error:
        parser.error(f"argument --assume: {error}")
    return options


def _port(text: str) -> int:
    return _between(text, 0, 65_535)


def _size(text: str) -> int:
    return _between(text, 1, _MAX_MARKETS)


def _seconds(text: str) -> int:
    return _between(text, 0, 10**9)


def _milliseconds(text: str) -> int:
    return _between(text, 0, 60_000)


def _scenario(text: str) -> Scenario:
    from kalshi_trading.practice.world.scenario import parse

    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _between(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


def _exit_on_signal(*_signal: object) -> None:
    raise SystemExit(0)


def _run(options: argparse.Namespace) -> int:
    directory = _directory(options.data_dir)
    faults = _faults(options.faults)
    lock = _claim(directory)
    if isinstance(lock, ReadyFile):
        if _changes_behavior(options):
            raise CannotStartError(
                f"A practice exchange already runs in {directory}, so these options would not apply. "
                f"End its process {lock.pid} first, or choose another --data-dir."
            )
        print(lock.to_json(), flush=True)
        return 0
    try:
        _serve(directory, lock, options, faults)
    finally:
        lock.release()
    return 0


def _changes_behavior(options: argparse.Namespace) -> bool:
    """Return whether an option changes how the exchange behaves."""
    switches = options.control, options.still, options.floors, options.faults, options.latency_ms
    return any(switches) or options.assume != assumptions.parse([])


def _directory(given: Path | None) -> Path:
    try:
        return (given or default_directory()).expanduser().absolute()
    except RuntimeError:
        raise CannotStartError("The home folder is unknown. Choose a folder with --data-dir.") from None


def _faults(path: Path | None) -> FaultScript | None:
    if path is None:
        return None
    from kalshi_trading.practice.faults.script import FaultScript

    try:
        return FaultScript.from_file(path)
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:
        reason = str(error)
    raise CannotStartError(f"The faults in {path} cannot be used: {reason}.")


def _claim(directory: Path) -> InstanceLock | ReadyFile:
    try:
        make_folder(directory)
        for note in restrict_permissions(directory):
            print(note, file=sys.stderr)
        return claim(directory)
    except ForeignFileError as error:
        raise _unusable(directory, error) from None
    except TimeoutError:
        reason = f"in use by another practice exchange, whose address is not in {READY_FILE}"
    except OSError as error:
        reason = error.strerror or str(error)
    raise CannotStartError(f"The practice exchange cannot use {directory}: {reason}.")


def _serve(
    directory: Path, lock: InstanceLock, options: argparse.Namespace, faults: FaultScript | None
) -> None:
    """Open the world and serve it.

    The heavy libraries are imported only here.
    """
    from kalshi_trading.practice.server.key_file import practice_key
    from kalshi_trading.practice.server.latency import Latency
    from kalshi_trading.practice.server.server import listen, serve

    try:
        listener = listen(options.port)
    except OSError as error:
        raise CannotStartError(f"Port {options.port} cannot be used: {error.strerror}.") from None
    try:
        key = practice_key(directory)
    except (OSError, ValueError) as error:
        raise _unusable(directory / KEY_FILE, error) from None
    world = _open_world(directory / WORLD_FILE, options)
    latency = Latency(options.latency_ms / 1_000)
    try:
        serve(world, key, listener, lock, options.idle_exit, faults, latency, options.control)
    finally:
        world.close()


def _open_world(file: Path, options: argparse.Namespace) -> World:
    """Open the world in this file, or create it with the requested past."""
    import sqlite3

    from kalshi_trading.practice.world.clock import ShiftedClock, SystemClock
    from kalshi_trading.practice.world.scenario import build
    from kalshi_trading.practice.world.world import World

    system, scenario = SystemClock(), None if file.exists() else options.scenario
    clock = ShiftedClock(system, shift=-scenario.span if scenario else 0)
    movable = options.control or scenario is not None
    try:
        world = World(
            file,
            seed=options.seed,
            market_count=max(options.markets, scenario.market_count if scenario else 0),
            clock=clock if movable else system,
            signing_clock=system,
        )
        if scenario is not None:
            build(world, scenario)
        world.participants.is_paused = options.still
        world.floors.is_moving = options.floors
        world.assume(options.assume)
        if scenario is not None:
            world.advance_to(system.now())
    except (OSError, ValueError, sqlite3.Error) as error:
        raise _unusable(file, error) from None
    except LookupError:
        raise _unusable(file, ValueError("its records are inconsistent")) from None
    return world


def _unusable(file: Path, error: Exception) -> CannotStartError:
    """Return the error with the file, the reason and the remedy.

    The remedy never deletes the world in the folder.
    """
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, ForeignFileError):
        return CannotStartError(f"{error.filename} cannot be used: {reason}. Move it away.")
    return CannotStartError(
        f"{file} cannot be used: {reason.rstrip('.')}. Move the folder {file.parent} aside to start over."
    )
