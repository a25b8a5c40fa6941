"""Exports: each file read back gives exactly the rows that were written.

Readers are Python, other programs and spreadsheets. Tables come from a real practice exchange, whose numbers
must be kept digit by digit.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from cases import naming
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import given
from hypothesis import strategies as st
from screen_session import session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.dates import Period
from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError
from kalshi_trading.history import Exporter
from kalshi_trading.history.export_tables import ORDERS, POSITIONS, SETTLEMENTS, TRADES, Exported
from kalshi_trading.journal.csv_rows import JOURNAL
from kalshi_trading.journal.files.table_files import (
    Cell,
    Format,
    Row,
    Table,
    escape_cell,
    format_of,
    unescape_cell,
    write_table,
)
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import export as export_screens

AT = datetime(2026, 11, 21, 15, 0, 1, 250_000, tzinfo=UTC)
TITLES = Table("titles", ("title", "amount"))
HOSTILE = (
    "=cmd()",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "+1",
    "-1",
    "@x",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "﹦1",
    "'=1",
    "'",
    "''x",
    "tab\there",
    'He said "yes", then "no"',
    "two\nlines",
    "two\r\nlines",
    "semi;colon, comma",
    "emoji 🗳️🇺🇸",
    "right to left \u202egnp.exe\u202c and שלום",
    "Will it be 46° to 47°?",
    "naïve – “quoted” ½",
    "\u22125",
    "1E5",
    "00012",
    "1234567890123456789",
    ".5",
    "50%",
    "$5",
    "1,000",
    "12:30",
    "1/2",
    " 3-4 ",
    "2026-11-01",
)
TEXTS = st.one_of(
    st.text(), st.builds("".join, st.lists(st.sampled_from("=+-@'\t\r\n ＝＋1a,\";\u200b\u202e")))
)


def written(path: Path, rows: list[Row], table: Table = TITLES, **how: Any) -> list[dict[str, str]]:
    assert write_table(path, table, rows, **how) == len(rows)
    return read_csv(path)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


# --- Cells ----------------------------------------------------------------------------------------


def test_a_hostile_title_comes_back_as_text_through_pythons_csv(tmp_path: Path) -> None:
    wrong = []
    for number, title in enumerate(HOSTILE):
        with naming(repr(title)):
            (row,) = written(tmp_path / f"{number}.csv", [(title, D("-1.50"))])
        is_text = unescape_cell(row["title"]) == title and not starts_a_formula(row["title"])
        if not is_text or row["amount"] != "-1.50":
            wrong.append((title, row))
    assert wrong == []


def test_json_lines_hold_texts_as_they_are(tmp_path: Path) -> None:
    wrong = []
    for number, title in enumerate(HOSTILE):
        path = tmp_path / f"{number}.jsonl"
        with naming(repr(title)):
            write_table(path, TITLES, [(title, D("-1.50"))], written_as=Format.JSON_LINES)
            rows = read_lines(path)
        if rows != [{"title": title, "amount": "-1.50"}]:
            wrong.append((title, rows))
    assert wrong == []


def starts_a_formula(cell: str) -> bool:
    """Return True if any spreadsheet might run the cell.

    Written independently of the program's own check.
    """
    if cell[:1] in ("\t", "\r", "\n"):
        return True
    seen = "".join(c for c in cell if c.isprintable() and c != " " and unicodedata.category(c)[0] not in "CZ")
    return unicodedata.normalize("NFKC", seen)[:1] in ("=", "+", "-", "@")


@given(text=TEXTS)
def test_no_text_starts_a_formula_and_every_text_comes_back(text: str) -> None:
    cell = escape_cell(text)
    assert unescape_cell(cell) == text
    assert not starts_a_formula(cell)


@pytest.mark.parametrize(
    "text",
    ["46° to 47°", "KXHIGHNY-26NOV21-B46.5", "0d9f6c3e-0001-4b7a-8e55-c0ffee000001", "B46", "Nov 1", "yes"],
)
def test_what_a_program_looks_up_by_stays_as_it_is(text: str) -> None:
    assert escape_cell(text) == text


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cs",))),
            st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9),
        )
    )
)
def test_any_table_comes_back_whole(tmp_path: Path, rows: list[tuple[str, D]]) -> None:
    back = written(tmp_path / "t.csv", list(rows), replace=True)
    assert [(unescape_cell(row["title"]), row["amount"]) for row in back] == [(t, f"{a:f}") for t, a in rows]


@pytest.mark.parametrize(
    "number", ["-12.34", "0", "-0.000100", "1234567.89", "57", "0.5600", "100.00", "1E+3", "1E-7"]
)
def test_a_number_keeps_its_digits_and_is_never_touched(tmp_path: Path, number: str) -> None:
    amount = D(number)
    (row,) = written(tmp_path / "t.csv", [("a", amount)])
    assert row["amount"] == f"{amount:f}"
    assert D(row["amount"]) == amount
    assert "e" not in row["amount"].lower()


@pytest.mark.parametrize(
    ("value", "in_csv", "in_json"),
    [(None, "", None), (True, "true", True), (False, "false", False), (7, "7", 7), (-7, "-7", -7)],
)
def test_other_values_are_written_plainly(tmp_path: Path, value: Cell, in_csv: str, in_json: object) -> None:
    (row,) = written(tmp_path / "t.csv", [("a", value)])
    assert row["amount"] == in_csv
    write_table(tmp_path / "t.jsonl", TITLES, [("a", value)], written_as=Format.JSON_LINES)
    assert read_lines(tmp_path / "t.jsonl")[0]["amount"] is in_json or in_json == -7 or in_json == 7


def test_times_carry_their_offset_and_every_digit(tmp_path: Path) -> None:
    (row,) = written(tmp_path / "t.csv", [("a", AT)])
    assert datetime.fromisoformat(row["amount"]) == AT
    assert datetime.fromisoformat(row["amount"]).utcoffset() is not None


# --- Files ----------------------------------------------------------------------------------------


def test_a_file_is_what_excel_and_rfc_4180_expect(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", TITLES, [("é, ü", D("1.50")), ("plain", D("-2.00"))])
    data = (tmp_path / "t.csv").read_bytes()
    assert data == b'\xef\xbb\xbftitle,amount\r\n"\xc3\xa9, \xc3\xbc",1.50\r\nplain,-2.00\r\n'
    write_table(tmp_path / "m.csv", replace(TITLES, has_mark=False), [])
    assert (tmp_path / "m.csv").read_bytes() == b"title,amount\r\n"


def test_only_its_owner_can_read_a_file(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", TITLES, [])
    assert stat.S_IMODE((tmp_path / "t.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize("way", list(Format))
def test_a_row_that_does_not_fit_its_columns_raises_and_leaves_no_file(tmp_path: Path, way: Format) -> None:
    with pytest.raises(ValueError, match="zip"):
        write_table(tmp_path / "t", TITLES, [("a", D(1)), ("b",)], written_as=way)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_unless_it_was_said(tmp_path: Path) -> None:
    path, link, folder = tmp_path / "t.csv", tmp_path / "link.csv", tmp_path / "folder.csv"
    path.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    folder.mkdir()
    for taken in (path, link, folder):
        with pytest.raises(InvalidInputError, match="already exists"):
            write_table(taken, TITLES, [("a", D(1))])
    with pytest.raises(InvalidInputError, match="already exists"):
        write_table(folder, TITLES, [("a", D(1))], replace=True)
    assert path.read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == [folder, link, path]
    assert written(path, [("a", D(1))], replace=True) == [{"title": "a", "amount": "1"}]


def test_a_file_that_comes_up_while_rows_are_read_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"

    def rows() -> Iterator[Row]:
        yield "a", D(1)
        path.write_text("mine")

    with pytest.raises(InvalidInputError, match="already exists"):
        write_table(path, TITLES, rows())
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_a_link_writes_where_it_leads(tmp_path: Path) -> None:
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    write_table(link, TITLES, [], replace=True)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8-sig") == "title,amount\n"


@pytest.mark.parametrize(
    "failure",
    [
        KalshiAPIError("gone"),
        KeyboardInterrupt(),
        RuntimeError("a mistake"),
        TimeoutError("the rows, not the file"),
        FileExistsError(),
    ],
)
def test_what_ends_the_rows_leaves_nothing_behind_and_the_old_file_as_it_was(
    tmp_path: Path, failure: BaseException
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def rows() -> Iterator[Row]:
        yield from [("a", D(1))] * 5000
        raise failure

    with pytest.raises(type(failure)):
        write_table(path, TITLES, rows(), replace=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_made_for_a_file_that_did_not_come_about_are_gone_again(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield ("a", D(1))
        raise KalshiAPIError("gone")

    (tmp_path / "there").mkdir()
    path = tmp_path / "there" / "2026" / "11" / "t.csv"
    with pytest.raises(KalshiAPIError):
        write_table(path, TITLES, rows())
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
    write_table(path, TITLES, [("a", D(1))])
    assert [row["title"] for row in read_csv(path)] == ["a"]


@pytest.mark.parametrize("name", ["file/t.csv", "file/folder/t.csv"])
def test_a_file_where_a_folder_should_be_is_not_called_the_export(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidInputError, match=r"t\.csv' cannot be written: Not a directory"):
        write_table(tmp_path / name, TITLES, [("a", D(1))])
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInputError, match=r"the disk is full .* No file was created or replaced"):
        write_table(path, TITLES, [("a", D(1))], replace=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    """Reaches a real limit of the system while rows are written."""
    code = """if True:
        import resource, signal, sys
        from decimal import Decimal
        from pathlib import Path
        from kalshi_trading.core.errors import InvalidInputError
        from kalshi_trading.journal.files.table_files import Table, write_table
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            write_table(Path(sys.argv[1]), Table("t", ("a",)), ((Decimal(n),) for n in range(100_000)))
        except InvalidInputError as error:
            print(error)
    """
    project = Path(__file__).resolve().parent.parent.parent.parent
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t.csv")],
        capture_output=True,
        text=True,
        cwd=project,
        check=True,
    )
    assert "cannot be written: File too large." in answer.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_rows_reach_the_disk_before_the_name_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    synced: list[tuple[bool, int]] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((path.exists(), os.fstat(file).st_size)))
    write_table(path, TITLES, [("a", D(1))])
    (named_before, size), (named_then, _) = synced
    assert (named_before, named_then) == (False, True)
    assert size == path.stat().st_size


def test_progress_counts_the_rows(tmp_path: Path) -> None:
    counts: list[int] = []
    write_table(tmp_path / "t.csv", TITLES, (("a", D(n)) for n in range(2500)), progress=counts.append)
    assert counts == [1000, 2000]


@pytest.mark.parametrize(
    ("name", "way"), [("a.csv", Format.CSV), ("A.CSV", Format.CSV), ("b.jsonl", Format.JSON_LINES)]
)
def test_the_name_says_how_it_is_written(name: str, way: Format) -> None:
    assert format_of(Path(name)) is way
    for other in ("a", "a.txt", "a.xlsx", ".csv"):
        with pytest.raises(InvalidInputError, match=r"must end in \.csv"):
            format_of(Path(other))


# --- A spreadsheet --------------------------------------------------------------------------------

_SPREADSHEET = shutil.which("soffice") or shutil.which("libreoffice")
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def in_a_spreadsheet(path: Path) -> list[list[Mapping[str, str]]]:
    """Import the file with LibreOffice's defaults and return its cells."""
    assert _SPREADSHEET is not None
    profile = path.parent / "profile"
    subprocess.run(
        [
            _SPREADSHEET,
            f"-env:UserInstallation={profile.as_uri()}",
            "--headless",
            "--infilter=CSV:44,34,76,1",
            "--convert-to",
            "fods",
            "--outdir",
            str(path.parent),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    tree = ET.parse(path.with_suffix(".fods"))
    return [cells_of(row) for row in tree.iter(f"{_TABLE}table-row")]


def cells_of(row: ET.Element) -> list[Mapping[str, str]]:
    cells: list[Mapping[str, str]] = []
    for cell in row.iter(f"{_TABLE}table-cell"):
        text = "\n".join(spoken(line) for line in cell.iter(f"{_TEXT}p"))
        value = {
            "type": cell.get(f"{_OFFICE}value-type", ""),
            "value": cell.get(f"{_OFFICE}value", ""),
            "formula": cell.get(f"{_TABLE}formula", ""),
            "text": text,
        }
        cells += [value] * min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), 50)
    return cells


