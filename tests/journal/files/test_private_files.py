"""Private files: opened only if ours, created private, repaired at start."""

from __future__ import annotations

import gzip
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from cases import naming
from foreign_files import KINDS, OTHER_UID, modes_below, no_hang, open_to_others
from zones import local_noon

from kalshi_trading.core.errors import JournalError
from kalshi_trading.history import log_review
from kalshi_trading.journal.files import private_files
from kalshi_trading.journal.files.private_files import make_folder, open_private
from kalshi_trading.journal.sessions import Session, is_alive
from kalshi_trading.trade_logger import TradeLogger, open_request_log

NOON = local_noon(2026, 11, 21)
SESSION = "0" * 32
INTENT = {"client_order_id": "one", "ticker": "KX", "sentence": "BUY 1 YES KX at 2¢"}


def journal_in(folder: Path, *, day: int = 0) -> TradeLogger:
    return TradeLogger(folder, "practice", clock=lambda: NOON + timedelta(days=day))


def put(kind: str, path: Path) -> str:
    """Put a thing of this kind in a file's place and return its description."""
    make_folder(path.parent)
    make, name = KINDS[kind]
    make(path)
    return f"{path.name} {name}"


def sentence_of(act: Callable[[], object]) -> str:
    """Return the message of the JournalError.

    Fails if none is raised, or if the call hangs.
    """
    with no_hang(), pytest.raises(JournalError) as raised:
        act()
    return str(raised.value)


def names_problem_and_remedy(message: str, what: str) -> bool:
    """Check that a message names the thing in the place and the remedy."""
    remedies = {"another user": "Become its owner, or move it away."}
    remedies |= {"broken link": "Mount its target, or remove it."}
    remedy = next((remedies[part] for part in remedies if part in what), "Move it away.")
    return what in message and message.endswith(remedy)


# --- Nothing but a regular file of ours -----------------------------------------------------------


@pytest.mark.parametrize("name", ["trades.log", "trades.log.lock"])
def test_a_foreign_file_at_the_journals_path_is_reported_and_never_waited_for(
    tmp_path: Path, name: str
) -> None:
    wrong = []
    for kind in KINDS:
        with naming(kind):
            journal = journal_in(tmp_path / kind)
            what = put(kind, journal.folder / name)
            doors: list[Callable[[], object]] = [
                lambda log=journal: log.log_order_step("intent", INTENT),
                lambda log=journal: log.read_journal(),
                lambda log=journal: next(log.newest_records()),
                lambda log=journal: log_review.LogFollower(log),
            ]
            messages = [sentence_of(door) for door in doors]
            wrong += [(kind, each) for each in messages if not names_problem_and_remedy(each, what)]
    assert wrong == []


@pytest.mark.parametrize("name", ["trades-2026-11-20.log", "trades-2026-11-20.log.gz"])
def test_a_foreign_file_at_an_earlier_days_path_is_reported_and_the_journal_goes_on(
    tmp_path: Path, name: str
) -> None:
    wrong = []
    for kind in KINDS:
        with naming(kind), no_hang():
            journal = journal_in(tmp_path / kind)
            what = put(kind, journal.folder / name)
            journal.log_order_step("intent", INTENT)
            for door in (journal.read_journal, lambda log=journal: list(log.newest_records())):
                message = sentence_of(door)
                wrong += [] if names_problem_and_remedy(message, what) else [(kind, message)]
            next_day = journal_in(tmp_path / kind, day=1)
            next_day.log_order_step("intent", INTENT)  # compresses the rotated file
            next_day.log_sizes()
    assert wrong == []


def test_a_foreign_file_at_the_intents_locks_path_is_reported(tmp_path: Path) -> None:
    wrong = []
    for kind in KINDS:
        with naming(kind):
            journal = journal_in(tmp_path / kind)
            what = put(kind, journal.folder / "intents.lock")
            message = sentence_of(journal.intent_lock().__enter__)
            wrong += [] if names_problem_and_remedy(message, what) else [(kind, message)]
    assert wrong == []


@pytest.mark.parametrize("name", ["errors.log", "errors.log.lock"])
def test_a_foreign_file_at_the_error_logs_path_is_reported_and_hides_no_error(
    tmp_path: Path, name: str
) -> None:
    wrong = []
    for kind in KINDS:
        with naming(kind), no_hang():
            journal = journal_in(tmp_path / kind)
            what = put(kind, journal.folder / name)
            assert "not recorded" in journal.log_error("oh")
            assert journal.read_errors() == ()
            message = sentence_of(lambda log=journal: list(log_review.newest_errors(log)))
            wrong += [] if names_problem_and_remedy(message, what) else [(kind, message)]
    assert wrong == []


@pytest.fixture
def request_logger() -> Iterator[Callable[[Path], logging.Logger]]:
    """Return a function that logs requests to a folder; restore logging after."""
    log = logging.getLogger("kalshi_trading")
    before = log.level, log.propagate, list(log.handlers)

    def open_in(folder: Path) -> logging.Logger:
        open_request_log(folder, "practice", "INFO")
        return log

    yield open_in
    log.level, log.propagate, log.handlers[:] = before


