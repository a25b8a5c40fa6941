"""Test counts behind `--proof quick|full|long`.

`CURRENT` is set once, before any test module is imported, so that decorators may read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Counts of one run, each named after what is repeated."""

    examples: int  # of each property
    costly_examples: int  # of a property that builds a world, a process or files for each
    prices: int  # of the 9,999 that an order can have
    cut_sequences: int  # of terminal sequences without an end
    fill_patterns: int  # ways to fill an order, compared with its maximum cost
    submissions: int  # orders sent through drawn faults
    kills: int  # of sessions at random moments
    protocol_runs: int  # of the order protocol's state machine
    protocol_steps: int  # of each of these runs
    portfolio_histories: int  # accounts compared with the exchange's ledger
    floor_orders: int  # previewed and placed while settlement floors move
    history_sessions: int  # sessions whose orders are all in the history
    planted_differences: int  # between journal and exchange
    journal_lines: int  # of each of four sessions that write one journal across midnights
    damaged_places: int  # where a checkpoint is cut, and where a bit of it is flipped
    hostile_megabytes: int  # of a line, of damaged lines, of a decompressed file
    type_ahead_trials: int  # ways from the menu to a sent order, with keys pressed too early
    signals: int  # at random moments of a drawn screen
    hang_ups: int  # of the terminal, likewise
    rail_rounds: int  # of four sessions that confirm at once, against each rail that counts
    journeys: int  # ways through the program, where a test has several of one kind


QUICK = Proof(
    examples=30,
    costly_examples=10,
    prices=1_428,
    cut_sequences=60,
    fill_patterns=300,
    submissions=120,
    kills=24,
    protocol_runs=30,
    protocol_steps=30,
    portfolio_histories=30,
    floor_orders=100,
    history_sessions=120,
    planted_differences=30,
    journal_lines=1_500,
    damaged_places=60,
    hostile_megabytes=8,
    type_ahead_trials=20,
    signals=14,
    hang_ups=6,
    rail_rounds=12,
    journeys=2,
)
FULL = Proof(
    examples=300,
    costly_examples=100,
    prices=9_999,
    cut_sequences=1_000,  # more than exist
    fill_patterns=3_000,
    submissions=2_000,
    kills=300,
    protocol_runs=200,
    protocol_steps=30,
    portfolio_histories=500,
    floor_orders=1_000,
    history_sessions=1_000,
    planted_differences=200,
    journal_lines=5_000,
    damaged_places=1_000,
    hostile_megabytes=300,
    type_ahead_trials=300,
    signals=200,
    hang_ups=100,
    rail_rounds=1_000,
    journeys=100,  # more than any test has
)
LONG = Proof(
    examples=10_000,
    costly_examples=1_000,
    prices=9_999,
    cut_sequences=1_000,  # more than exist
    fill_patterns=100_000,
    submissions=100_000,
    kills=5_000,
    protocol_runs=20_000,
    protocol_steps=100,
    portfolio_histories=10_000,
    floor_orders=20_000,
    history_sessions=10_000,
    planted_differences=200,
    journal_lines=50_000,
    damaged_places=20_000,
    hostile_megabytes=2_000,
    type_ahead_trials=10_000,
    signals=3_400,
    hang_ups=1_600,
    rail_rounds=10_000,
    journeys=100,  # more than any test has
)

PROOFS = {"quick": QUICK, "full": FULL, "long": LONG}
CURRENT = QUICK


def sample_journeys(ways: Sequence[T]) -> list[T]:
    """Return a sample of `ways`, as many as this proof runs."""
    return sample(ways, CURRENT.journeys)


def sample(ways: Sequence[T], count: int) -> list[T]:
    """Return `count` of these ways: first, last and some evenly between."""
    most = min(len(ways), count)
    return [ways[round(each * (len(ways) - 1) / max(1, most - 1))] for each in range(most)]
