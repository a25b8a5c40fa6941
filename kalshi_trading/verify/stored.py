"""Findings of `verify` in the journal's folder, and their effect.

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

from kalshi_trading.journal.files.private_files import make_folder, open_private, open_to_read
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.settings.environments import is_loopback
from kalshi_trading.settings.options import Settings
from kalshi_trading.verify.questions import QUESTIONS, Finding, Verdict

FILE = "verified.json"


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
        with open_to_read(_path(settings)) as file:
            stored = json.loads(file.read())
        if stored["account"] != account or not _is_same(stored["api_base_url"], settings.api_base_url or ""):
            return None
        return Verified(
            datetime.fromisoformat(stored["verified_at"]),
            {str(name): str(word) for name, word in stored["found"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def save(settings: Settings, account: str, findings: Iterable[Finding], at: datetime) -> Path:
    """Store findings over the earlier ones and return the file.

    A question without an answer keeps its earlier one. Raises OSError.
    """
    earlier = load(settings, account)
    found = dict(earlier.words) if earlier else {}
    found |= {each.question.name: each.observed.word for each in findings if each.observed.word}
    path = _path(settings)
    content = {
        "verified_at": at.isoformat(),
        "api_base_url": settings.api_base_url,
        "account": account,
        "found": found,
    }
    return write_json(path, content)


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
    return write_json(_path(settings).with_name(f"verify-{at:%Y%m%dT%H%M%S}.json"), content)


def write_json(path: Path, content: object) -> Path:
    """Replace a private file by this JSON. Raises OSError."""
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False, default=str)
        file.write("\n")
    os.replace(draft, path)
    return path


def behavior(verified: Verified | None) -> ExchangeBehavior:
    """Return how the exchange behaves: as found, and otherwise as assumed."""
    words = {} if verified is None else verified.words
    accepted, refused = _window(words.get("clock_window_s", ""))
    tolerated = ASSUMED.tolerated_skew_s
    return ExchangeBehavior(
        cash_includes_collateral=words.get("balance_includes_collateral") == "yes",
        tolerated_skew_s=tolerated if accepted is None else min(tolerated, accepted / 2),
        signature_window_s=ASSUMED.signature_window_s if refused is None else refused,
        data_timestamp_lags=words.get("data_timestamp_lags") != "no",
        ask_average_in_no=words.get("ask_average_at") == "no_price",
    )


def window_word(accepted: int, refused: int | None, is_expected: bool) -> str:
    """Write the clock window as stored: "2-30", or its two bounds."""
    return "2-30" if is_expected else f"{accepted}/{'' if refused is None else refused}"


def _window(word: str) -> tuple[int | None, int | None]:
    accepted, slash, refused = word.partition("/")
    if not slash or not accepted.isdigit():
        return None, None
    return int(accepted), int(refused) if refused.isdigit() else 4 * ASSUMED.signature_window_s


def _path(settings: Settings) -> Path:
    return settings.log_dir / settings.environment.value / FILE


def _is_same(stored: str, current: str) -> bool:
    """Compare addresses; the practice exchange has another port at each start."""
    if is_loopback(stored) and is_loopback(current):
        return True
    return urlsplit(stored).netloc == urlsplit(current).netloc


def count(findings: Iterable[Finding], verdict: Verdict) -> int:
    """Count the findings with this verdict."""
    return sum(each.verdict is verdict for each in findings)