@pytest.mark.parametrize("name", ["requests.log", "requests.log.lock"])
def test_a_foreign_file_at_the_request_logs_path_is_ignored(
    tmp_path: Path,
    request_logger: Callable[[Path], logging.Logger],
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    for kind in KINDS:
        put(kind, tmp_path / kind / "practice" / name)
        with naming(kind), no_hang():
            request_logger(tmp_path / kind).info("GET /markets 200 12 ms")
    assert capfd.readouterr() == ("", "")


def test_a_foreign_file_among_the_sessions_keeps_no_session_from_beginning(tmp_path: Path) -> None:
    for kind in KINDS:
        with naming(kind), no_hang():
            put(kind, tmp_path / kind / "sessions" / f"{SESSION}.lock")
            assert is_alive(tmp_path / kind, SESSION)  # unknown counts as alive
            with Session.open(tmp_path / kind) as session:
                assert is_alive(tmp_path / kind, session.session_id)


PLACES = (
    *("trades.log", "trades.log.lock", "trades-2026-11-20.log", "trades-2026-11-20.1.log.gz", "intents.lock"),
    *("errors.log", "errors.log.lock", "requests.log", "requests.log.lock", "errors-2026-11-20.log.gz"),
    f"sessions/{SESSION}.lock",
)


@pytest.mark.parametrize("place", PLACES)
def test_the_start_names_each_file_that_is_not_ours_once_with_what_to_do(tmp_path: Path, place: str) -> None:
    wrong = []
    for kind in KINDS:
        journal = journal_in(tmp_path / kind)
        path = journal.folder / place
        what = put(kind, path)
        with naming(kind), no_hang():
            notes = journal.restrict_permissions()
        if not (
            len(notes) == 1
            and names_problem_and_remedy(notes[0], what)
            and notes[0].startswith(f"{path} is ")
        ):
            wrong.append((kind, notes))
    assert wrong == []


def test_a_link_to_files_of_ours_is_followed(tmp_path: Path) -> None:
    elsewhere = journal_in(tmp_path / "elsewhere")
    elsewhere.log_order_step("intent", INTENT)
    (tmp_path / "logs" / "practice").mkdir(parents=True)
    (tmp_path / "logs" / "practice" / "trades.log").symlink_to(elsewhere.trades_path)
    (tmp_path / "archive.gz").write_bytes(gzip.compress(elsewhere.trades_path.read_bytes()))
    (tmp_path / "logs" / "practice" / "trades-2026-11-20.log.gz").symlink_to(tmp_path / "archive.gz")
    journal = journal_in(tmp_path / "logs")
    journal.log_order_step("sending", INTENT)
    assert [record.event for record in journal.read_journal().records] == [
        *("order.intent", "order.intent", "order.sending")
    ]
    assert len(elsewhere.read_journal().records) == 2


@pytest.mark.parametrize("linked", [".", "practice", "practice/sessions"])
def test_a_folder_of_logs_may_be_a_link(tmp_path: Path, linked: str) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    link = tmp_path / "logs" / linked
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "disk")
    journal = journal_in(tmp_path / "logs")
    with Session.open(journal.folder) as session:
        journal.log_order_step("intent", INTENT)
        assert len(journal.read_journal().records) == 1
        assert is_alive(journal.folder, session.session_id)
        assert journal.restrict_permissions() == ()
        assert list((tmp_path / "disk").iterdir())


