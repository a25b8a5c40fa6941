"""Default paths of the settings file and the records.

In a checkout they are beside main.py. An installed program uses the user's folders. Creates and reads
nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parent.parent.parent
"""The folder that holds this package: a checkout, or site-packages."""
_NAME = "kalshi-trading"


def is_checkout(project: Path = PROJECT_FOLDER) -> bool:
    """Return True if the program runs from its source folder."""
    is_installed = any(project.glob("kalshi_trading_terminal-*.dist-info"))
    return not is_installed and (project / "main.py").is_file()


def env_file(environ: Mapping[str, str], project: Path = PROJECT_FOLDER) -> Path | None:
    """Return the path of the settings file.

    None: the home folder is unknown.
    """
    if is_checkout(project):
        return project / ".env"
    folder = _user_folder(environ, "XDG_CONFIG_HOME", ".config")
    return None if folder is None else folder / ".env"


def data_dir(environ: Mapping[str, str]) -> Path | None:
    """Return the default data folder.

    None: the home folder is unknown.
    """
    return _user_folder(environ, "XDG_DATA_HOME", ".local/share")


def log_dir(data_dir: Path, project: Path = PROJECT_FOLDER) -> Path:
    """Return the default journal folder."""
    return (project if is_checkout(project) else data_dir) / "logs"


def _user_folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path | None:
    named = Path(environ.get(variable, ""))
    if named.is_absolute():
        return named / _NAME
    if not os.path.isabs(os.environ.get("HOME", "/")):
        return None
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / below_home / _NAME if home.is_absolute() else None
