"""Our own orders are found by reading the journal newest first, briefly.

A user waits for it to cancel an order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from model_factory import NOW, order
from scripted_prompter import ScriptedPrompter

from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.journal.own_orders import OwnOrders, intents_of
from kalshi_trading.journal.records import JournalEntry, JournalRecord
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.screens import orders as order_screens

RESTING = order(BookSide.BID, "0.63")
INTENT = JournalRecord(
    NOW,
    "order.intent",
    {"client_order_id": RESTING.client_order_id, "action": "sell", "side": "no"},
)


def other(number: int) -> JournalRecord:
    return JournalRecord(NOW, "order.intent", {"client_order_id": f"other-{number}"})


def very_long(*first: JournalRecord) -> Iterator[JournalRecord]:
    yield from first
    yield from (other(number) for number in range(5000))
    raise AssertionError("a cancel must not wait for the whole journal")


def test_the_intent_of_an_order_is_found_by_the_name_we_gave_it_and_no_older_record_is_read() -> None:
    records = very_long(other(-1), INTENT)
    assert intents_of([RESTING], records) == {RESTING.order_id: INTENT}
    assert next(records).text("client_order_id") == "other-1", "more than one record was read in vain"


def test_the_intent_of_an_order_is_found_by_the_name_the_exchange_gave_it() -> None:
    names = {"client_order_id": RESTING.client_order_id, "order_id": RESTING.order_id}
    acknowledged = JournalRecord(NOW, "order.acknowledged", names)
    nameless = replace(RESTING, client_order_id="")
    assert intents_of([nameless], [acknowledged, INTENT]) == {RESTING.order_id: INTENT}
    assert intents_of([nameless], [INTENT]) == {}


def event(name: str, **fields: str) -> JournalRecord:
    return JournalRecord(NOW, f"order.{name}", {"client_order_id": RESTING.client_order_id, **fields})


@pytest.mark.parametrize("answered", [True, False])
def test_an_order_whose_intent_is_damaged_is_ours_by_its_names(answered: bool) -> None:
    records = [event("sending"), *([event("acknowledged", order_id=RESTING.order_id)] if answered else [])]
    own = OwnOrders(records)
    assert own.has_unmapped_orders is not answered
    own.remember(RESTING)
    own.remember(replace(RESTING, order_id="theirs", client_order_id="theirs"))
    assert own.lookup(RESTING.order_id, BookSide.BID) == (RESTING.client_order_id, None, Side.YES)
    assert own.lookup("theirs", BookSide.BID) == (None, None, Side.YES)


@pytest.mark.parametrize("more", [(), ("fill", "acknowledged")])
def test_an_order_keeps_its_action_and_side_whatever_is_recorded_later(more: tuple[str, ...]) -> None:
    names = ("acknowledged", *more)
    own = OwnOrders([INTENT, event("sending"), *(event(name, order_id=RESTING.order_id) for name in names)])
    assert own.lookup(RESTING.order_id, BookSide.BID) == (RESTING.client_order_id, Action.SELL, Side.NO)
    assert not own.has_unmapped_orders


class Journal(TradeLogger):
    """A journal that fails the test if it is read whole."""

    def __init__(self, *newest: JournalRecord) -> None:
        self.newest = newest

    def newest_records(self) -> Iterator[JournalEntry]:
        return very_long(*self.newest)


def cancel_screen(journal: Journal, *answers: str) -> ScriptedPrompter:
    prompter = ScriptedPrompter(*answers)
    app: Any = SimpleNamespace(
        prompter=prompter,
        journal=journal,
        run_with_spinner=lambda words, work: work(),
        orders=SimpleNamespace(list_open_orders=lambda: (RESTING,), block_reason=lambda: None),
    )
    order_screens.cancel_order(app)
    return prompter


@pytest.mark.parametrize(
    ("newest", "words"),
    [((INTENT,), "SELL 10 NO at 37"), ((), "long 10 YES at 63")],
    ids=["ours", "not found"],
)
def test_what_can_be_canceled_is_offered_however_long_the_journal_is(
    newest: tuple[JournalRecord, ...], words: str
) -> None:
    prompter = cancel_screen(Journal(*newest), "0")
    assert any(words in label for label in prompter.labels[0]), prompter.labels


# --- Reading on as the journal grows --------------------------------------------------------------


def placed_as_of(journal: TradeLogger, order_id: str) -> object:
    return journal.own_orders.with_placed_action([replace(order(BookSide.BID, "0.6"), order_id=order_id)])[
        0
    ].placed_as


def test_own_orders_are_read_on_as_the_journal_grows(tmp_path: Path) -> None:
    journal = TradeLogger(tmp_path, "practice")
    assert placed_as_of(journal, "order-1") is None
    other_session = TradeLogger(tmp_path, "practice")
    other_session.log_order_step("intent", {"client_order_id": "own-1", "action": "sell", "side": "no"})
    assert journal.own_orders.has_unmapped_orders()
    other_session.log_order_step("acknowledged", {"client_order_id": "own-1", "order_id": "order-1"})
    assert placed_as_of(journal, "order-1") == (Action.SELL, Side.NO)
    with journal.trades_path.open("ab") as file:
        file.write(b"no record at all\n")
    assert placed_as_of(journal, "order-1") == (Action.SELL, Side.NO)
    assert not journal.own_orders.has_unmapped_orders()


def test_an_order_of_the_exchange_is_known_by_the_name_we_gave_it(tmp_path: Path) -> None:
    journal = TradeLogger(tmp_path, "practice")
    placed = order(BookSide.BID, "0.6")
    named = {"client_order_id": placed.client_order_id, "action": "sell", "side": "no"}
    journal.log_order_step("intent", named)
    assert placed_as_of(journal, placed.order_id) == (Action.SELL, Side.NO)


def test_own_orders_begin_anew_with_a_journal_that_was_replaced(tmp_path: Path) -> None:
    journal = TradeLogger(tmp_path, "practice")
    journal.log_order_step("intent", {"client_order_id": "own-1", "action": "sell", "side": "no"})
    journal.log_order_step("acknowledged", {"client_order_id": "own-1", "order_id": "order-1"})
    assert placed_as_of(journal, "order-1") == (Action.SELL, Side.NO)
    journal.trades_path.write_text("another journal, shorter\n")
    journal.log_order_step("intent", {"client_order_id": "own-2", "action": "buy", "side": "yes"})
    journal.log_order_step("acknowledged", {"client_order_id": "own-2", "order_id": "order-2"})
    assert placed_as_of(journal, "order-1") is None
    assert placed_as_of(journal, "order-2") == (Action.BUY, Side.YES)