def spoken(line: ET.Element) -> str:
    """Return a paragraph's text. Runs of spaces and tabs are own elements."""
    text = line.text or ""
    for part in line:
        text += {f"{_TEXT}s": " " * int(part.get(f"{_TEXT}c", "1")), f"{_TEXT}tab": "\t"}.get(part.tag, "")
        text += spoken(part) if part.tag == f"{_TEXT}span" else ""
        text += part.tail or ""
    return text


@pytest.mark.skipif(_SPREADSHEET is None, reason="no LibreOffice here")
def test_a_spreadsheet_takes_texts_as_texts_and_numbers_as_numbers(tmp_path: Path) -> None:
    numbers = ["-12.34", "0.5600", "-0.000100", "1234567.89", "0", "-999999.999999", "100.00"]
    rows: list[Row] = [(title, D(numbers[n % len(numbers)])) for n, title in enumerate(HOSTILE)]
    write_table(tmp_path / "t.csv", TITLES, rows)
    header, *cells = in_a_spreadsheet(tmp_path / "t.csv")[: len(rows) + 1]
    assert [cell["text"] for cell in header[:2]] == ["title", "amount"]
    for (title, amount), (text, number, *_) in zip(rows, cells, strict=True):
        assert not text["formula"], title
        assert text["type"] == "string", title
        assert lines(unescape_cell(text["text"])) == lines(str(title))
        assert number["type"] == "float"
        assert D(number["value"]) == amount


