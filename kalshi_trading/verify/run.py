"""Run the experiments in order, each question with its own evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from kalshi_trading.core.errors import AuthenticationError, JournalError, TradingError
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.order_experiments import ORDERS
from kalshi_trading.verify.position_experiment import POSITIONS
from kalshi_trading.verify.questions import QUESTIONS, CannotTellError, Finding, Observed
from kalshi_trading.verify.read_experiments import FILTERS, READS

Experiment = Callable[[Lab], Iterator[Observed]]
# The lag of reads comes before whatever waits for it, the filters after orders that they can look at.
EXPERIMENTS: Mapping[Experiment, tuple[str, ...]] = {**READS, **ORDERS, **POSITIONS, **FILTERS}


def run(lab: Lab, names: Collection[str] = QUESTIONS) -> Iterator[Finding]:
    """Yield one finding for each question, in the order of the experiments.

    `names` selects questions. A run that only reads leaves out those that need orders. Raises
    AuthenticationError, JournalError.
    """
    for experiment, answers in EXPERIMENTS.items():
        needs_orders = all(QUESTIONS[name].needs_orders for name in answers)
        if set(answers) & set(names) and (lab.is_trading or not needs_orders):
            yield from _run_one(lab, experiment, answers)


def _run_one(lab: Lab, experiment: Experiment, answers: tuple[str, ...]) -> Iterator[Finding]:
    """Run one experiment; a question it does not reach gets the reason."""
    first, open_names, reason = len(lab.evidence.records), list(answers), "no answer"
    try:
        for observed in experiment(lab):
            open_names.remove(observed.name)
            yield Finding(QUESTIONS[observed.name], observed, lab.evidence.records[first:])
    except (AuthenticationError, JournalError):
        raise
    except (CannotTellError, TradingError) as error:
        reason = str(error)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError) as error:
        reason = f"an answer has another shape ({type(error).__name__}: {error})"
    evidence = lab.evidence.records[first:]
    for name in open_names:
        yield Finding(QUESTIONS[name], Observed(name, "", reason), evidence)
