"""The words of docstrings, comments, the screen and the documents.

Every test gathers all offenders, so that one run shows the whole work.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from terminal import PROJECT

SOURCES = [
    PROJECT / "main.py",
    *(
        path
        for room in ("kalshi_trading", "tests", "bench", "docs", ".ci")
        for path in (PROJECT / room).rglob("*.py")
    ),
]


def rooms_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(PROJECT).parts


KALSHIS_WORDS = {"api", "engine", "responses"}
"""Rooms of the practice exchange that answer in Kalshi's words."""
SCREEN_SOURCES = [
    path
    for path in SOURCES
    if path == PROJECT / "main.py"
    or (rooms_of(path)[0] == "kalshi_trading" and not KALSHIS_WORDS & {*rooms_of(path)})
]
DOCUMENTS = [
    PROJECT / ".env.example",
    *PROJECT.glob("*.md"),
    *(PROJECT / "docs").rglob("*.md"),
]
LONGEST_FIRST_LINE = 72
BEGINNINGS = {"Be", "Give", "How", "Let", "Say", "Tell", "That", "What", "Where", "Whether", "Which", "Who"}
BANNED = re.compile(
    r"\b(told|nobody|whoever|somebody|one's own|what is held|undertakings?|sums of)\b"
    r"|,? (?:too|as well|besides)(?=[.;:!?)]|\Z)",
    re.IGNORECASE,
)
ONE_WORDING = {
    r"\b(resting|working) orders?\b": "open order",
    r"\bwhat rests\b|\bno longer rests?\b|\brests? at the exchange\b": "open order",
    r"\bcancell(ed|ing|ation)\b": "canceled, canceling",
    r"\bguard rails?\b": "limit",
    r"\be-mail\b": "email",
    r"\bsold now\b": "liquidation value",
    r"\bread again\b": "refresh",
    r"\bhow many contracts\b": "quantity",
    r"\bworst price\b": "max price, min price",
    r"\b(could|can|wo|did|does|is|was)n[’']t\b|\bcan[’']t\b": "the long form: could not",
    r"\btrade history\b": "history",
    r"\bcolour": "color",
}
"""Words that the screen and the documents do not use, and the one that they do."""

Texts = Callable[[Path], Iterable[tuple[int, str]]]
"""Reads a file as texts with their lines."""


def named(path: Path, line: int) -> str:
    return f"{path.relative_to(PROJECT)}:{line}"


def docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield docstrings, and the strings that stand below an attribute."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value


def first_docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the docstrings of modules, classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and first.value.value is not ...
            ):
                yield first.value


def comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield words and sentences, with `{}` for f-string values."""
    prose = {id(each) for each in docstrings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in node.values]
            prose |= {id(each) for each in node.values}
            yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        if is_text and re.search(r"\s|^[A-Z][a-z]", str(node.value).strip()):
            yield node.lineno, str(node.value)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def wrong_in(paths: Sequence[Path], pattern: re.Pattern[str], texts: Texts) -> list[str]:
    """Return each match in the texts of these files.

    Parses only files that match anywhere, because parsing takes most of the time.
    """
    return [
        f"{named(path, line)}: {found[0]}: {text.strip()}"
        for path in paths
        if pattern.search(path.read_text(encoding="utf-8"))
        for line, text in texts(path)
        for found in pattern.finditer(text)
    ]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    yield from ((node.lineno, str(node.value)) for node in docstrings(parsed(path)))
    yield from comments(path.read_text(encoding="utf-8"))


def test_first_lines_are_short_sentences_that_begin_with_the_point():
    wrong = []
    for path in SOURCES:
        for node in first_docstrings(parsed(path)):
            first = str(node.value).strip().split("\n")[0]
            if len(first) > LONGEST_FIRST_LINE or not first.endswith((".", ":", "?", "!", "…")):
                wrong.append(f"{named(path, node.lineno)}: {first}")
            elif first.split()[0].rstrip(",") in BEGINNINGS:
                wrong.append(f"{named(path, node.lineno)}: begins with {first.split()[0]}: {first}")
    assert wrong == []


def test_no_docstring_and_no_comment_uses_a_banned_word():
    assert wrong_in(SOURCES, BANNED, prose) == []


def test_no_sentence_of_the_screen_uses_a_banned_word():
    assert wrong_in(SCREEN_SOURCES, BANNED, lambda path: sentences(parsed(path))) == []


def test_the_screen_has_one_wording_for_each_thing():
    wrong = []
    for pattern, wording in ONE_WORDING.items():
        found = wrong_in(
            SCREEN_SOURCES, re.compile(pattern, re.IGNORECASE), lambda path: sentences(parsed(path))
        )
        wrong += [f"use “{wording}”: {each}" for each in found]
    assert wrong == []


def test_the_documents_use_the_words_of_the_screen():
    wrong = []
    for path in DOCUMENTS:
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            wrong += [f"{named(path, line)}: {found[0]}: {text}" for found in BANNED.finditer(text)]
            wrong += [f"{named(path, line)}: {found}" for found in other_wordings(text)]
    assert wrong == []


def other_wordings(text: str) -> list[str]:
    """Return each other wording with the one to use."""
    return [
        f"“{found[0]}” is “{wording}”: {text.strip()}"
        for pattern, wording in ONE_WORDING.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize(
    "text",
    ["It was told so.", "Nobody waits.", "It counts, too.", "That holds as well.", "What is held counts."],
)
def test_a_banned_word_is_found(text):
    assert BANNED.search(text)


@pytest.mark.parametrize(
    "text", ["a road closure", "too many requests", "well known", "as well as Ctrl-C", "doors"]
)
def test_an_allowed_word_is_left_alone(text):
    assert not BANNED.search(text)