def lines(text: str) -> list[str]:
    """Split at any line end, because a spreadsheet cell has only one kind."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# --- The tables of a real account -----------------------------------------------------------------


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    scenario = "positions=6,fills=400,settled=4,resting=5,days=3"
    folder = tmp_path_factory.mktemp("exports")
    with running_exchange(folder, "--seed", "8", "--scenario", scenario, "--control", "--still") as running:
        # some fills and orders are only in the archive, some in both lists
        running.control("cutoff", {"trades_s_ago": 86_400, "orders_s_ago": 86_400, "overlap_s": 3600})
        yield running


def answering(exchange: ExchangeProcess, folder: Path, *answers: str) -> AppContext:
    """Begin a session on a wide screen with these answers."""
    return session(exchange, folder, ScriptedPrompter(*answers), width=200)


def wire_rows(app: AppContext, path: str, name: str) -> dict[str, dict[str, Any]]:
    """Return every row as the exchange sent it, by id."""
    rows: dict[str, dict[str, Any]] = {}
    ids = {"fills": "fill_id", "orders": "order_id"}
    for root in ("/portfolio", "/historical") if name in ids else ("/portfolio",):
        cursor = ""
        while True:
            page = [("limit", "100"), *([("cursor", cursor)] if cursor else [])]
            body = app.client._transport.read(f"{root}/{path}", page)
            rows |= {row[ids.get(name, "ticker")]: row for row in body[name]}
            cursor = body.get("cursor") or ""
            if not cursor:
                break
    return rows


def exported(app: AppContext, table: Table, path: Path, **how: Any) -> tuple[Exported, list[dict[str, str]]]:
    done = Exporter(app.client, app.tracker, app.journal, app.clock).export(table, path, **how)
    rows = read_csv(path)
    assert done.rows == len(rows)
    return done, rows


SAME_DIGITS = {
    TRADES: {"count": "count_fp", "yes_price": "yes_price_dollars", "fee": "fee_cost"},
    ORDERS: {
        "yes_price": "yes_price_dollars",
        "initial_count": "initial_count_fp",
        "fill_count": "fill_count_fp",
        "remaining_count": "remaining_count_fp",
    },
    POSITIONS: {
        "net": "position_fp",
        "cost_basis": "market_exposure_dollars",
        "realized_pnl": "realized_pnl_dollars",
        "fees_paid": "fees_paid_dollars",
        "total_traded": "total_traded_dollars",
    },
    SETTLEMENTS: {
        "yes_count": "yes_count_fp",
        "yes_cost": "yes_total_cost_dollars",
        "no_count": "no_count_fp",
        "no_cost": "no_total_cost_dollars",
        "fees": "fee_cost",
    },
}
SOURCES = {
    TRADES: ("fills", "fills", "fill_id"),
    ORDERS: ("orders", "orders", "order_id"),
    POSITIONS: ("positions", "market_positions", "ticker"),
    SETTLEMENTS: ("settlements", "settlements", "ticker"),
}


@pytest.mark.parametrize("table", list(SOURCES), ids=lambda table: table.name)
def test_every_row_is_there_once_and_every_number_is_the_exchanges_own_string(
    exchange: ExchangeProcess, tmp_path: Path, table: Table
) -> None:
    app = session(exchange, tmp_path)
    path, name, key = SOURCES[table]
    sent = wire_rows(app, path, name)
    _, rows = exported(app, table, tmp_path / "t.csv")
    assert len(rows) > 3
    assert [row[key] for row in rows] == list(dict.fromkeys(row[key] for row in rows))
    assert {row[key] for row in rows} == sent.keys()
    for row in rows:
        for ours, theirs in SAME_DIGITS[table].items():
            assert row[ours] == sent[row[key]][theirs]


@pytest.mark.skipif(_SPREADSHEET is None, reason="no LibreOffice here")
@pytest.mark.parametrize("table", list(SOURCES), ids=lambda table: table.name)
def test_a_spreadsheet_reads_the_exchanges_own_numbers(
    exchange: ExchangeProcess, tmp_path: Path, table: Table
) -> None:
    app = session(exchange, tmp_path)
    path, name, key = SOURCES[table]
    sent = wire_rows(app, path, name)
    done, _ = exported(app, table, tmp_path / "t.csv")
    header, *cells = in_a_spreadsheet(tmp_path / "t.csv")[: done.rows + 1]
    columns = [cell["text"] for cell in header[: len(table.columns)]]
    assert columns == list(table.columns)
    for row in cells:
        by_name = dict(zip(columns, row, strict=False))
        theirs = sent[by_name[key]["text"]]
        for ours, field in SAME_DIGITS[table].items():
            assert by_name[ours]["type"] == "float"
            assert D(by_name[ours]["value"]) == D(theirs[field])
        assert not any(cell["formula"] for cell in row)


def test_a_row_without_a_time_is_in_no_file_of_a_period_and_is_reported(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)
    orders = list(app.client.each_order())
    timeless = replace(orders[0], created_at=None)
    monkeypatch.setattr(app.client, "each_order", lambda **_: iter([timeless, *orders[1:]]))
    done, rows = exported(
        app, ORDERS, tmp_path / "year.csv", period=Period(date(2025, 1, 1), date(2100, 1, 1))
    )
    assert timeless.order_id not in {row["order_id"] for row in rows}
    assert len(rows) == len(orders) - 1
    assert done.notes == ("NOT in the file: 1 row without a time. Export all dates.",)
    done, rows = exported(app, ORDERS, tmp_path / "all.csv")
    assert (len(rows), done.notes) == (len(orders), ())


def test_positions_without_quotes_say_so(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)

    def broken(**_: object) -> None:
        raise KalshiAPIError("the quotes are gone")

    monkeypatch.setattr(app.client, "get_markets", broken)
    done, rows = exported(app, POSITIONS, tmp_path / "positions.csv")
    held = sum(row["side"] != "" for row in rows)
    assert held > 0
    assert done.notes == (f"No mark (no bid, or quote unavailable): {held} positions.",)


def test_no_prices_are_in_the_terms_of_their_side(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = session(exchange, tmp_path)
    sent = wire_rows(app, "fills", "fills")
    _, rows = exported(app, TRADES, tmp_path / "t.csv")
    assert {row["side"] for row in rows} == {"yes", "no"}
    for row in rows:
        fill = sent[row["fill_id"]]
        assert row["side"] == fill["outcome_side"]
        assert row["price"] == fill[f"{row['side']}_price_dollars"]
        assert row["is_taker"] == str(fill["is_taker"]).lower()
        assert datetime.fromisoformat(row["time"]) == datetime.fromisoformat(fill["created_time"])


def test_json_lines_have_the_same_fields(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = session(exchange, tmp_path)
    for table in (TRADES, ORDERS, SETTLEMENTS):
        _, rows = exported(app, table, tmp_path / f"{table.name}.csv")
        path = tmp_path / f"{table.name}.jsonl"
        Exporter(app.client, app.tracker, app.journal, app.clock).export(
            table, path, written_as=Format.JSON_LINES
        )
        plain = {None: "", True: "true", False: "false"}
        assert [{k: plain.get(v, v) for k, v in line.items()} for line in read_lines(path)] == rows


def intent_fields(order: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a sell order with this order's effect."""
    side = "no" if order["book_side"] == "bid" else "yes"
    return {
        "action": "sell",
        "side": side,
        "client_order_id": order["client_order_id"],
        "ticker": order["ticker"],
    }


