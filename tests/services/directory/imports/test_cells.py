"""Single values from files: formulas and text, and the guard that exports add."""

import csv
import io

import pytest
from common.tables_io.cells import (
    GuardedCsv,
    guarded,
    guarded_cell,
    is_formula,
    needs_guard,
    unguarded,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text",
    ["=1+1", "=HYPERLINK(A1)", "@SUM(A1)", "+cmd|' /C calc'!A0", "-SUM(A1)", "\t=1+1", " =x"],
)
def test_formulas_are_found(text: str) -> None:
    assert is_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "-71.6",
        "+58 (212) 000-0101; +58 414 000",
        "- Atención a niñas (0 a 5)",
        "+58 ext. 3",
        "=",
        "",
    ],
)
def test_text_and_numbers_are_no_formulas(text: str) -> None:
    assert not is_formula(text)


@given(st.text(max_size=40))
def test_the_guard_comes_off_again_and_leaves_nothing_to_run(text: str) -> None:
    assert unguarded(guarded(text)) == text or text.startswith("'")
    assert not needs_guard(guarded(text))
    if is_formula(text.lstrip(" \n")) and text.startswith(("=", "@", "+", "-", "\t", "\r")):
        assert guarded(text).startswith("'") or text.strip("+-0123456789 .,;:()") == ""


@pytest.mark.parametrize("text", ["＝1+1", "＠SUM(A1)", "\n=1", "  =1", "\t=1", "-1+cmd|' /C'!A0"])
def test_full_width_signs_and_leading_blanks_do_not_get_past_the_guard(text: str) -> None:
    assert guarded(text).startswith("'")
    assert unguarded(guarded(text)) == text
    assert guarded_cell(text) == guarded(text)


@pytest.mark.parametrize(
    "text",
    [
        "a;=1+1",
        "a;  =1+1",
        'a;"=1+1"',
        "a\n=1+1",
        "a\t@SUM(A1)",
        "a;+cmd|' /C calc'!A0;",
        "a;'=1+1",
    ],
)
def test_a_formula_that_another_separator_would_begin_a_cell_with_is_guarded(text: str) -> None:
    """The guard also covers a formula after a semicolon, because a spreadsheet in Spanish splits a CSV file at
    semicolons."""
    file = io.StringIO()
    GuardedCsv(file).row(["x", text, "y"])
    for separator in ",;\t":
        cells = [
            c for row in csv.reader(file.getvalue().splitlines(), delimiter=separator) for c in row
        ]
        assert not any(map(is_formula, cells)), cells
    assert unguarded(guarded(text)) == text


def test_lists_and_numbers_inside_a_text_stay_as_they_are() -> None:
    for text in ("- uno\n- dos", "58 212; +58 414 000", "a; b"):
        assert guarded(text).removeprefix("'") == text


def test_numbers_and_telephones_are_not_guarded() -> None:
    assert guarded("+58 212-555 0101") == "+58 212-555 0101"
    assert guarded_cell(-3) == -3
