"""Breaking a mechanism of the threat model makes the test of its row fail."""

from dataclasses import replace

import pytest

from drills.mutations.change import ROOT, Replaces, broken
from drills.mutations.player import play
from drills.mutations.row import Row
from drills.mutations.rows import ROWS


def _about(row: Row) -> pytest.MarkDecorator:
    """Return the mark with which `./ruta test` runs a row whose mechanism or test changed since the last complete
    drill."""
    file, _ = broken(row.symbol, row.change)
    return pytest.mark.about(str(file.relative_to(ROOT)), row.noticed_by.partition("::")[0])


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name, marks=_about(row)) for row in ROWS])
def test_a_broken_mechanism_is_noticed(row: Row) -> None:
    played = play(row)
    assert played.noticed, played.told


def test_what_is_not_broken_is_not_noticed() -> None:
    row = next(each for each in ROWS if isinstance(each.change, Replaces))
    assert not play(replace(row, change=Replaces(row.change.old, row.change.old))).noticed  # type: ignore[union-attr]  # as just asked
