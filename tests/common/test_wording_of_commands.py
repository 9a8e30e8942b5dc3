"""Each text that a service's own commands print exists in Spanish and English with the same placeholders."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from common.chained import BrokenList
from common.db.key_checks import KeysAway, WrongKeys
from common.words.catalogues import catalogue
from common.words.command_texts import Worded, Wording
from referrals.ground.audit.anchors import PROBLEMS, BrokenAnchor
from referrals.ground.keys.ring import CannotOpenKey, KeyRingError
from reporting.errors import HistoryIncompleteError, ReplayRunningError

PACKAGES = ("common", "gateway", "referrals", "reporting", "directory")
ERRORS = (
    *(BrokenAnchor, BrokenList, CannotOpenKey, HistoryIncompleteError, KeysAway),
    *(ReplayRunningError, Worded, WrongKeys),
)
GIVEN = {"said": (0,)} | {each.__name__: (0,) for each in ERRORS}
"""Who is given a text of a catalogue, and as which argument; and in one package."""
GIVEN_IN = {"referrals": {"_wrong": (0,), "_Kind": (1, 2)}}
SHOWS = ("say", "fail", "_refuse", "_warn", "write")
SPEAKING = ("from common.words.command_texts import", ".spoken import")


@cache
def modules(package: str) -> tuple[tuple[bool, list[ast.AST]], ...]:
    """Return each module's nodes, and whether the module prints to a person at a terminal."""
    sources = (path.read_text(encoding="utf-8") for path in Path(str(files(package))).rglob("*.py"))
    return tuple(
        (any(sign in source for sign in SPEAKING), [*ast.walk(ast.parse(source))])
        for source in sources
    )


def constants(package: str) -> set[str]:
    return {
        each.value
        for _, nodes in modules(package)
        for each in nodes
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def calls(package: str, names: tuple[str, ...], *, speaking: bool = False) -> Iterator[ast.Call]:
    """Yield the calls of these functions; with `speaking`, only those in modules that print to a person at a
    terminal."""
    for speaks, nodes in modules(package):
        for each in nodes if speaks or not speaking else ():
            if isinstance(each, ast.Call) and ast.unparse(each.func).rpartition(".")[2] in names:
                yield each


def literal(shown: ast.expr) -> set[str]:
    """Return the literal texts of an expression. For a variable, return the texts assigned to it."""
    if isinstance(shown, ast.IfExp):
        return literal(shown.body) | literal(shown.orelse)
    return (
        {shown.value} if isinstance(shown, ast.Constant) and isinstance(shown.value, str) else set()
    )


def is_raw(shown: ast.expr) -> bool:
    """Return whether the expression contains words that no catalogue can translate."""
    if isinstance(shown, ast.BinOp):
        return is_raw(shown.left) or is_raw(shown.right)
    parts = shown.values if isinstance(shown, ast.JoinedStr) else [shown]
    words = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
    return sum(map(str.isalpha, words.replace("ruta: ", ""))) > 1


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_command_says_has_its_spanish(package: str) -> None:
    given = GIVEN | GIVEN_IN.get(package, {})
    said = {
        text
        for call in calls(package, tuple(given))
        for at in given[ast.unparse(call.func).rpartition(".")[2]]
        if len(call.args) > at
        for text in literal(call.args[at])
    }
    assert said or package == "common"
    known = catalogue(package, "es").keys() | catalogue("common", "es").keys()
    assert said - known == set(), (
        f"write them in {package}/languages/es/commands.po, as a person would"
    )


def test_each_finding_of_the_audit_has_its_spanish() -> None:
    assert set(PROBLEMS.values()) <= catalogue("referrals", "es").keys()


@pytest.mark.parametrize("package", PACKAGES)
def test_no_spanish_is_left_over_and_places_are_the_same(package: str) -> None:
    assert catalogue(package, "es").keys() - constants(package) == set()
    for text, spanish in catalogue(package, "es").items():
        assert spanish
        assert places(text) == places(spanish), text


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_shown_past_the_catalogues(package: str) -> None:
    raw = [
        ast.unparse(call)[:120]
        for call in calls(package, SHOWS, speaking=True)
        if call.args and is_raw(call.args[0])
    ]
    assert raw == [], 'write say(said("{count} events", count=…)) and its Spanish'


def test_an_error_is_english_for_programs_and_in_the_language_of_whoever_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = KeyRingError(Path("/keys.json"), Worded("case keys are wrapped by {keys}", keys="k2"))
    told = Wording("referrals").told
    monkeypatch.setenv("RUTA_LANGUAGE", "es")
    assert str(wrong).startswith("/keys.json: case keys are wrapped by k2. Nothing was changed.")
    assert told(wrong).startswith(
        "/keys.json: hay llaves de casos envueltas por k2. No se cambió nada."
    )
    assert told(KeysAway("not of a catalogue")) == "not of a catalogue"
    assert told(ValueError("another's")) == "another's"
    monkeypatch.setenv("RUTA_LANGUAGE", "en")
    assert told(wrong) == str(wrong)
