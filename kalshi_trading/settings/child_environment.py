"""Build the environment of child processes.

Only variables of an allow-list are passed on, so no secret is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_INHERITED = frozenset(
    (
        *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE"),
        *("XDG_DATA_HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"),  # practice data folder, git
        *("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "SHIFTED_CLOCK_S"),  # loader, clock of tests
        *("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONPLATLIBDIR", "PYTHONNOUSERSITE"),
        *("PYTHONUSERBASE", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8"),
        *("PYTHONIOENCODING", "PYTHONCOERCECLOCALE", "PYTHONHASHSEED", "PYTHONWARNINGS", "PYTHONDEVMODE"),
        *("COVERAGE_FILE", "COVERAGE_RCFILE", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"),
    )
)
_INHERITED_FAMILY = "LC_"


def child_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that a child needs to run as this program does.

    These are interpreter, home, locale and time zone.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _INHERITED or name.startswith(_INHERITED_FAMILY)
    }
