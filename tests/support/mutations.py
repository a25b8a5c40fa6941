"""Planted faults that the tests must catch, and the runner that checks it.

    python tests/support/mutations.py [--list] [NAME ...]

The runner copies the project to a temporary folder, plants one fault and runs pytest there. It first runs a
copy without a fault, because a failing suite would catch everything. A part of a name selects faults. Exit
status 1: a fault was missed, or pytest did not end properly.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
COPIED = (
    "kalshi_trading",
    "tests",
    "docs",
    ".ci",
    ".env.example",
    "*.py",
    "*.ini",
    "*.toml",
    "*.md",
    "*.txt",
)
# test_mutations.py compares this list with the code, so it would fail under every fault.
NOT_COPIED = ("test_mutations.py", "__pycache__", ".hypothesis", ".pytest_cache")
TIME_LIMIT_S = 1800  # quick takes minutes, but a fault may make every wait time out
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault: `planted` replaces `line` in `file`.

    `file` is a path below kalshi_trading/.
    """

    name: str
    file: str
    line: str
    planted: str

    def plant(self, source: str) -> str:
        """Return the source with the fault.

        Raises ValueError unless `line` occurs exactly once.
        """
        if (found := source.count(self.line)) != 1:
            raise ValueError(f"{self.name}: its line occurs {found} times in {self.file}")
        return source.replace(self.line, self.planted)


# --- The faults -----------------------------------------------------------------------------------

