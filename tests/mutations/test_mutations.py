"""Each safety mechanism, removed, is missed by the test that names it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.mutations.playing import DATABASES, Player, broken_source
from tests.mutations.prepared import ROOT, come_along, libraries
from tests.mutations.table import IN_PROCESS, MUTATIONS, Mutation


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with Player() as player:
        yield player


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_row_fits_the_tree(mutation: Mutation) -> None:
    """What is broken is still Python if it was, and the test that notices is there."""
    broken = broken_source(mutation)
    if mutation.file.endswith(".py"):
        ast.parse(broken)
    assert_there(mutation.noticed_by)


def test_what_is_broken_in_process_is_there() -> None:
    for test in IN_PROCESS:
        assert_there(test)


def test_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutation",
    [
        pytest.param(
            each,
            id=each.name,
            marks=pytest.mark.about(each.file, each.noticed_by.partition("::")[0]),
        )
        for each in MUTATIONS
    ],
)
def test_a_removed_mechanism_is_noticed(mutation: Mutation, player: Player) -> None:
    played = player.play(mutation)
    assert played.noticed, played.told


@pytest.mark.slow
def test_a_row_leaves_nothing_behind_and_what_is_not_broken_is_not_noticed(player: Player) -> None:
    broken = next(each for each in MUTATIONS if each.noticed_by.startswith("tests/stack"))
    whole = replace(broken, broken=broken.text)
    assert [player.play(each).noticed for each in (broken, whole, broken)] == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("service", ["services_directory", "referrals", "reporting"])
def test_what_is_not_broken_is_not_noticed_beside_everything_of_ours(
    player: Player, service: str
) -> None:
    row = next(each for each in MUTATIONS if f"/src/{service}/" in each.file)
    assert not player.play(replace(row, broken=row.text)).noticed


def test_nothing_of_ours_is_imported_before_a_row_is_played() -> None:
    """By name; what a library brings along ends the process (`come_along`, which finds itself here)."""
    ours = {"common", "stack", "gateway", "referrals", "reporting", "console", "tests"}
    tops = {name.partition(".")[0] for name in libraries()}
    assert {"fastapi", "hypothesis", "sqlalchemy"} <= tops
    assert not tops & {*ours, "services_directory"}
    assert "tests.mutations.prepared" in come_along()


def test_no_revision_imports_what_a_row_of_its_service_breaks() -> None:
    """Or a database that was migrated before (`Player`) would not be what the broken service gets."""
    revisions = [
        file
        for part in ("gateway", "services")
        for file in (ROOT / part).rglob("*.py")
        if file.parts[-3:-1] == ("migrations", "versions")
    ]
    assert len({file.parent for file in revisions}) == 4
    with_own = "|".join(package for package, database in DATABASES.items() if database)
    ours = re.compile(rf"^ *(?:from|import) (?:{with_own})\b", re.MULTILINE)
    assert not [file for file in revisions if ours.search(file.read_text(encoding="utf-8"))]


def assert_there(test: str) -> None:
    file, _, named = test.partition("::")
    assert named.partition("[")[0] in names_in(ROOT / file), test


@cache
def names_in(file: Path) -> frozenset[str]:
    """Of the functions; a hundred rows ask seventy files, and reading each as Python takes a while."""
    return frozenset(
        re.findall(r"^ *(?:async )?def (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    )
