"""Each safety mechanism, removed, is missed by the test that names it."""

import ast
from pathlib import Path

import pytest

from tests.mutations.playing import ROOT, broken_source, play
from tests.mutations.table import IN_PROCESS, MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_row_fits_the_tree(mutation: Mutation) -> None:
    """What is broken is still Python, and the test that notices is there."""
    ast.parse(broken_source(mutation))
    assert_there(mutation.noticed_by)


def test_what_is_broken_in_process_is_there() -> None:
    for test in IN_PROCESS:
        assert_there(test)


def test_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_removed_mechanism_is_noticed(mutation: Mutation) -> None:
    played = play(mutation)
    assert played.noticed, played.told


def assert_there(test: str) -> None:
    file, _, named = test.partition("::")
    tree = ast.parse(Path(ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in ast.walk(tree) if isinstance(node, functions)}
    assert named.partition("[")[0] in names, test
