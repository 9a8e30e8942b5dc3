"""The table of checks names only existing tests."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
NOT_BUILT = {29}


def test_the_table_of_checks_is_whole_and_names_tests_that_there_are() -> None:
    rows = [
        line.split("|")
        for line in (HERE / "README.md").read_text(encoding="utf-8").splitlines()
        if re.match(r"\| \d", line)
    ]
    assert {int(row[1].split()[0]) for row in rows} == set(range(1, 31)) - NOT_BUILT
    named = {one for row in rows for one in re.findall(r"`([^`]+)`", row[2])}
    there = {
        f"{path.relative_to(HERE)}::{node.name}"
        for path in HERE.rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert sorted(named - there) == []
    numbered = {one for one in there if re.search(r"::test_\d", one)}
    assert {one.split("::")[0] for one in numbered} <= {one.split("::")[0] for one in named}
