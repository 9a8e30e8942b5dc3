"""Programmes that share people must declare how they share them; otherwise loading fails."""

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest
from reporting.ground.programmes.catalogue import load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the shipped definitions, which a test may change."""
    with as_file(files("reporting").joinpath("data", "programmes")) as shipped:
        for each in shipped.iterdir():
            (tmp_path / each.name).write_bytes(each.read_bytes())
    return tmp_path


def changed(folder: Path, name: str, **values: Any) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values))


def test_two_populations_of_the_same_people_do_not_load(folder: Path) -> None:
    path = folder / "populations.json"
    populations = json.loads(path.read_text(encoding="utf-8"))
    again = next(each for each in populations if each["id"] == "referred-persons")
    path.write_text(json.dumps([*populations, {**again, "id": "referred-by-month"}]))
    with pytest.raises(ValueError, match="referred-by-month and referred-persons"):
        load(folder)


def test_a_programme_whose_links_to_another_are_not_declared_does_not_load(folder: Path) -> None:
    assert load(folder)
    changed(folder, "unmet-needs", links=[])
    with pytest.raises(ValueError, match="referrals and unmet-needs count the same people"):
        load(folder)


@pytest.mark.parametrize(
    "link",
    [
        {"with": "gaps", "relation": "equal"},
        {"with": "nothing", "relation": "equal"},
        {"with": "referrals", "there": {"progress": ["lost"]}, "relation": "equal"},
        {"with": "referrals", "here": {"colour": ["red"]}, "relation": "equal"},
        {"with": "referrals", "relation": "overlaps"},
    ],
)
def test_a_link_that_names_what_does_not_exist_does_not_load(
    folder: Path, link: dict[str, Any]
) -> None:
    changed(folder, "unmet-needs", links=[link])
    with pytest.raises(ValueError, match=r"share|no progress|no colour|no relation|has no"):
        load(folder)
