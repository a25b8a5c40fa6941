"""Findings of `verify` in the journal's folder.

Findings count only for the exchange and account that they came from. A file that cannot be read counts as no
findings. Source: Kalshi API, open questions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from kalshi_trading.core.dates import SANE_YEARS
from kalshi_trading.journal.files.private_files import make_folder, open_private, open_to_read
from kalshi_trading.settings.environments import is_loopback
from kalshi_trading.settings.options import Settings
from kalshi_trading.verify.questions import QUESTIONS, Finding


@dataclass(frozen=True, slots=True)
class Verified:
    """The latest answer to each question, as words."""

    at: datetime
    words: Mapping[str, str]

    @property
    def differing(self) -> tuple[str, ...]:
        """Names of the questions whose answer is not the assumed one."""
        known = {name: word for name, word in self.words.items() if name in QUESTIONS}
        return tuple(name for name, word in known.items() if word not in QUESTIONS[name].expected)

    @property
    def summary(self) -> str:
        """The state in a few words, for the account page."""
        known, count = len(self.words.keys() & QUESTIONS.keys()), len(self.differing)
        result = f"{known} of {len(QUESTIONS)} as assumed"
        if count:
            result = f"{count} of {len(QUESTIONS)} differ{'s' if count == 1 else ''}"
        return f"verified {self.at.astimezone():%Y-%m-%d}, {result}"


def load(settings: Settings, account: str) -> Verified | None:
    """Return the findings for this exchange and account; None: there are none."""
    try:
        with open_to_read(_folder(settings) / _file(account)) as file:
            stored = json.loads(file.read())
        if stored["account"] != account or not _is_same(stored["api_base_url"], settings.api_base_url or ""):
            return None
        at = datetime.fromisoformat(stored["verified_at"])
        if at.year not in SANE_YEARS:
            return None
        return Verified(at, {str(name): str(word) for name, word in stored["found"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def save(settings: Settings, account: str, findings: Iterable[Finding], at: datetime) -> Path:
    """Store findings over the earlier ones and return the file.

    A question without an answer keeps its earlier one. Raises OSError.
    """
    earlier = load(settings, account)
    found = dict(earlier.words) if earlier else {}
    found |= {each.question.name: each.observed.word for each in findings if each.observed.word}
    path = _folder(settings) / _file(account)
    content = {
        "verified_at": at.isoformat(),
        "api_base_url": settings.api_base_url,
        "account": account,
        "found": found,
    }
    return _write_json(path, content)


def save_evidence(settings: Settings, findings: Iterable[Finding], at: datetime) -> Path:
    """Write the findings with their redacted requests; return the file.

    Raises OSError.
    """
    content = {
        "verified_at": at.isoformat(),
        "api_base_url": settings.api_base_url,
        "findings": [
            {
                "name": each.question.name,
                "question": each.question.text,
                "assumed": each.question.assumed,
                "verdict": str(each.verdict),
                "found": each.observed.text,
                "evidence": list(each.evidence),
            }
            for each in findings
        ],
    }
    return _write_json(_folder(settings) / f"verify-{at:%Y%m%dT%H%M%S}.json", content)


def _write_json(path: Path, content: object) -> Path:
    """Replace a private file by this JSON. Raises OSError."""
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(
        open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
        "w",
        encoding="utf-8",
        errors="backslashreplace",
    ) as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
    os.replace(draft, path)
    return path


def _folder(settings: Settings) -> Path:
    return settings.log_dir / settings.environment.value


def _file(account: str) -> str:
    return f"verified-{account}.json"


def _is_same(stored: str, current: str) -> bool:
    """Compare addresses; the practice exchange has another port at each start."""
    if is_loopback(stored) and is_loopback(current):
        return True
    return urlsplit(stored).netloc == urlsplit(current).netloc