def test_orders_have_action_and_side_from_the_journal_and_other_orders_are_external(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path)
    filled = [row for row in wire_rows(app, "orders", "orders").values() if D(row["fill_count_fp"]) > 0]
    recorded, lost, refused, contrary, without_intent, *_ = filled
    app.journal.log_order_step("intent", intent_fields(recorded))
    app.journal.log_order_step("acknowledged", {**named(recorded), "order_id": recorded["order_id"]})
    app.journal.log_order_step("intent", intent_fields(lost))  # the program was killed here
    app.journal.log_order_step("intent", intent_fields(refused) | {"client_order_id": "another"})
    app.journal.log_order_step("rejected", {"client_order_id": "another"})
    wrong = intent_fields(contrary) | {"action": "buy"}
    app.journal.log_order_step("intent", wrong)
    app.journal.log_order_step("acknowledged", {**named(contrary), "order_id": contrary["order_id"]})
    names = {
        **named(without_intent),
        "order_id": without_intent["order_id"],
    }  # its intent is damaged
    app.journal.log_order_step("acknowledged", names)
    for table in (TRADES, ORDERS):
        _, rows = exported(app, table, tmp_path / f"{table.name}.csv")
        ours = [row for row in rows if row["origin"] == "ours"]
        assert {row["order_id"] for row in ours} == {
            each["order_id"] for each in (recorded, lost, contrary, without_intent)
        }
        for row in ours:
            assert row["price"] == (
                row["yes_price"] if row["side"] == "yes" else f"{1 - D(row['yes_price']):f}"
            )
            if row["order_id"] in (contrary["order_id"], without_intent["order_id"]):
                assert row["action"] == ""
                continue
            order = recorded if row["order_id"] == recorded["order_id"] else lost
            assert {name: row[name] for name in intent_fields(order)} == intent_fields(order)
        assert all(row["action"] == "" and row["origin"] == "external" for row in rows if row not in ours)