AREAS: dict[str, tuple[Mutation, ...]] = {
    "keys": (
        Mutation(
            "a key passes before its question has stood",
            "ui/terminal/gate.py",
            "        elif is_early:\n",
            "        elif False:\n",
        ),
        Mutation(
            "Escape counts from when it is known to be a key",
            "ui/terminal/gate.py",
            "is_early = self._phase is not Phase.OPEN or now < self._due_at or",
            "is_early = self._phase is not Phase.OPEN or",
        ),
        Mutation(
            "a pause that the program slept through counts",
            "ui/terminal/gate.py",
            "return self._run.pause_s - max(0.0, now - self._ticked_at)",
            "return self._run.pause_s",
        ),
        Mutation(
            "a panic pressed while orders are being allowed is lost",
            "orders/execution/panic_switch.py",
            "self.is_unrecorded = True  # orders may",
            "pass  # orders may",
        ),
        Mutation(
            "the time until an Escape is known to be one counts as a pause",
            "ui/terminal/gate.py",
            "return self._run.pause_s - max(0.0, now - self._ticked_at)",
            "return self._run.pause_s - (now - self._ticked_at)",
        ),
        Mutation(
            "a screen of another size gives keys another meaning at once",
            "ui/prompts/terminal_prompter.py",
            "if rows.fit(size.columns, size.rows) and gate is not None:",
            "if rows.fit(size.columns, size.rows) and gate is None:",
        ),
        Mutation(
            "a key after one that is no answer counts as soon as any",
            "ui/terminal/gate.py",
            "            self._quiet_s = AFTER_WRONG_KEY_S\n",
            "",
        ),
        Mutation(
            "Enter held down confirms a text that was typed before",
            "ui/terminal/gate.py",
            "        if self._run.length == 2:\n"
            "            self._suspect(ENTER, now)\n"
            "            return []\n",
            "",
        ),
        Mutation(
            "a key held down passes",
            "ui/terminal/gate.py",
            "if name != self._name or self.pause_s >= HELD_S:",
            "if True:",
        ),
        Mutation(
            "a question counts as seen before a slow terminal has answered",
            "ui/terminal/keyboard.py",
            "elif self._requests.is_settled(number, now):",
            "else:",
        ),
        Mutation(
            "the coordinates of a mouse report are keys",
            "ui/terminal/keys.py",
            "yield from self._skip_raw(RAW_AFTER[final])",
            "yield from self._skip_raw(0)",
        ),
        Mutation(
            "the end of the program waits for an exchange that does not answer",
            "ui/terminal/termination.py",
            "time.sleep(GRACE_S)",
            "time.sleep(30 * GRACE_S)",
        ),
        Mutation(
            "a shell that tells of a hang-up first takes an order its time",
            "ui/terminal/termination.py",
            "if number == signals.HANG_UP and self._modes.is_terminal and output.is_hung_up(0):",
            "if False:",
        ),
        Mutation(
            "a terminal that goes away is not noticed",
            "ui/terminal/termination.py",
            "        if self._modes.is_terminal:\n",
            "        if False:\n",
        ),
    ),
    "settings": (
        Mutation(
            "a misspelled guard rail is only noted",
            "config.py",
            "if meant in SAFETY_NAMES:",
            "if False:",
        ),
        Mutation(
            "a variable of another program stops the start",
            "config.py",
            "if name not in KNOWN_NAMES and has_prefix(name):",
            "if name not in KNOWN_NAMES:",
        ),
        Mutation(
            "a wrong import of our own is called a missing package",
            "ui/packages.py",
            " or _is_bug(error)",
            "",
        ),
        Mutation(
            "the practice exchange is not found with a safe path",
            "exchange/practice_launcher.py",
            "program = by_main if is_checkout() else ",
            "program = ",
        ),
    ),
    "money": (
        Mutation(
            "a fee is rounded down",
            "core/fees.py",
            "trade_fee = round_up(model_fee(rate, count, price), FEE_GRAIN)",
            "trade_fee = round_down(model_fee(rate, count, price), FEE_GRAIN)",
        ),
        Mutation(
            "the most an order can cost leaves out what the smallest fills lose by rounding",
            "core/fees.py",
            "max(with_fee, rounded)",
            "with_fee",
        ),
        Mutation(
            "a NO position has the sign of a YES position",
            "core/pnl.py",
            "return -self.count if self.side is Side.NO else self.count",
            "return self.count",
        ),
        Mutation(
            "fills of one moment are replayed newest first",
            "core/pnl.py",
            "    rows.reverse()\n",
            "",
        ),
        Mutation(
            "an unknown fee counts as zero in the cash an order leaves",
            "orders/pretrade/payoff.py",
            "    if cash is None or most is None:\n        return None\n",
            "    if cash is None:\n        return None\n    most = most or Bounds(ZERO, ZERO, ZERO)\n",
        ),
        Mutation(
            "a new fill does not refresh the account of its market",
            "portfolio/ledger_cache.py",
            "            and known.fills is fills\n            and (known.position",
            "            and (known.position",
        ),
        Mutation(
            "orders of the other direction use up the position an order can close",
            "orders/pretrade/context.py",
            "promised_count(BookSide.BID if signed > ZERO else BookSide.ASK, working)",
            "promised_count(BookSide.ASK if signed > ZERO else BookSide.BID, working)",
        ),
    ),
    "orders": (
        Mutation(
            "an order of unknown outcome is sent again",
            "orders/execution/submission.py",
            "if result.outcome is not Outcome.NOT_SENT or attempt",
            "if result.outcome not in (Outcome.NOT_SENT, Outcome.UNKNOWN) or attempt",
        ),
        Mutation(
            "the same preview is sent twice",
            "orders/execution/submission.py",
            "            if denial is None:\n"
            "                self._used.add(preview.request.client_order_id)\n",
            "",
        ),
        Mutation(
            "a found order leaves the search before its end is on record",
            "orders/execution/recovery.py",
            "        self._record(pending.state, result.stage, fields)\n"
            "        self._pending.end(pending, result, self._clock())\n",
            "        self._pending.end(pending, result, self._clock())\n"
            "        self._record(pending.state, result.stage, fields)\n",
        ),
        Mutation(
            "an order is proved absent while its signature is still valid",
            "orders/execution/absence_proof.py",
            "fresh_enough = quiet_since + timedelta(seconds=margin_s)",
            "fresh_enough = quiet_since",
        ),
        Mutation(
            "an order is signed after the last check",
            "exchange/http/transport.py",
            "        request = self._request(method, path, query, body, signed=True)\n"
            "        before_sending()\n",
            "        before_sending()\n"
            "        request = self._request(method, path, query, body, signed=True)\n",
        ),
        Mutation(
            "an order leaves although panic was pressed after its intent",
            "orders/execution/submission.py",
            "        if objection is not None:\n            raise",
            "        if False:\n            raise",
        ),
        Mutation(
            "an order that the last check stopped is tried again",
            "orders/execution/submission.py",
            "raise TradeExecutionError(objection)",
            "raise NotSentError(objection)",
        ),
        Mutation(
            "sessions count without waiting for each other's intents",
            "trade_logger.py",
            "descriptor = take_lock(lock)",
            "descriptor = os.open(lock, os.O_CREAT | os.O_RDWR)",
        ),
        Mutation(
            "panic gives up while another session sends",
            "orders/execution/panic.py",
            "is_sending = waited_s < self._longest_send_s and",
            "is_sending = False and",
        ),
        Mutation(
            "an answer without our id acknowledges an order",
            "exchange/account_data.py",
            "acknowledgement.client_order_id != order.client_order_id",
            "acknowledgement.client_order_id not in (None, order.client_order_id)",
        ),
        Mutation(
            "an order in another market takes no cash until the exchange shows it",
            "orders/pretrade/context.py",
            "self.cash - self.cost_elsewhere - here",
            "self.cash - here",
        ),
        Mutation(
            "panic trusts lists that are older than they say",
            "orders/execution/panic.py",
            "as_of = self._behavior.complete_until(as_of)",
            "pass",
        ),
        Mutation(
            "who agreed to open some contracts has agreed to open more",
            "orders/pretrade/pricing.py",
            "and (each.rule, each.actual, each.limit) not in known",
            "and each.rule not in {rule for rule, _, _ in known}",
        ),
        Mutation(
            "one order more than the daily limit passes",
            "orders/pretrade/risk.py",
            "if not preview.adds_risk or orders < limit:",
            "if not preview.adds_risk or orders <= limit:",
        ),
        Mutation(
            "a cancel that found no order counts as canceled",
            "orders/execution/cancel.py",
            "                return self._not_resting(order)\n",
            '                return CancelResult(order, "Canceled.", order.remaining_count)\n',
        ),
    ),
    "journal": (
        Mutation(
            "an intent is not flushed to the disk",
            "journal/files/log_files.py",
            "            if durable:\n                os.fsync(descriptor)\n",
            "",
        ),
        Mutation(
            "two sessions hold the lock of the journal at once",
            "journal/files/file_locks.py",
            "_wait_for(descriptor, path)",
            "_wait_for(descriptor, path, is_shared=True)",
        ),
        Mutation(
            "a line that a full disk cut short counts as written",
            "journal/files/log_files.py",
            "    if os.write(descriptor, data) != len(data):\n"
            '        raise OSError("only part of the line was written")\n',
            "    os.write(descriptor, data)\n",
        ),
        Mutation(
            "a journal that cannot be read counts as empty",
            "journal/files/log_reader.py",
            "    except FileNotFoundError:\n        return None\n    return LogFile",
            "    except OSError:\n        return None\n    return LogFile",
        ),
        Mutation(
            "a checkpoint is believed whatever became of it",
            "journal/checkpoint.py",
            '    if found != f"{hashlib.sha256(content).hexdigest()}\\n".encode():\n        return None\n',
            "",
        ),
        Mutation(
            "a checkpoint fits any journal that is long enough",
            "journal/files/log_cursor.py",
            "            return self.offset == 0 or _ending(stream, self.offset) == self.ending\n",
            "            return True\n",
        ),
        Mutation(
            "an order that rests is dropped once it is old",
            "journal/digest.py",
            "    if state.is_pending or order.is_resting:\n",
            "    if state.is_pending:\n",
        ),
        Mutation(
            "what was dropped stays dropped when the clock is set back",
            "journal/digest_reader.py",
            "return dropped_before is None or now - _LONGEST_DAY >= dropped_before",
            "return True",
        ),
        Mutation(
            "a refused order counts in the day as long as it is known",
            "orders/pretrade/order_index.py",
            "        if order.state.stage in NO_ORDER_STAGES:\n            return\n",
            "",
        ),
        Mutation(
            "a fill that the list shows late is never counted",
            "orders/pretrade/day_pnl.py",
            "return max(self.midnight, newest - LATE_FILLS)",
            "return max(self.midnight, newest)",
        ),
        Mutation(
            "a record does not name its session and account",
            "trade_logger.py",
            "record.fields = self._stamps | plain",
            "record.fields = plain",
        ),
        Mutation(
            "the first report of an order's fills wins over the latest",
            "journal/order_log.py",
            "last = ReportedFills(",
            "last = last or ReportedFills(",
        ),
    ),
    "wire": (
        Mutation(
            "an answer is waited for without a deadline",
            "exchange/http/transport.py",
            "results.get(timeout=max(0.0, deadline - started_at) + 0.05)",
            "results.get()",
        ),
        Mutation(
            "a sale of YES counts as a purchase",
            "core/models.py",
            "cls.BID if (action is Action.BUY) == (side is Side.YES) else cls.ASK",
            "cls.BID if (action is Action.BUY) == (side is Side.YES) or side is Side.YES else cls.ASK",
        ),
        Mutation(
            "cents are read as dollars",
            "exchange/wire/fields.py",
            "return self._required(name, _whole) * CENT",
            "return self._required(name, _whole) * ONE_DOLLAR",
        ),
        Mutation(
            "an error page of a proxy counts as a refusal by the exchange",
            "exchange/http/error_mapping.py",
            "if _is_definite(answer):",
            "if answer.status in DEFINITE_REFUSALS:",
        ),
        Mutation(
            "a list that broke off counts as complete",
            "exchange/paging.py",
            'return found.listing(f"the list stopped after {rows}: {error}")',
            "return found.listing()",
        ),
        Mutation(
            "an order whose connection broke after it was sent counts as not sent",
            "exchange/http/connection_errors.py",
            "    if not was_in(HTTPConnection.connect, HTTPSConnection.connect):\n        return None\n",
            "",
        ),
        Mutation(
            "an order travels on a connection the exchange may be closing",
            "exchange/http/transport.py",
            'connection = self._borrow(fresh_only=request.method != "GET")',
            "connection = self._borrow(fresh_only=False)",
        ),
        Mutation(
            "the tokens of a cancel are spent on orders",
            "exchange/http/rate_limiter.py",
            "needed = min(cost + kept, capacity)",
            "needed = min(cost, capacity)",
        ),
    ),
    "scripts": (
        Mutation(
            "half a cent read from a market is sent as half a dollar",
            "orders/arguments.py",
            "return _check_price(value, value.dollars)",
            "return _check_price(value, value)",
        ),
        Mutation(
            "whole cents are taken for dollars below a dollar",
            "core/money.py",
            "exact = EXACT.scaleb(amount, 2)",
            "exact = amount",
        ),
        Mutation(
            "a missing quote reads as nothing to pay",
            "core/money.py",
            "    if amount is None:\n        return None\n    exact",
            "    if amount is None:\n        return 0\n    exact",
        ),
        Mutation(
            "what a soft limit asks is sent unasked",
            "trade_executor.py",
            "if asked and not preview.is_denied:",
            "if asked and preview.is_denied:",
        ),
        Mutation(
            "what was confirmed is sent though it became worse",
            "trade_executor.py",
            "if asked and not latest.is_denied and what_is_worse(seen, latest):",
            "if asked and not latest.is_denied and not what_is_worse(seen, latest):",
        ),
        Mutation(
            "a script trades real money unasked",
            "trade_executor.py",
            "return self._allow_production or not is_production",
            "return True",
        ),
        Mutation(
            "a sale reads as the purchase that has its effect",
            "journal/own_orders.py",
            "return row if action is None else replace(row, placed_as=(action, side))",
            "return row",
        ),
        Mutation(
            "the session ends while it is held",
            "compose.py",
            "if self._holders == 0:",
            "if self._holders >= 0:",
        ),
        Mutation(
            "a page asks for more rows than are left",
            "exchange/paging.py",
            "return None if limit is None else limit - len(found.items)",
            "return limit",
        ),
        Mutation(
            "one answer to a question sends an order each time it is given",
            "trade_executor.py",
            "confirmed = next(answers, None)",
            "confirmed = seen",
        ),
        Mutation(
            "a double release ends another holder's session",
            "compose.py",
            "                self._is_held = False\n",
            "                pass\n",
        ),
        Mutation(
            "a script leaves the orders of a killed session to themselves",
            "compose.py",
            "        _check_and_recover(services)\n",
            "",
        ),
        Mutation(
            "a confirmed market order gets a new cap",
            "trade_executor.py",
            "ticket = replace(ticket, worst_price=seen.request.price)",
            "pass",
        ),
        Mutation(
            "a word of the shell alone chooses the exchange",
            "config.py",
            "effective = [each for each in valid if reader.look_up(pairs[each.text].key_id.name)]",
            "effective = valid",
        ),
        Mutation(
            "a float is rounded to the price it was meant to be",
            "orders/arguments.py",
            '    if isinstance(value, float):\n        raise InvalidOrderError(\n            f"A float',
            '    if False:\n        raise InvalidOrderError(\n            f"A float',
        ),
    ),
}
MUTATIONS = tuple(chain.from_iterable(AREAS.values()))


