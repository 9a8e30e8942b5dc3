"""The threat model names only tests that exist, and says in Spanish what concerns people."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
SOURCES = {
    path.name: path for folder in ("tests", "drills") for path in (ROOT / folder).rglob("test_*.py")
}


def test_every_named_test_file_exists() -> None:
    named = set(re.findall(r"`((?:tests|drills)/[\w/]+\.py)`", MODEL))
    assert len(named) > 15
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    short = set(re.findall(r"`(test_\w+\.py)", MODEL))
    assert short - SOURCES.keys() == set()


def test_every_named_test_exists() -> None:
    defined = {
        name
        for path in SOURCES.values()
        for name in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    named = set(re.findall(r"`(?:test_\w+\.py::)?(test_\w+)`", MODEL))
    assert len(named) > 10
    assert named - defined == set()


def test_each_row_of_the_table_is_held_by_a_test() -> None:
    table = MODEL.split("## Attack table")[1].split("\nOnce, ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 24
    assert [row for row in rows if ".py`" not in row and "the same" not in row] == []


def test_what_concerns_people_is_said_in_spanish_as_well() -> None:
    """Each protection that the referrals service's tests hold, by the same tests."""
    spanish = (ROOT / "docs" / "threat-model.es.md").read_text()
    held = re.compile(r"`((?:tests|drills)/[\w/]+\.py)`")
    of_people = {
        path for path in held.findall(MODEL) if path.startswith("tests/services/referrals")
    }
    assert len(of_people) > 12
    assert of_people - set(held.findall(spanish)) == set()
    assert set(held.findall(spanish)) - set(held.findall(MODEL)) == set()
    assert "(threat-model.es.md)" in MODEL
    assert "(threat-model.md)" in spanish