def named(order: Mapping[str, Any]) -> dict[str, str]:
    return {"client_order_id": order["client_order_id"]}


def test_a_period_takes_the_local_days_it_names_and_no_others(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path)
    _, everything = exported(app, TRADES, tmp_path / "all.csv")
    days = sorted({datetime.fromisoformat(row["time"]).date() for row in everything})
    assert len(days) > 2
    parts = [exported(app, TRADES, tmp_path / f"{day}.csv", period=Period(day, day))[1] for day in days]
    assert all(parts)
    assert sorted(chain.from_iterable(parts), key=str) == sorted(everything, key=str)
    none = Period(date(2020, 1, 1), date(2020, 12, 31))
    assert exported(app, TRADES, tmp_path / "none.csv", period=none)[0].rows == 0


def test_positions_are_of_now_and_carry_titles_and_negative_numbers(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path)
    done, rows = exported(
        app, POSITIONS, tmp_path / "p.csv", period=Period(date(2020, 1, 1), date(2020, 1, 1))
    )
    assert done.period is None
    assert all(row["market_title"] for row in rows)
    assert any(D(row["net"]) < 0 for row in rows)
    for row in rows:
        assert row["side"] == ("yes" if D(row["net"]) > 0 else "no" if D(row["net"]) < 0 else "")
        if row["value"]:
            assert D(row["unrealized_pnl"]) == D(row["value"]) - D(row["cost_basis"])


