"""Find missing Python packages and name the command that installs them.

A wrong import in our own code is a bug, never a missing package. Imports none of the packages.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from kalshi_trading.settings.places import is_checkout

PACKAGES = (
    "cryptography",
    "dotenv",
    "h11",
    "plotext",
    "portalocker",
    "prompt_toolkit",
    "questionary",
    "requests",
    "rich",
    "starlette",
    "urllib3",
    "uvicorn",
)
_OURS = Path(__file__).parent.parent


def missing() -> str | None:
    """Return a sentence naming every missing package. None: all installed."""
    absent = [name for name in PACKAGES if find_spec(name) is None]
    return _missing(absent) if absent else None


def advice(error: BaseException) -> str | None:
    """Return a sentence about a missing or broken package.

    None: the error has another cause.
    """
    if not isinstance(error, ImportError) or _is_bug(error):
        return None
    name, reason = error.name or "", " ".join(str(error).split())
    if name.partition(".")[0] in sys.stdlib_module_names:
        return f"This Python lacks its standard module {name}. Use a complete Python 3.11 or newer."
    if not isinstance(error, ModuleNotFoundError) or "." in name:
        return f"A Python package cannot be loaded ({reason}). Repair it: {_pip('--force-reinstall')}"
    return _missing([name]) if name else f"A Python package is missing ({reason}). Install it: {_pip()}"


def _missing(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"The Python package {names[0]} is missing. Install it: {_pip()}"
    return f"Python packages are missing: {', '.join(names)}. Install them: {_pip()}"


def _pip(*options: str) -> str:
    """Return the pip command that installs the requirements here.

    It names the interpreter that runs this program.
    """
    if is_checkout():
        wanted = ["-r", str(_OURS.resolve().parent / "requirements.txt")]
    else:
        from importlib import metadata  # takes 50 ms

        wanted = metadata.requires("kalshi-trading-terminal") or []
    interpreter = sys.executable or "python3"
    pip = [interpreter, "-m", "pip", "install"]
    if not is_checkout() and find_spec("pip") is None:  # installed by uv
        pip, options = ["uv", "pip", "install", "--python", interpreter], ()
    return shlex.join([*pip, *options, *wanted])


def _is_bug(error: ImportError) -> bool:
    """Return True if our own code imports something that does not exist."""
    name = error.name or ""
    if name.partition(".")[0] == _OURS.name:
        return True
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    is_in_a_package = frames is not None and _OURS not in Path(frames.tb_frame.f_code.co_filename).parents
    is_known = name in PACKAGES or name in sys.stdlib_module_names
    return not is_in_a_package and not (is_known and isinstance(error, ModuleNotFoundError))
