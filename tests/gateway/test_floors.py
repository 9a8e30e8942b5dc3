"""Each capability of the issuer alone names its tables."""

import re
from pathlib import Path

import gateway.issuer
import pytest
from gateway.issuer.tables import COMMON, METADATA

ROOT = Path(gateway.issuer.__file__).parent
OWNERS = {
    path.parent.name: frozenset(re.findall(r'sa\.Table\(\s*"(\w+)"', path.read_text()))
    for path in ROOT.glob("*/models.py")
}


def test_every_table_has_one_owner() -> None:
    owned = [table for tables in OWNERS.values() for table in tables]
    assert len(owned) == len(set(owned))
    shared = {table.name for table in vars(COMMON).values()}
    assert set(owned) == set(METADATA.tables) - shared


@pytest.mark.parametrize("capability", sorted(OWNERS))
def test_no_other_capability_names_its_tables(capability: str) -> None:
    models = rf"issuer\.{capability}\.models"
    sql = "|".join(rf"(?:FROM|INTO|UPDATE|JOIN)\s+{table}\b" for table in OWNERS[capability])
    metadata = "|".join(rf"tables\[\W*{table}\W*\]" for table in OWNERS[capability])
    naming = re.compile(f"{models}|{sql}|{metadata}")
    others = (
        path
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in (capability, "migrations")
    )
    assert [str(path) for path in others if naming.search(path.read_text())] == []