def test_the_journal_is_exported_whole_and_its_damage_is_reported(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path)
    app.journal.log_order_step("rejected", {"reason": "=cmd()", "price": D("0.5600"), "sentence": "@x"})
    with app.journal.trades_path.open("a") as file:
        file.write("not a line of ours\n")
    done, rows = exported(app, JOURNAL, tmp_path / "j.csv")
    (row,) = [row for row in rows if row["event"] == "order.rejected"]
    assert (row["reason"], row["price"]) == ("'=cmd()", "0.5600")
    assert json.loads(row["fields"])["sentence"] == "@x"
    assert done.notes == ("NOT in the file: 1 unreadable journal line.",)


class Failing:
    """A transport whose n-th read fails."""

    def __init__(self, transport: Any, left: int) -> None:
        self._transport, self._left, self._lock = transport, left, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def read(self, *asked: Any, **how: Any) -> Any:
        with self._lock:
            self._left -= 1
        if self._left < 0:
            raise KalshiAPIError("the line is dead")
        return self._transport.read(*asked, **how)


@pytest.mark.parametrize("table", [TRADES, ORDERS, POSITIONS, SETTLEMENTS], ids=lambda table: table.name)
def test_a_list_that_breaks_off_writes_no_file(
    exchange: ExchangeProcess, tmp_path: Path, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)
    paged = 1 if table is TRADES or table is ORDERS else 0
    monkeypatch.setattr(app.client, "_transport", Failing(app.client._transport, paged))
    if table is not POSITIONS:
        with pytest.raises(KalshiAPIError):
            exported(app, table, tmp_path / "t.csv")
    else:
        with pytest.raises(KalshiAPIError):
            exported(app, table, tmp_path / "t.csv")
    assert not list(tmp_path.glob("*.csv"))
    assert not list(tmp_path.glob(".export*"))


