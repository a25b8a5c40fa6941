"""Every event we write has a label; an unknown event is still readable."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

from kalshi_trading.journal import events
from kalshi_trading.journal.events import EVENTS, label_of, sentence_of
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.journal.records import JournalRecord

PACKAGE = Path(events.__file__).parent.parent
PREFIXES = {"log_order_step": "order.", "log_cancel_step": "cancel.", "log_event": ""}


def written_events() -> set[str]:
    """Return the events of all literal calls that write to the journal."""
    found = {f"order.{stage}" for stage in OrderStage}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                prefix, event = PREFIXES.get(node.func.attr), node.args[0]
                if prefix is not None and isinstance(event, ast.Constant):
                    found.add(f"{prefix}{event.value}")
                elif prefix == "" and isinstance(event, ast.Name) and event.id.endswith("_EVENT"):
                    found.add(getattr(events, event.id))
    return found


def test_every_event_that_is_written_has_a_text():
    assert len(written_events()) > 12
    assert written_events() - EVENTS.keys() == set()


def test_an_event_of_another_version_is_shown_by_its_name_and_reason():
    record = JournalRecord(datetime.now(UTC), "session.odd_event", {"reason": "for a reason"})
    assert label_of(record) == "session odd event"
    assert sentence_of(record) == "session.odd_event: for a reason"


def test_the_end_of_an_open_order_is_told_in_words() -> None:
    record = JournalRecord(datetime.now(UTC), "order.ended", {"reason": "no longer open, 3 of 3 not filled"})
    assert sentence_of(record) == "recorded as ended: no longer open, 3 of 3 not filled"
