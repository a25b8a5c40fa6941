"""Second journals of one account are noted, even with a damaged register."""

from __future__ import annotations

import json

import pytest

from kalshi_trading.journal.files.journal_register import REGISTER, second_journal_notes


@pytest.fixture
def notes(tmp_path):
    """Register a journal and return its notes."""

    def register(name, account="a", *, has_journal=True):
        log = tmp_path / name / "practice" / "trades.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        if has_journal:
            log.write_text("x\n")
        return second_journal_notes(tmp_path / "data", account, log)

    return register


def test_the_other_journal_is_named_with_the_setting_that_chooses_it(notes, tmp_path):
    assert notes("one") == ()
    (note,) = notes("two")
    assert f"a second journal in {tmp_path / 'one' / 'practice'}." in note
    assert note.endswith(f"set KALSHI_LOG_DIR={tmp_path / 'one'}.")
    (back,) = notes("one")
    assert f"KALSHI_LOG_DIR={tmp_path / 'two'}." in back


def test_only_a_journal_of_the_same_account_in_another_folder_is_a_second_one(notes, tmp_path):
    assert notes("one") == notes("two", account="b") == ()
    (tmp_path / "link").symlink_to(tmp_path / "one")
    assert notes("link") == ()
    notes("three", has_journal=False)
    assert notes("one") == ()


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\x00 no text",
        b"[" * 100_000,
        b'{"account": 1, "folder": []}',
        json.dumps({"account": "a", "folder": "/" + "x" * 5000}).encode(),
        b'{"account": "a", "fol',
    ],
    ids=["bytes", "nesting", "kinds", "a path too long", "a torn line"],
)
def test_a_damaged_register_hides_no_journal(notes, tmp_path, damage):
    notes("one")
    with open(tmp_path / "data" / REGISTER, "ab") as file:
        file.write(b"\n" + damage)
    assert len(notes("two")) == 1
    assert len(notes("one")) == 1


def test_a_register_that_cannot_be_written_is_a_note(notes, tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    (note,) = notes("one")
    assert note.startswith("Could not check for a second journal of this account: ")
