"""Match a misspelled name to the setting that was meant.

Handles typing errors, look-alike letters, invisible characters and the notations of other tools. Reads no
value and never repeats the text of the user.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

PREFIX = "KALSHI_"
_FOREIGN_NAMES = {"ENV", "KALSHIVENV"}  # names of other tools, one letter away from one of ours
_MIN_RATIO = 0.85  # lowest difflib ratio that matches: two typing errors in READ_ONLY
_MAX_LENGTH = 200  # characters checked
_MAX_WORDS = 4  # words of a line that may hold the name: set NAME value, os.environ["NAME"]
_MIN_TYPO_LENGTH = 8  # shortest name without prefix in which one letter may be wrong
_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԀԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",  # Cyrillic, then Greek
    "ABESIJKMHOPCTYXDQWIABEZHIKMNOPTYX",
)


def meant_name(written: str, names: Iterable[str]) -> str | None:
    """Return the setting meant by a name or a malformed line. None: no match.

    A name written without KALSHI_ must be almost exact.
    """
    by_short = {_letters(name.removeprefix(PREFIX)): name for name in names}
    before_equals = _normalize(written).partition("=")[0]
    parts = [_letters(word) for word in re.findall(r"\w+", before_equals)][:_MAX_WORDS]
    # A name may be written as several words, so we try them joined and one by one.
    words = [word for word in ("".join(parts), *parts) if word not in _FOREIGN_NAMES]
    exact = [word.removeprefix("KALSHI") for word in words if word.removeprefix("KALSHI") in by_short]
    near = exact or [short for word in words for short in _closest(word, by_short)]
    return by_short[near[0]] if near else None


def has_prefix(written: str) -> bool:
    """Return True if a name begins with KALSHI, or a word one letter away."""
    plain = _normalize(written)
    first = _letters(plain.partition("_")[0])
    return _letters(plain).startswith("KALSHI") or (first[:1] == "K" and _shared(first, "KALSHI") >= 5)


def _closest(word: str, by_short: Iterable[str]) -> list[str]:
    """Return the closest setting without its prefix, or an empty list."""
    if SequenceMatcher(None, word[:6], "KALSHI").ratio() > 0.66:
        near = get_close_matches(word, [f"KALSHI{short}" for short in by_short], 1, _MIN_RATIO)
        return [name.removeprefix("KALSHI") for name in near]
    return [short for short in get_close_matches(word, by_short, 1, _MIN_RATIO) if _is_one_apart(word, short)]


def _normalize(text: str) -> str:
    """Return the text in capitals, without invisible characters.

    Look-alikes of Latin letters become Latin.
    """
    visible = (
        each
        for each in unicodedata.normalize("NFKD", text[:_MAX_LENGTH])
        if not (unicodedata.category(each) in ("Cf", "Cc", "Mn") and each != "\t")
    )
    return "".join(visible).upper().translate(_LATIN)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def _is_one_apart(word: str, other: str) -> bool:
    """Return True if one letter is wrong, missing, extra or swapped.

    Shorter names than _MIN_TYPO_LENGTH never match.
    """
    return len(other) >= _MIN_TYPO_LENGTH and _shared(word, other) >= max(len(word), len(other)) - 1


def _shared(word: str, other: str) -> int:
    """Return the number of letters that two words share in the same order."""
    return sum(block.size for block in SequenceMatcher(None, word, other).get_matching_blocks())
