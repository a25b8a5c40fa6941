"""The house rules that a reader cannot check by eye: who imports whom, and what stands only once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "kalshi_trading"

# From the ground up. A module imports only from floors below its own, never from its neighbours, so
# where one neighbour serves another there is a floor between them.
FLOORS = (
    "errors file_locks streams side_by_side exchange_clock",
    "money periods export",
    "models credentials env_file secret_files options",
    "market_models settings auth absence",
    "config fees fee_schedules pnl order_book rate_budget wire_fields exposure",
    "exchange_errors wire wire_markets proposal market_account liquidation others_market",
    "worst_case order_result",
    "risk pnl_breakdown explanation",
    "log_files",
    "log_reader",
    "transport lists order_preview order_size journal sessions error_log portfolio",
    "paging journal_table order_fields",
    "market_client account_check account_book account_explanation",
    "kalshi_client market_stream trade_logger practice_process",
    "order_life account_history held_markets log_review tax_lots",
    "resolution journal_orders own_words",
    "history_rows sent_orders",
    "market_search portfolio_tracker trade_history submission cancellation background_search",
    "trading_day orders_so_far resting_watch reconciliation export_tables",
    "preview_reader day_summary order_story",
    "trade_executor",
    "formats",
    "views record_view history_view prompts undertaking",
    "ticket_view portfolio_view position_table pnl_chart account_view app",
    "position_view pnl_view export_screens",
    "screens order_screens record_screens history_screens explain_screens account_screens commands",
    "portfolio_screens leaving",
    "menu",
    "program",
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}

HEAVY_LIBRARIES = {"requests", "questionary", "cryptography", "starlette", "uvicorn", "plotext", "websockets"}
CLIENT_WRITES = {"place_order", "cancel_order", "amend_order", "decrease_order", "cancel_all_orders"}

# What may stand in these modules only, each with its reason.
CALLS_WRITES = {
    "submission": "sends what was previewed and confirmed, once",
    "cancellation": "takes orders back, which only lowers risk",
}
MAKES_FLOATS = {
    "options": "durations",
    "practice.answers": "strikes and multipliers, which are numbers in the exchange's JSON",
    "practice.catalogue_terms": "chances of invented events",
    "practice.values": "chances of invented events",
}
CATCHES_EVERYTHING = {
    "side_by_side": "hands whatever went wrong to the thread that asks for the answer",
    "menu": "the error boundary: whatever a screen does, the menu comes back",
    "program": "the error boundary around the start",
    "background_search": "goes on whatever happens to one look, and puts it on record",
    "resolution": "looks for the other orders before it raises what went wrong with one",
    "undertaking": "hands what went wrong in a worker thread to whoever waits for it",
    "transport": "hands what went wrong in a worker thread to the caller's thread",
}
PRINTS = {
    "program": "the last word when nothing else works",
    "commands": "output of one-shot commands",
    "prompts": "plain lines where there is no terminal",
}

MODULE_LINES = 400
FUNCTION_LINES = 60


def modules() -> list[str]:
    paths = sorted(PACKAGE.rglob("*.py"))
    return [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in paths]


def in_practice(module: str) -> bool:
    return module.split(".")[0] == "practice"


EVERY_MODULE = modules()
OWN_MODULES = [name for name in EVERY_MODULE if not in_practice(name) and name != "__init__"]
PRACTICE_MODULES = [name for name in EVERY_MODULE if in_practice(name)]


def path_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text())


def imported_by(module: str) -> Iterator[str]:
    """Every module imported anywhere in the file, as a full dotted name."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively in line {node.lineno}"
            # `from package import name` may name a module of the package
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_from_package(module: str) -> set[str]:
    """The modules of the package that the file imports, relative to the package."""
    own = (name.split(".")[1:] for name in imported_by(module) if name.split(".")[0] == "kalshi_trading")
    known = set(EVERY_MODULE)
    found = set()
    for parts in own:
        longest = ".".join(parts)
        found.add(longest if longest in known else ".".join(parts[:-1]))
    return found


def calls_in(module: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call))


def calls_of_builtin(module: str, name: str) -> list[int]:
    return [
        call.lineno for call in calls_in(module) if isinstance(call.func, ast.Name) and call.func.id == name
    ]


# --- Who imports whom ----------------------------------------------------------------------------


