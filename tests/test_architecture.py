"""Rules of the code that review cannot check: imports, and unique places."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "kalshi_trading"


HEAVY_LIBRARIES = {"requests", "questionary", "cryptography", "starlette", "uvicorn", "plotext", "websockets"}
CLIENT_WRITES = {"send_order", "send_cancel"}

# Each module with its reason for this exception.
CALLS_WRITES = {
    "orders.execution.submission": "sends what was previewed and confirmed, once",
    "orders.execution.cancel": "takes orders back, which only lowers risk",
}
MAKES_FLOATS = {
    "settings.option_parsing": "durations",
    "practice.responses.markets": "strikes and multipliers, which are numbers in the exchange's JSON",
    "practice.simulation.event_shapes": "chances of invented events",
    "practice.simulation.fair_values": "chances of invented events",
}
CATCHES_EVERYTHING = {
    "portfolio.read_pool": "hands whatever went wrong to the thread that asks for the answer",
    "ui.menu": "the error boundary: whatever a screen does, the menu comes back",
    "ui.program": "the error boundary around the start",
    "orders.execution.recovery_loop": "goes on whatever happens to one look, and puts it on record",
    "orders.execution.recovery": "looks for the other orders before it raises what went wrong with one",
    "ui.background_task": "hands what went wrong in a worker thread to whoever waits for it",
    "exchange.http.transport": "hands what went wrong in a worker thread to the caller's thread",
}
SPEAK_HTTP = {
    "exchange.http.transport": "sends requests",
    "exchange.http.answers": "reads their answers; sends nothing",
    "exchange.http.connection_errors": "reads the errors that the libraries raise; sends nothing",
}

PLACES_KEPT = {
    *("ui/board/", "tests/ui/board/", "ui/web/", "tests/ui/web/"),
    *("exchange/stream/", "orders/exits/", "portfolio/events.py"),
}
"""Reserved in docs/architecture.md, without files yet."""
ROOM_BEHIND = {
    "config": "settings",
    "kalshi_client": "exchange",
    "trade_logger": "journal",
    "portfolio_tracker": "portfolio",
    "trade_executor": "orders",
}
"""The room behind each door."""
FOLDER_FILES = 12
MODULE_LINES = 400
FUNCTION_LINES = 60


def modules() -> list[str]:
    paths = sorted(PACKAGE.rglob("*.py"))
    assert paths, f"no modules below {PACKAGE}: every rule would hold"
    return [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]


def in_practice(module: str) -> bool:
    return module.split(".")[0] == "practice"


EVERY_MODULE = modules()
OWN_MODULES = [name for name in EVERY_MODULE if not in_practice(name) and name != "__init__"]
ROOMS = {f"kalshi_trading.{name.split('.')[0]}" for name in EVERY_MODULE} - {"kalshi_trading.__init__"}


def path_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text())


def imports_of(module: str) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of every import in the file."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # in `from package import name` the name may be a module of the package
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imports_from_package(module: str) -> set[tuple[int, str]]:
    """Return line and name of the package's modules that the file imports.

    Names are relative to the package.
    """
    found = set()
    for line, name in imports_of(module):
        root, *parts = name.split(".")
        if root == "kalshi_trading":
            longest = ".".join(parts)
            found.add((line, longest if longest in EVERY_MODULE else ".".join(parts[:-1])))
    return found


def calls_in(module: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call))


def calls_of_builtin(name: str, among: list[str]) -> list[str]:
    return [
        f"{module} line {call.lineno}: {name}()"
        for module in among
        for call in calls_in(module)
        if isinstance(call.func, ast.Name) and call.func.id == name
    ]


def without(allowed: dict[str, str], among: list[str]) -> list[str]:
    return [module for module in among if module not in allowed]


# --- Who imports whom ----------------------------------------------------------------------------


def lint_imports(project: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of pyproject.toml in this folder."""
    pytest.importorskip("importlinter", reason="import-linter stands in requirements-dev.txt")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    options = ["--no-cache", "--no-logo"]
    return subprocess.run([*command, *options], cwd=project, capture_output=True, text=True, check=False)