class Repeating:
    """An exchange that returns the same page forever."""

    def read(self, path: str, query: Any = (), *, signed: bool = True) -> Mapping[str, Any]:
        return {"fills": [], "cursor": "again"}


def test_a_list_that_begins_again_is_not_taken_for_a_whole_one(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)
    monkeypatch.setattr(app.client, "_transport", Repeating())
    with pytest.raises(KalshiAPIError, match="repeated a page"):
        exported(app, TRADES, tmp_path / "t.csv")
    assert not list(tmp_path.glob("*.csv"))


class Midnight:
    """An exchange with fills around a local day, which it always returns all.

    They are just before its start, at its start and at its end.
    """

    def __init__(self, day: date) -> None:
        start, end = Period(day, day).start, Period(day, day).end
        self.times = {"before": start - timedelta(microseconds=1), "first": start, "after": end}

    def read(self, path: str, query: Any = (), *, signed: bool = True) -> Mapping[str, Any]:
        row = {"order_id": "o", "ticker": "KX-1", "book_side": "bid", "count_fp": "1.00", "fee_cost": "0.01"}
        row |= {"yes_price_dollars": "0.5000", "is_taker": True}
        rows = [row | {"fill_id": name, "created_time": at.isoformat()} for name, at in self.times.items()]
        return {"fills": rows, "cursor": ""}


def test_a_day_begins_and_ends_at_its_midnights(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)
    day = date(2026, 11, 21)
    monkeypatch.setattr(app.client, "_transport", Midnight(day))
    _, rows = exported(app, TRADES, tmp_path / "t.csv", period=Period(day, day))
    assert [row["fill_id"] for row in rows] == ["first"]


