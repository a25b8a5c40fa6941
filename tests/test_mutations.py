"""The planted faults still fit the code.

The runner of the faults proves that tests catch them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mutations import MUTATIONS, PROJECT


def complaints() -> Iterator[str]:
    for mutation in MUTATIONS:
        try:
            source = (PROJECT / "kalshi_trading" / mutation.file).read_text()
            planted = mutation.plant(source)
            compile(planted, mutation.file, "exec")
        except (OSError, ValueError, SyntaxError) as error:
            yield f"{mutation.name}: {error}"
        else:
            if planted == source:
                yield f"{mutation.name}: changes nothing"
    names = [mutation.name for mutation in MUTATIONS]
    yield from (f"{name}: a second fault of this name" for name in set(names) if names.count(name) > 1)


def test_every_fault_still_fits_its_file() -> None:
    assert list(complaints()) == []
