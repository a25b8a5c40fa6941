"""Match a misspelled name to the setting that was meant.

Knows typing errors, letters that look alike, invisible characters and the notations of other tools.
Reads no value and never repeats what was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

PREFIX = "KALSHI_"
_OF_OTHERS = {"ENV", "KALSHIVENV"}  # names of other tools that are a letter away from one of ours
_CLOSE = 0.85  # of two names as difflib compares them: two typing errors in READ_ONLY
_LONGEST = 200  # characters that are looked at
_WORDS = 4  # of a line in which the name may be: set NAME value, os.environ["NAME"]
_SHORTEST_TYPO = 8  # letters of a name without the prefix in which one may be wrong
_LATIN = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԀԚԜӀΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",  # Cyrillic, then Greek
    "ABESIJKMHOPCTYXDQWIABEZHIKMNOPTYX",
)


def meant_name(written: str, names: Iterable[str]) -> str | None:
    """Return which of `names` a written name or a malformed line stands for; None: none of them.

    A name that is written without KALSHI_ must be almost exact.
    """
    by_short = {_letters(name.removeprefix(PREFIX)): name for name in names}
    before_equals = _plain(written).partition("=")[0]
    parts = [_letters(word) for word in re.findall(r"\w+", before_equals)][:_WORDS]
    # A name may be written in several words: they are tried as one and one by one.
    words = [word for word in ("".join(parts), *parts) if word not in _OF_OTHERS]
    exact = [word.removeprefix("KALSHI") for word in words if word.removeprefix("KALSHI") in by_short]
    near = exact or [short for word in words for short in _near(word, by_short)]
    return by_short[near[0]] if near else None


def has_prefix(written: str) -> bool:
    """Return whether a name begins with KALSHI, or with a word one letter away from it."""
    plain = _plain(written)
    first = _letters(plain.partition("_")[0])
    return _letters(plain).startswith("KALSHI") or (first[:1] == "K" and _shared(first, "KALSHI") >= 5)


def _near(word: str, by_short: Iterable[str]) -> list[str]:
    """Return the name without its prefix that the word comes close to, if any."""
    if SequenceMatcher(None, word[:6], "KALSHI").ratio() > 0.66:
        near = get_close_matches(word, [f"KALSHI{short}" for short in by_short], 1, _CLOSE)
        return [name.removeprefix("KALSHI") for name in near]
    return [short for short in get_close_matches(word, by_short, 1, _CLOSE) if _is_one_apart(word, short)]


def _plain(text: str) -> str:
    """Return the text in capitals, without what is invisible and with Latin letters for their likes."""
    visible = (
        each
        for each in unicodedata.normalize("NFKD", text[:_LONGEST])
        if not (unicodedata.category(each) in ("Cf", "Cc", "Mn") and each != "\t")
    )
    return "".join(visible).upper().translate(_LATIN)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text)


def _is_one_apart(word: str, other: str) -> bool:
    """Return whether one letter is wrong, missing, too many, or in its neighbour's place."""
    return len(other) >= _SHORTEST_TYPO and _shared(word, other) >= max(len(word), len(other)) - 1


def _shared(word: str, other: str) -> int:
    """Return how many letters two words have in the same turn."""
    return sum(block.size for block in SequenceMatcher(None, word, other).get_matching_blocks())
