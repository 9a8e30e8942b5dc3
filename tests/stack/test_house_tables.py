"""The table contract detects every way to name another capability's table."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.house_tables import Naming, foreign_tables, only_reads

OWNER = """
class Case(Row, table=True):
    __tablename__ = "cases"

notes = sa.Table("notes", METADATA, sa.Column("id"))
"""
Write = Callable[[str], str]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return a function that writes `house.reader.queries` next to `house.owner.models`, which defines two tables."""
    name = f"house_{tmp_path.name}".replace("-", "_")
    for folder, file, text in (("", "__init__", ""), ("owner", "models", OWNER)):
        place = tmp_path / name / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "__init__.py").touch()
        (place / f"{file}.py").write_text(text)

    def write(text: str) -> str:
        place = tmp_path / name / "reader"
        place.mkdir()
        (place / "queries.py").write_text(text.replace("house.", f"{name}."))
        return name

    monkeypatch.syspath_prepend(tmp_path)
    yield write
    sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("from house.owner.models import Case", "cases"),
        ("from house.owner.models import notes as theirs", "notes"),
        ("from house.owner import models\nmodels.Case.id", "cases"),
        ('Row.metadata.tables["notes"]', "notes"),
        ('SQL = "SELECT id FROM cases WHERE id = $1"', "cases"),
        ('SQL = f"UPDATE cases SET a = 1 WHERE {condition}"', "cases"),
        ('SQL = "DELETE FROM public.notes"', "notes"),
        ("from house.owner.models import Case\ndef f(a: Case) -> None:\n    get(Case)", "cases"),
        ("from house.owner.models import Case\ndef f(a: Case) -> None:\n    a.status = 1", "cases"),
    ],
)
def test_a_foreign_table_is_noticed(package: Write, text: str, table: str) -> None:
    (found,) = foreign_tables(package(text))
    assert found.table == table
    assert found.by.endswith(".reader")
    assert found.owner.endswith(".owner")


@pytest.mark.parametrize(
    "text",
    [
        '"""Reads nothing FROM cases."""',
        'PATH = "/cases"',
        "from house.owner.service import Case",
        "from house.owner.models import Case\ndef f(a: list[Case]) -> Case:\n    return a[0]",
        "from house.owner.models import Case\nclass Kept:\n    case: Case | None",
        'SQL = "SELECT * FROM own_table"',
    ],
)
def test_other_words_are_no_tables(package: Write, text: str) -> None:
    assert foreign_tables(package(text)) == []


def test_the_owner_names_its_own(package: Write) -> None:
    name = package("")
    assert foreign_tables(name) == []


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ('SQL = "SELECT id FROM notes"', True),
        ("from house.owner.models import notes\nsa.select(notes.c.id)", True),
        ('SQL = "DELETE FROM notes"', False),
        ('SQL = "WITH a AS (INSERT INTO notes VALUES (1)) SELECT id FROM notes"', False),
        ("from house.owner.models import notes\nsa.update(notes)", False),
        ("from house.owner.models import notes\nnotes.insert()", False),
    ],
)
def test_a_read_model_is_only_read(package: Write, text: str, reads: bool) -> None:
    (found,) = foreign_tables(package(text))
    assert only_reads(found) is reads


def test_a_read_model_is_read_by_queries_only() -> None:
    naming = Naming("house.reader", "house.owner", "house.reader.service", "notes")
    assert not only_reads(naming)
    assert only_reads(replace(naming, module="house.reader.more_queries"))