def test_every_import_keeps_the_contracts():
    answer = lint_imports(PROJECT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


WRONG_IMPORTS = {
    "core.money": "kalshi_trading.config",
    "settings.option_parsing": "kalshi_trading.trade_logger",
    "config": "kalshi_trading.journal.records",
    "journal.records": "kalshi_trading.kalshi_client",
    "trade_logger": "kalshi_trading.exchange.paging",
    "exchange.endpoints": "kalshi_trading.markets.search",
    "kalshi_client": "kalshi_trading.portfolio.ledger",
    "markets.search": "kalshi_trading.portfolio_tracker",
    "portfolio.ledger": "kalshi_trading.exchange.wire.account",
    "portfolio_tracker": "kalshi_trading.orders.pretrade.risk",
    "orders.pretrade.risk": "kalshi_trading.orders.execution.cancel",
    "trade_executor": "kalshi_trading.history.rows",
    "orders.service": "kalshi_trading.compose",
    "history.rows": "kalshi_trading.verify.stored",
    "verify.stored": "kalshi_trading.services",
    "services": "kalshi_trading.ui.formats",
    "ui.views.orders": "kalshi_trading.ui.screens.orders",
    "practice.engine.book": "kalshi_trading.core.money",
    "ui.menu": "kalshi_trading.practice.records",
    "portfolio.snapshot": "rich",
}
"""One import per room that its contracts forbid."""


def test_a_wrong_import_in_any_room_breaks_a_contract(tmp_path: Path):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "kalshi_trading", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    for module, imported in WRONG_IMPORTS.items():
        path = tmp_path.joinpath("kalshi_trading", *module.split(".")).with_suffix(".py")
        path.write_text(f"{path.read_text()}\nimport {imported}\n")
    answer = lint_imports(tmp_path)
    # The report breaks long names over lines.
    report = re.sub(r"\s+", " ", answer.stdout)
    missed = [
        f"{module} imports {imported}"
        for module, imported in WRONG_IMPORTS.items()
        if not re.search(rf"kalshi_trading\.{module} ?-> ?{imported}\b", report)
    ]
    assert (answer.returncode, missed) == (1, [])


def test_the_contracts_that_list_rooms_list_every_room():
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {contract["name"]: contract for contract in contracts}
    shut_off = named["The practice exchange imports nothing of the program"]
    assert set(shut_off["forbidden_modules"]) == ROOMS - {"kalshi_trading.practice"}
    silent = named["Only the user interface draws and asks"]
    drawing = {"kalshi_trading.ui", "kalshi_trading.compose", "kalshi_trading.__main__"}
    assert set(silent["source_modules"]) == ROOMS - drawing


def test_only_the_doors_reach_up_and_only_to_the_composition():
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    doors = {f"kalshi_trading.{door} -> kalshi_trading.compose" for door in DOORS}
    assert {each for contract in contracts for each in contract.get("ignore_imports", [])} == doors
    at_the_top = [
        f"{door} line {statement.lineno}"
        for door in DOORS
        for statement in tree_of(door).body
        if isinstance(statement, ast.Import | ast.ImportFrom) and "compose" in ast.unparse(statement)
    ]
    assert at_the_top == []


def test_no_module_imports_relatively():
    wrong = [
        f"{module} line {node.lineno}: relative import"
        for module in EVERY_MODULE
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert wrong == []


def test_heavy_libraries_are_imported_where_they_are_used():
    wrong = []
    for module in OWN_MODULES:
        for statement in tree_of(module).body:
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            names += [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []
            heavy = {name.split(".")[0] for name in names} & HEAVY_LIBRARIES
            wrong += [f"{module} line {statement.lineno}: imports {name} at its top" for name in heavy]
    assert wrong == []


def test_importing_the_settings_stays_light():
    code = "import sys; import kalshi_trading.config; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & (HEAVY_LIBRARIES | {"dotenv", "rich"})


def test_only_the_transport_speaks_http():
    wrong = [
        f"{module} line {line}: imports {name}"
        for module in OWN_MODULES
        for line, name in imports_of(module)
        if module not in SPEAK_HTTP and name.split(".")[0] in {"requests", "urllib3", "http", "httpx"}
    ]
    assert wrong == []


# --- Unique places ------------------------------------------------------------------------------


def test_only_submission_and_cancel_call_the_clients_writes():
    wrong = [
        f"{module} line {call.lineno}: calls {ast.unparse(call.func)}"
        for module in without(CALLS_WRITES, OWN_MODULES)
        for call in calls_in(module)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in CLIENT_WRITES
        and ast.unparse(call.func.value).endswith("client")
    ]
    assert wrong == []


def test_no_number_becomes_a_float():
    assert calls_of_builtin("float", without(MAKES_FLOATS, EVERY_MODULE)) == []


def catches_everything(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        each is None or (isinstance(each, ast.Name) and each.id in ("Exception", "BaseException"))
        for each in types
    )


def hands_on(handler: ast.ExceptHandler) -> bool:
    """Return True if the handler ends by re-raising the same exception."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_but_the_error_boundary_swallows_every_exception():
    wrong = [
        f"{module} line {node.lineno}: catches everything"
        for module in without(CATCHES_EVERYTHING, EVERY_MODULE)
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node) and not hands_on(node)
    ]
    assert wrong == []


def test_nothing_prints_past_the_console():
    assert calls_of_builtin("print", OWN_MODULES) == []


def test_no_module_or_function_is_too_long():
    sizes = {module: len(path_of(module).read_text().splitlines()) for module in EVERY_MODULE}
    wrong = [f"{module}: {lines} lines" for module, lines in sizes.items() if lines > MODULE_LINES]
    wrong += [
        f"{module} line {node.lineno}: {node.name} is too long"
        for module in EVERY_MODULE
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert wrong == []


def test_no_folder_holds_more_files_than_one_looks_through():
    folders = Counter(path.parent for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    wrong = [f"{path.relative_to(PROJECT)}: {files} files" for path, files in folders.items()]
    assert [each for each, files in zip(wrong, folders.values(), strict=True) if files > FOLDER_FILES] == []


MAIN_LINES = {
    "The walk of an order": (12, 6),
    "The walk of a fill": (8, 6),
    "The walk of a journal line": (6, 6),
    "The walk of an order from a script": (5, 3),
}
"""For each walk in docs/architecture.md, the most files and rooms it may pass."""


@pytest.mark.parametrize("title", MAIN_LINES)
def test_a_main_line_is_short_and_each_file_is_imported_by_one_before_it(title: str):
    text = (PROJECT / "docs" / "architecture.md").read_text()
    walk = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    files = re.findall(r"^\d+\. `([\w/]+)\.py`", walk, re.MULTILINE)
    modules = [name.replace("/", ".") for name in files]
    assert [name for name in modules if name not in EVERY_MODULE] == []
    most_files, most_rooms = MAIN_LINES[title]
    rooms = {ROOM_BEHIND.get(name, name.split(".")[0]) for name in modules}
    assert 1 < len(modules) <= most_files
    assert len(rooms) <= most_rooms
    above: set[str] = set()
    for number, module in enumerate(modules):
        assert number == 0 or module in above, f"nothing before {module} imports it"
        above |= {name for _, name in imports_from_package(module)}


def test_every_place_that_the_architecture_names_is_there():
    text = (PROJECT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([\w./]+(?:\.py|/))`", text)) - PLACES_KEPT
    roots = (PACKAGE, PROJECT, PACKAGE / "orders" / "pretrade")
    assert sorted(name for name in named if not any((root / name).exists() for root in roots)) == []


DOORS = {
    "config": "get_config get_api_credentials get_api_base_url is_production ConfigurationError",
    "kalshi_client": "KalshiClient KalshiAPIError",
    "trade_executor": "TradeExecutor TradeExecutionError",
    "portfolio_tracker": "PortfolioTracker",
    "trade_logger": (
        "TradeLogger log_order_submission log_order_fill log_order_cancellation log_error "
        "get_trade_history export_trades_to_csv"
    ),
}
"""The five modules that people import, with all their public names."""


@pytest.mark.parametrize("door", DOORS)
def test_a_door_holds_its_public_names(door: str):
    module = importlib.import_module(f"kalshi_trading.{door}")
    assert sorted(module.__all__) == sorted(DOORS[door].split())
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_every_module_says_what_it_is_for():
    assert [module for module in EVERY_MODULE if not ast.get_docstring(tree_of(module))] == []


def test_annotations_are_not_evaluated():
    first = "from __future__ import annotations\n"
    modules_with_code = [name for name in EVERY_MODULE if not name.endswith("__init__")]
    assert [name for name in modules_with_code if first not in path_of(name).read_text()] == []


# --- The start -----------------------------------------------------------------------------------


def test_every_bench_and_document_script_loads():
    scripts = [*(PROJECT / "bench").glob("*.py"), *(PROJECT / "docs").glob("*.py")]
    code = "import runpy, sys\nfor path in sys.argv[1:]: runpy.run_path(path, run_name='loaded')"
    command = [sys.executable, "-c", code, *map(str, sorted(scripts))]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_main_can_be_read_by_a_python_that_is_too_old():
    source = (PROJECT / "main.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    # Python 2 and 3.5 would fail here before the message about the version
    assert not re.search(r"""\b[rb]?f["']""", source)
    assert "from __future__ import annotations" not in source
    assert not re.search(r"\bprint\b|->|:=", source)
    assert source.isascii()


def test_settings_of_pytest_stand_in_one_file():
    assert "pytest" not in (PROJECT / "pyproject.toml").read_text()
    assert not any((PROJECT / name).exists() for name in ("setup.cfg", "tox.ini"))