@pytest.mark.parametrize("module", OWN_MODULES)
def test_every_module_has_a_floor_and_imports_only_downwards(module):
    assert module in FLOOR_OF, f"give {module} a floor in FLOORS"
    for imported in imported_from_package(module) - {""}:
        assert not in_practice(imported), f"{module} imports {imported}: the exchange is reached by URL only"
        assert FLOOR_OF.get(imported, 99) < FLOOR_OF[module], (
            f"{module} imports {imported}, which is not below"
        )


@pytest.mark.parametrize("module", PRACTICE_MODULES)
def test_the_practice_exchange_shares_no_code_with_the_program(module):
    foreign = {name for name in imported_from_package(module) if not in_practice(name)}
    assert not foreign, f"{module} imports {foreign}: a shared mistake would cancel out"


@pytest.mark.parametrize("module", OWN_MODULES)
def test_heavy_libraries_are_imported_where_they_are_used(module):
    for statement in tree_of(module).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            names += [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []
            heavy = {name.split(".")[0] for name in names} & HEAVY_LIBRARIES
            assert not heavy, f"{module} imports {heavy} at its top, line {statement.lineno}"


def test_importing_the_settings_stays_light():
    code = "import sys; import kalshi_trading.config; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in answer.stdout.split()}
    assert not loaded & (HEAVY_LIBRARIES | {"dotenv", "rich"})


@pytest.mark.parametrize("module", OWN_MODULES)
def test_only_the_transport_speaks_http(module):
    roots = {name.split(".")[0] for name in imported_by(module)}
    if module != "transport":
        assert not roots & {"requests", "urllib3", "http", "httpx"}


# --- What stands in one place --------------------------------------------------------------------


@pytest.mark.parametrize("module", OWN_MODULES)
def test_only_the_trade_executor_and_its_submission_call_the_clients_writes(module):
    if module in CALLS_WRITES:
        return
    for call in calls_in(module):
        if isinstance(call.func, ast.Attribute) and call.func.attr in CLIENT_WRITES:
            receiver = ast.unparse(call.func.value)
            assert not receiver.endswith("client"), (
                f"{module} line {call.lineno} calls {receiver}.{call.func.attr}"
            )


@pytest.mark.parametrize("module", EVERY_MODULE)
def test_no_number_becomes_a_float(module):
    lines = calls_of_builtin(module, "float")
    assert not lines or module in MAKES_FLOATS, f"{module} calls float() in lines {lines}"


def catches_everything(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        each is None or (isinstance(each, ast.Name) and each.id in ("Exception", "BaseException"))
        for each in types
    )


def hands_on(handler: ast.ExceptHandler) -> bool:
    """The handler tidies up and lets the very same exception go on."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("module", EVERY_MODULE)
def test_nothing_but_the_error_boundary_swallows_every_exception(module):
    handlers = (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ExceptHandler))
    lines = [each.lineno for each in handlers if catches_everything(each) and not hands_on(each)]
    assert not lines or module in CATCHES_EVERYTHING, f"{module} catches everything in lines {lines}"


@pytest.mark.parametrize("module", OWN_MODULES)
def test_only_the_edge_of_the_program_prints(module):
    lines = calls_of_builtin(module, "print")
    assert not lines or module in PRINTS, f"{module} prints in lines {lines}"


@pytest.mark.parametrize("module", EVERY_MODULE)
def test_no_module_keeps_a_number_of_lines_nobody_reads_at_once(module):
    assert len(path_of(module).read_text().splitlines()) <= MODULE_LINES
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < FUNCTION_LINES, f"{module}.{node.name} is too long"


@pytest.mark.parametrize("module", EVERY_MODULE)
def test_every_module_says_what_it_is_for(module):
    assert ast.get_docstring(tree_of(module)), f"{module} has no docstring"


@pytest.mark.parametrize("module", [name for name in EVERY_MODULE if not name.endswith("__init__")])
def test_annotations_are_not_evaluated(module):
    assert "from __future__ import annotations\n" in path_of(module).read_text()


# --- The start -----------------------------------------------------------------------------------


def test_main_can_be_read_by_a_python_that_is_too_old():
    source = (PROJECT / "main.py").read_text()
    ast.parse(source, feature_version=(3, 6))
    # Python 2 and 3.5 would stop at these before reaching the sentence about the version
    assert not re.search(r"""\b[rb]?f["']""", source)
    assert "from __future__ import annotations" not in source
    assert not re.search(r"\bprint\b|->|:=", source)
    assert source.isascii()


def test_settings_of_pytest_stand_in_one_file():
    assert "pytest" not in (PROJECT / "pyproject.toml").read_text()
    assert not any((PROJECT / name).exists() for name in ("setup.cfg", "tox.ini"))