# --- The runner -----------------------------------------------------------------------------------


def copy_project(target: Path) -> None:
    """Copy what the tests need, without settings with keys (.env) and logs."""
    target.mkdir()
    for source in chain.from_iterable(map(PROJECT.glob, COPIED)):
        if source.is_dir():
            shutil.copytree(source, target / source.name, ignore=shutil.ignore_patterns(*NOT_COPIED))
        else:
            shutil.copy2(source, target)


def run_pytest(project: Path) -> tuple[int | None, str]:
    """Return exit status and output of the quick tests.

    Status None: timeout.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=no"]
    with tempfile.TemporaryFile("w+") as output:  # a process left by a test would hold a pipe open
        process = subprocess.Popen(
            command,
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None = None
        try:
            with suppress(subprocess.TimeoutExpired):
                status = process.wait(TIME_LIMIT_S)
        finally:
            with suppress(ProcessLookupError):  # also kills processes the tests left running
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        return status, output.read()


def prove(mutation: Mutation | None) -> bool:
    """Run the tests in a copy with the fault, and print a one-line result.

    None: run them without a fault. Returns True if the result is the expected one.
    """
    name = "no fault" if mutation is None else mutation.name
    started_at = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "project")
        copy_project(copy)
        if mutation is not None:
            path = copy / "kalshi_trading" / mutation.file
            path.write_text(mutation.plant(path.read_text()))
        status, output = run_pytest(copy)
    failed = _FAILED.search(output)
    if status != 0 and failed is None:
        end = "exceeded the time limit" if status is None else f"ended with status {status}"
        print(f"NO PROOF  {name}   pytest {end}", output[-2000:], sep="\n", flush=True)
        return False
    red, green = ("FAILED", "passed") if mutation is None else ("caught", "MISSED")
    result = f"{name}   by {failed[1]}" if failed else name
    print(f"{red if failed else green} {time.monotonic() - started_at:5.0f} s  {result}", flush=True)
    return (failed is None) == (mutation is None)


def main() -> int:
    parser = argparse.ArgumentParser(description="Prove that the everyday tests catch planted faults.")
    parser.add_argument("--list", action="store_true", help="list the faults and run nothing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of a fault's name; default: all")
    asked = parser.parse_args()
    chosen = [each for each in MUTATIONS if not asked.names or any(name in each.name for name in asked.names)]
    if not chosen:
        parser.error("no fault has such a name")
    if asked.list:
        print(*(f"{each.file:20} {each.name}" for each in chosen), sep="\n")
        return 0
    print("First without a fault, which takes as long as the quick proof.", flush=True)
    if not prove(None):
        return 1
    missed = [each for each in chosen if not prove(each)]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
