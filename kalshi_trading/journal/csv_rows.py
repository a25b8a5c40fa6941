"""Turn journal events into table rows.

Known fields get a column each. The last column holds all fields as JSON. Pure. Reads and writes no file.
"""

from __future__ import annotations

import json

from kalshi_trading.core.money import decimal_from_text
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.journal.files.table_files import Cell, Row, Table
from kalshi_trading.journal.records import JournalEntry, JournalRecord

_WORDS = ("environment", "ticker", "action", "side")
_NUMBERS = ("count", "price", "fill_count", "average_price", "fee")
_NAMES = ("order_id", "client_order_id", "reason")
JOURNAL = Table("journal", ("time", "event", *_WORDS, *_NUMBERS, *_NAMES, "fields"))


def journal_row(record: JournalEntry) -> Row:
    """Return the row of one event.

    `fields` is the whole record as in the journal, so nothing is left out. Of a damaged line only the place
    is known.
    """
    if isinstance(record, DamagedLine):
        nothing = (None,) * (len(JOURNAL.columns) - 3)
        return (None, "journal.damaged", *nothing, f"{record} cannot be read")
    return (
        record.at,
        record.event,
        *(_text(record, name) for name in _WORDS),
        *(_number(record, name) for name in _NUMBERS),
        *(_text(record, name) for name in _NAMES),
        json.dumps(record.fields, ensure_ascii=False),
    )


def _text(record: JournalRecord, name: str) -> str | None:
    return record.exact_text(name) if name in record.fields else None


def _number(record: JournalRecord, name: str) -> Cell:
    """Return a field as a number, or as text.

    The journal holds numbers as text. One not written the way we write numbers stays text.
    """
    text = record.exact_text(name)
    number = decimal_from_text(text)
    return number if number is not None and f"{number:f}" == text else _text(record, name)
