"""Check that the list of planted faults fits the code; its runner proves that the tests catch them."""

from __future__ import annotations

from collections.abc import Iterator

from mutations import AREAS, MUTATIONS, PROJECT


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


def test_every_fault_still_fits_its_file():
    assert not list(complaints())


def test_faults_of_all_areas_are_there():
    assert set(AREAS) == {"money", "orders", "journal", "wire"}
    assert all(AREAS.values())
    assert len(MUTATIONS) >= 20
