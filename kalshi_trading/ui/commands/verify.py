"""The command `verify`: try what the exchange's documents leave open.

Asks once before it places orders. Shows what was found beside what is assumed, and where the evidence is.
Never runs against production.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from kalshi_trading.compose import Services
from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import ConfigurationError, Problem
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings
from kalshi_trading.ui.exit_codes import EXIT_DIFFERS, EXIT_DONE, EXIT_INTERRUPTED, EXIT_LEFT
from kalshi_trading.ui.formats import error_line
from kalshi_trading.ui.prompts.prompter import Choice, InputClosed, LeaveTask, Prompter
from kalshi_trading.ui.tables import table_of
from kalshi_trading.ui.terminal import signals
from kalshi_trading.ui.terminal.termination import TerminationRequested
from kalshi_trading.verify import stored
from kalshi_trading.verify.evidence import Evidence
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.position_experiment import MOST_COST
from kalshi_trading.verify.questions import QUESTIONS, Finding, Verdict
from kalshi_trading.verify.recording import RecordingTransport
from kalshi_trading.verify.run import run

_QUESTION = (
    f"Place about 20 orders of 1¢, and buy and sell contracts for up to ${MOST_COST}? "
    "All are canceled or sold at the end."
)
_STYLES = {Verdict.AS_ASSUMED: "green", Verdict.DIFFERS: "bold red", Verdict.UNCLEAR: "yellow"}


def require_allowed(settings: Settings) -> None:
    """Raise ConfigurationError for production."""
    if settings.environment is Environment.PRODUCTION:
        remedy = "Set it to sandbox or practice."
        raise ConfigurationError([Problem("KALSHI_ENVIRONMENT", "verify never runs on production.", remedy)])


@dataclass(slots=True)
class Recorder:
    """Makes the recording transport of a session and keeps it."""

    evidence: Evidence
    transport: RecordingTransport | None = None

    def make_transport(self, *arguments: Any, **named: Any) -> RecordingTransport:
        self.transport = RecordingTransport(*arguments, record=self.evidence.add, **named)
        return self.transport


def confirm(prompter: Prompter) -> bool:
    """Ask once before orders are placed; anything but a clear yes is no."""
    choices = [Choice("1", "Place no orders", False), Choice("2", "Place orders", True)]
    try:
        return prompter.choose(_QUESTION, choices, is_consequential=True)
    except (LeaveTask, InputClosed):
        return False


def verify(
    services: Services,
    recorder: Recorder,
    console: Console,
    *,
    is_trading: bool,
    names: Collection[str] = QUESTIONS,
) -> int:
    """Run the experiments, store what they found, and return the exit status."""
    assert recorder.transport is not None
    services.client.load_limits()
    services.client.use_exchange_clock()
    lab = Lab(
        services.settings,
        services.client,
        services.orders,
        services.journal,
        recorder.transport,
        recorder.evidence,
        account=services.account,
        is_trading=is_trading,
        guard=signals.ctrl_c_deferred,
    )
    findings: list[Finding] = []
    is_interrupted = False
    with _cleaned_up(lab, console) as left:
        try:
            with console.status("Verifying…") as status:
                for finding in run(lab, names):
                    findings.append(finding)
                    status.update(Text(f"Verifying… {finding.question.text}"))
        except KeyboardInterrupt:
            is_interrupted = True
        _report(services, console, findings, is_trading=is_trading)
        if is_interrupted:
            console.print("Interrupted. The remaining questions were not tried.", markup=False)
    if left:
        return EXIT_LEFT
    if is_interrupted:
        return EXIT_INTERRUPTED
    is_different = any(each.verdict is Verdict.DIFFERS for each in findings)
    return EXIT_DIFFERS if is_different else EXIT_DONE


@contextmanager
def _cleaned_up(lab: Lab, console: Console) -> Iterator[list[str]]:
    """Cancel and sell at the end, whatever ended the experiments.

    Then the list has a sentence for each thing that may be left, shown last on the screen.
    """
    left: list[str] = []
    may_wait = True
    try:
        yield left
    except TerminationRequested:
        may_wait = False
        raise
    finally:
        with signals.ctrl_c_deferred():
            _clean_up(lab, console, left, may_wait=may_wait)


def _clean_up(lab: Lab, console: Console, left: list[str], *, may_wait: bool) -> None:
    """Clean up; a request to end the program shortens it."""
    try:
        left += lab.clean_up(may_wait=may_wait)
    except TerminationRequested:
        left += lab.clean_up(may_wait=False)
        raise
    finally:
        for sentence in left:
            console.print(error_line(sentence))


def _report(services: Services, console: Console, findings: list[Finding], *, is_trading: bool) -> None:
    now = utc_now()
    console.print(table(findings))
    try:
        stored.save(services.settings, services.account, findings, now)
        evidence = stored.save_evidence(services.settings, findings, now)
    except OSError as error:
        console.print(f"The findings could not be saved: {error}", markup=False)
        return
    untried = sum(row.needs_orders for row in QUESTIONS.values()) if not is_trading else 0
    if untried:
        console.print(f"{untried} more questions need orders: verify --trade", markup=False)
    console.print(f"{_counts(findings)}. In effect from the next start.", markup=False)
    console.print(f"Evidence: {evidence}", markup=False, soft_wrap=True)


def _counts(findings: Iterable[Finding]) -> str:
    counts = Counter(each.verdict for each in findings)
    words = {verdict: str(verdict) for verdict in Verdict}
    if counts[Verdict.DIFFERS] != 1:
        words[Verdict.DIFFERS] = "differ"
    return ", ".join(f"{counts[verdict]} {words[verdict]}" for verdict in Verdict)


def table(findings: list[Finding]) -> RenderableType:
    """Render questions with the assumed and the found answer."""
    rows = table_of("Question", "Assumed", "Found", "")
    for each in findings:
        verdict = Text(each.verdict, style=_STYLES[each.verdict])
        rows.add_row(Text(each.question.text), Text(each.question.assumed), Text(each.observed.text), verdict)
    return rows