def test_orders_are_only_looked_up_where_the_journal_lost_one(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(app.client, "each_order", lambda **how: iter(asked.append("orders") or ()))
    words = {"action": "buy", "side": "yes"}
    ends: dict[str, dict[str, str]] = {name: {} for name in ("rejected", "not_sent", "absent", "denied")}
    for end, answer in (ends | {"acknowledged": {"order_id": "o"}}).items():
        app.journal.log_order_step("intent", words | {"client_order_id": end})
        app.journal.log_order_step(end, answer | {"client_order_id": end})
    exported(app, TRADES, tmp_path / "known.csv")
    assert asked == []
    app.journal.log_order_step("intent", words | {"client_order_id": "lost"})
    exported(app, TRADES, tmp_path / "lost.csv")
    assert asked == ["orders"]


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("new_york")
def test_days_and_times_are_the_users_own(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = session(exchange, tmp_path)
    _, everything = exported(app, TRADES, tmp_path / "all.csv")
    times = [datetime.fromisoformat(row["time"]) for row in everything]
    assert {at.utcoffset() for at in times} <= {timedelta(hours=-5), timedelta(hours=-4)}
    day = times[0].date()
    _, part = exported(app, TRADES, tmp_path / "day.csv", period=Period(day, day))
    assert len(part) == sum(at.date() == day for at in times)
    assert {row["time"][:10] for row in part} == {str(day)}


# --- The screen -----------------------------------------------------------------------------------


def shown(app: AppContext) -> str:
    return " ".join(app.console.export_text(clear=False).split())


def test_the_screen_asks_for_table_period_and_file_and_says_what_it_wrote(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    path = tmp_path / "mine.csv"
    app = answering(exchange, tmp_path, "1", "7d", str(path))
    export_screens.export(app)
    today = app.clock().astimezone().date()
    count = len(read_csv(path))
    assert count == 400
    assert f"400 rows (trades, {today - timedelta(days=6)}..{today}) written to {path}." in shown(app)


def test_the_screen_replaces_only_at_the_users_word(exchange: ExchangeProcess, tmp_path: Path) -> None:
    path, other = tmp_path / "mine.csv", tmp_path / "other.jsonl"
    path.write_text("mine")
    export_screens.export(answering(exchange, tmp_path, "4", "all", str(path), "0", str(other)))
    assert path.read_text() == "mine"
    assert {line["result"] for line in read_lines(other)} <= {"yes", "no", "scalar"}
    export_screens.export(app := answering(exchange, tmp_path, "4", "all", str(path), "1"))
    assert len(read_csv(path)) == 4
    assert "4 rows (settlements, all time) written to" in shown(app)


def test_the_screen_asks_again_for_what_it_does_not_understand(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    app = answering(
        exchange, tmp_path, "1", "the other day", "today", str(tmp_path), "x.txt", "nul\0.csv", str(path)
    )
    export_screens.export(app)
    assert path.exists()
    for answers in (["0"], ["5", BACK]):
        with pytest.raises(LeaveTask):
            export_screens.export(answering(exchange, tmp_path, *answers))


TABLE, PERIOD, FILE = "Export which table?", "Period (all,", "File (.csv or .jsonl)"


@pytest.mark.parametrize(
    ("keys", "landed", "kept"),
    [
        (["2", ESCAPE], TABLE, "Orders"),
        (["2", "today", ESCAPE], PERIOD, "today"),
        (["3", ESCAPE], TABLE, "Positions now"),
        (["2", "today", "{there}", ESCAPE], FILE, "{there}"),
        (["2", "today", "{there}", "0"], FILE, "{there}"),
        (["2", "today", "{there}", "0", ESCAPE], PERIOD, "today"),
        (["2", "today", "{nowhere}", ESCAPE], FILE, "{nowhere}"),
        (["2", "today", "{nowhere}", "0"], FILE, "{nowhere}"),
        (["2", "today", "{there}", "0", ESCAPE, ESCAPE], TABLE, "Orders"),
    ],
)
def test_going_back_asks_the_question_before_with_its_answer_kept(
    exchange: ExchangeProcess, tmp_path: Path, keys: list[str], landed: str, kept: str
) -> None:
    files = {"there": tmp_path / "mine.csv", "nowhere": tmp_path / "nowhere" / "mine.csv"}
    files["there"].write_text("mine")
    prompter = ScriptedPrompter(*(key.format(**files) for key in keys), BACK)
    with pytest.raises(LeaveTask):
        export_screens.export(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1].startswith(landed)
    remembered = prompter.marked[-1] if landed == TABLE else prompter.defaults[-1]
    assert remembered.startswith(kept.format(**files))
    assert files["there"].read_text() == "mine"
    assert not files["nowhere"].parent.exists()


def test_another_period_proposes_another_file(exchange: ExchangeProcess, tmp_path: Path) -> None:
    names = ["2001-02-03", "", "0", ESCAPE, "2004", BACK]
    prompter = ScriptedPrompter("5", *names)
    app = session(exchange, tmp_path, prompter)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        (tmp_path / "kalshi-practice-journal-2001-02-03.csv").touch()
        with pytest.raises(LeaveTask):
            export_screens.export(app)
    prompter.assert_all_used()
    assert prompter.defaults[-1] == "kalshi-practice-journal-2004-01-01..2004-12-31.csv"


def test_positions_are_not_asked_for_a_period(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = answering(exchange, tmp_path, "3", str(tmp_path / "p.csv"))
    export_screens.export(app)
    assert "(positions, as of now) written to" in shown(app)


def test_the_door_for_scripts_writes_the_journal(tmp_path: Path) -> None:
    journal = TradeLogger(tmp_path, "practice", clock=lambda: AT)
    journal.log_order_step("intent", {"count": D("2.50"), "price": D("0.0550")})
    assert journal.export_journal_to_csv(tmp_path / "j.csv") == 1
    (row,) = read_csv(tmp_path / "j.csv")
    assert (row["event"], row["count"], row["price"]) == ("order.intent", "2.50", "0.0550")
    with pytest.raises(InvalidInputError, match="already exists"):
        journal.export_journal_to_csv(tmp_path / "j.csv")