def test_a_foreign_file_put_there_after_the_check_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fakes the first check, so only the check of the open file can refuse."""
    ours = tmp_path / "ours"
    ours.touch()
    seen = ours.stat()
    wrong = []
    for number, kind in enumerate(KINDS):
        path = tmp_path / str(number)
        put(kind, path)
        for flags in (os.O_RDONLY, os.O_RDWR | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT):
            before = len(os.listdir("/dev/fd"))
            with monkeypatch.context() as patched, no_hang():
                patched.setattr(Path, "stat", lambda self, **_: seen)
                with suppress(OSError):
                    wrong.append((kind, flags, open_private(path, flags)))
            if len(os.listdir("/dev/fd")) != before:
                wrong.append((kind, flags, "left open"))
    # with the faked check, a broken link is created as a file, which is harmless
    assert [each for each in wrong if each[0] != "link to nothing"] == []


def test_what_a_link_leads_to_is_named_and_not_closed(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    journal.log_error("oh")
    elsewhere = journal.errors_path.rename(tmp_path / "elsewhere")
    elsewhere.chmod(0o644)
    journal.errors_path.symlink_to(elsewhere)
    (note,) = journal.restrict_permissions()
    assert note.endswith(f"a link to a file that is open to other users. To fix it: chmod 600 {elsewhere}.")
    journal.log_error("oh")
    assert elsewhere.stat().st_mode & 0o777 == 0o644


def test_a_file_at_the_log_folders_path_is_reported_in_one_sentence(tmp_path: Path) -> None:
    in_the_way = tmp_path / "logs"
    in_the_way.touch()
    journal = journal_in(in_the_way)
    assert journal.restrict_permissions() == ()
    message = sentence_of(lambda: Session.open(journal.folder))
    assert message.endswith("logs is a file, not a folder. Choose another folder.")


def test_a_link_that_takes_the_place_of_nothing_is_not_followed(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "trades.log", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(private_files, "_own_status", lambda path: None)
        with pytest.raises(OSError, match="symbolic links"):
            open_private(path, os.O_WRONLY | os.O_CREAT)
    assert not elsewhere.exists()


# --- Private files --------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_all_that_a_journal_makes_is_its_owners_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(mask)
    try:
        journal = journal_in(tmp_path / "logs" / "of" / "mine")
        with Session.open(journal.folder), journal.intent_lock():
            journal.log_order_step("intent", INTENT)
            journal.log_error("oh")
            journal_in(tmp_path / "logs" / "of" / "mine", day=1).log_order_step("intent", INTENT)
            assert open_to_others(tmp_path / "logs") == {}
            assert len(modes_below(tmp_path / "logs")) >= 12
            assert len(journal.read_journal().records) == 2
    finally:
        os.umask(before)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def old_logs(folder: Path) -> TradeLogger:
    """Create logs of three days with a session, open to other users.

    An earlier version or a copy may leave such files.
    """
    for day in range(3):
        journal = journal_in(folder, day=day)
        journal.log_order_step("intent", INTENT)
        journal.log_error("oh")
    with journal.intent_lock():
        pass
    (journal.folder / "trades-2026-11-19.log").write_text("plain\n")
    (journal.folder / ".trades-2026-11-18.log.gz.partial").write_text("draft\n")
    (journal.folder / "sessions").mkdir()
    (journal.folder / "sessions" / f"{SESSION}.lock").touch()
    for path in folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o664)
    folder.chmod(0o755)
    return journal


def test_permissions_are_restricted_at_the_start_and_the_parent_folder_is_unchanged(
    tmp_path: Path,
) -> None:
    journal = old_logs(tmp_path / "logs")
    mine = [journal.folder / "notes.txt", tmp_path / "logs" / "export.csv"]
    for path in mine:
        path.write_text("of the user's own")
        path.chmod(0o644)
    assert journal.restrict_permissions() == ()
    assert open_to_others(tmp_path / "logs") == {
        str(tmp_path / "logs"): "755",
        **{str(path): "644" for path in mine},
    }
    assert journal.restrict_permissions() == ()


def test_a_file_that_its_owner_protects_from_writing_stays_so(tmp_path: Path) -> None:
    journal = old_logs(tmp_path)
    (packed, *_) = journal.folder.glob("trades-*.gz")
    packed.chmod(0o444)
    journal.restrict_permissions()
    assert stat.S_IMODE(packed.stat().st_mode) == 0o400


@pytest.mark.parametrize("bit", [stat.S_ISVTX, stat.S_ISGID])
def test_a_folder_that_is_set_up_for_sharing_is_named_and_left_alone(tmp_path: Path, bit: int) -> None:
    journal = old_logs(tmp_path)
    journal.folder.chmod(0o775 | bit)
    (note,) = journal.restrict_permissions()
    assert note.startswith(f"{journal.folder} is open to other users, which may be intended. ")
    assert note.endswith(f" To fix it: chmod 700 {journal.folder}.")
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o775 | bit


def test_a_folder_behind_a_link_is_named_and_left_alone(tmp_path: Path) -> None:
    old_logs(tmp_path / "disk")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "practice").symlink_to(tmp_path / "disk" / "practice")
    (note,) = journal_in(tmp_path / "logs").restrict_permissions()
    assert "is open to other users" in note
    assert note.endswith(f"chmod 700 {tmp_path / 'disk' / 'practice'}.")
    assert stat.S_IMODE((tmp_path / "disk" / "practice").stat().st_mode) == 0o777
    assert stat.S_IMODE((tmp_path / "disk" / "practice" / "trades.log").stat().st_mode) == 0o600


def test_permissions_that_cannot_be_restricted_are_reported_and_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    journal = old_logs(tmp_path)
    monkeypatch.setattr(os, "fchmod", refuse)
    notes = journal.restrict_permissions()
    path = journal.trades_path
    remedy = f"To fix it: chmod go= {path}"
    assert f"{path} may be open to other users: Operation not permitted. {remedy}" in notes
    assert len(notes) == len(modes_below(tmp_path)) - 1
    journal.log_order_step("sending", INTENT)
    assert list(islice(journal.newest_records(), 1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_named_and_left_alone(tmp_path: Path) -> None:
    journal = old_logs(tmp_path)
    os.chown(journal.folder, OTHER_UID, -1)
    (note,) = journal.restrict_permissions()
    assert f"{journal.folder} is a folder of another user (uid {OTHER_UID})" in note
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o777


def test_a_start_without_any_files_has_nothing_to_say(tmp_path: Path) -> None:
    assert journal_in(tmp_path / "nowhere").restrict_permissions() == ()
    assert not (tmp_path / "nowhere").exists()
