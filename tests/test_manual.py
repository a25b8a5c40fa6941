"""The documents name every menu entry, option and key, and link to files."""

from __future__ import annotations

import inspect
import re

import pytest
from terminal import PROJECT

from kalshi_trading.settings.options import OPTIONS, PAIR_NAMES
from kalshi_trading.ui import menu
from kalshi_trading.ui.prompts import terminal_prompter
from kalshi_trading.ui.prompts.choice_list import MOVES
from kalshi_trading.ui.terminal.keys import ENTER

DOCS = PROJECT / "docs"
MANUAL = DOCS / "manual"
ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}
PAGES = {"pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End"}
ANSWERS = {ENTER: "Enter", "escape": "Esc", "0": "0", "j": "j", "k": "k", "[": "[", "]": "]"}
COMMANDS = {"c-c": "Ctrl-C", "c-d": "Ctrl-D", "c-l": "Ctrl-L", "c-z": "Ctrl-Z"}
KEYS = {**ARROWS, **PAGES, **ANSWERS, **COMMANDS}
"""Keys of the program, as the manual spells them."""
LONGEST_PICTURE = 40
LONGEST_README = 120


def page_of(label: str) -> str:
    return re.sub(r"[^a-z]+", "-", label.lower()).strip("-") + ".md"


def documents():
    return [*PROJECT.glob("*.md"), *DOCS.rglob("*.md")]


@pytest.mark.parametrize("entry", menu.ENTRIES, ids=lambda entry: entry.label)
def test_each_menu_entry_has_a_page_that_the_manual_lists(entry):
    page = MANUAL / page_of(entry.label)
    assert page.read_text().startswith(f"# {entry.label}\n")
    assert f"]({page.name})" in (MANUAL / "README.md").read_text()


def test_each_option_is_on_the_settings_page_with_its_default():
    rows = re.findall(r"^\| (`.+?`.*?) \| (.*?) ?\| .+ \|$", (DOCS / "settings.md").read_text(), re.MULTILINE)
    shown = {name: default.strip("`") for names, default in rows for name in re.findall(r"`(\w+)`", names)}
    wrong = []
    for row in OPTIONS:
        if row.name in PAIR_NAMES or row.name == "ENV":
            continue
        default = shown.get(row.name)
        if default != row.default and not (default == "Kalshi's host" and row.default == ""):
            wrong.append(f"{row.name}: {row.default!r} is {default!r} on the page")
        wrong += [f"{row.name}: no alias {alias}" for alias in row.aliases if alias not in shown]
    text = (DOCS / "settings.md").read_text()
    assert (
        wrong + [name for name in ("ENV", *PAIR_NAMES) if not re.search(rf"^`?{name}\b", text, re.MULTILINE)]
        == []
    )


def test_each_key_is_on_the_page_of_keys():
    text = (MANUAL / "keys.md").read_text().partition("## Questions that act")[0]
    bound = set(re.findall(r'bindings\.add\("(c-[a-z]|escape)"', inspect.getsource(terminal_prompter)))
    assert [key for key in {*MOVES, *bound} if key not in KEYS] == []
    assert [key for key in KEYS.values() if not re.search(rf"(?<!\w){re.escape(key)}(?!\w)", text)] == []


def anchors_of(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_its_heading():
    wrong = []
    for page in documents():
        for link, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
            target = page.parent / link if link else page
            if "://" in link:
                continue
            if not target.exists() or (anchor and anchor not in anchors_of(target)):
                wrong.append(f"{page.relative_to(PROJECT)}: {link}#{anchor}")
    assert wrong == []


def test_every_document_is_linked():
    linked = {
        (page.parent / link).resolve()
        for page in documents()
        for link in re.findall(r"\]\(([^)#]+)", page.read_text())
    }
    pictures = (DOCS / "pictures").glob("*.svg")
    assert [path.name for path in (*DOCS.rglob("*.md"), *pictures) if path.resolve() not in linked] == []


def test_the_readme_is_short_and_shows_the_ticket_and_the_portfolio_first():
    text = (PROJECT / "README.md").read_text()
    assert len(text.splitlines()) <= LONGEST_README
    assert re.findall(r"!\[.*?\]\(docs/pictures/(\w+)\.svg\)", text)[:2] == ["ticket", "portfolio"]


def lines_of(picture) -> list[str]:
    """Return what each row of a picture says."""
    rows = {}
    for y, text in re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>(.*?)</text>', picture.read_text()):
        rows[float(y)] = rows.get(float(y), "") + text.replace("&#160;", " ")
    return [rows[y] for y in sorted(rows)]


def test_the_pictures_are_of_todays_program_and_not_tall():
    pictures = {path.stem: lines_of(path) for path in (DOCS / "pictures").glob("*.svg")}
    assert [name for name, lines in pictures.items() if len(lines) > LONGEST_PICTURE] == []
    shown = "\n".join(pictures["menu"])
    assert [entry.label for entry in menu.ENTRIES if entry.label.replace("&", "&amp;") not in shown] == []
    for name, words in {"ticket": "Place order", "portfolio": "Account value", "history": "Order"}.items():
        assert words in "\n".join(pictures[name])
