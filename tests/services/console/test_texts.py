"""Page texts exist in both languages. None is missing or unused, and none is written into a template."""

import ast
import re
from string import Formatter

import pytest
from common.words.languages import LANGUAGES
from console.screens.renderer import _environment
from console.texts import UnknownText, wording
from jinja2 import Environment, nodes

from tests.support.reference import ROOT

SOURCE = ROOT / "services/console/src/console"
TEMPLATES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("templates/**/*.html"))
# Prefixes of keys that end in a code.
_OPEN = re.compile(r"^[a-z_0-9]+(\.[a-z_0-9]+)*\.$")


def texts(language: str) -> dict[str, tuple[str, ...]]:
    say = wording(language)
    return {
        key: (found,) if isinstance(found := say._texts[key], str) else tuple(found)
        for key in say.keys
    }


def test_every_text_is_there_in_every_language() -> None:
    assert {language: wording(language).keys for language in LANGUAGES} == {
        language: wording("es").keys for language in LANGUAGES
    }
    for language in LANGUAGES:
        assert [key for key, found in texts(language).items() if not all(found)] == []


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_a_text_has_the_same_places_in_every_language() -> None:
    spanish, english = texts("es"), texts("en")
    different = {
        key
        for key in spanish
        if {p for text in spanish[key] for p in places(text)}
        != {p for text in english[key] for p in places(text)}
        or len(spanish[key]) != len(english[key])
    }
    assert different == set()


def test_a_text_is_no_html() -> None:
    for language in LANGUAGES:
        assert [
            key for key, found in texts(language).items() if re.search(r"[<>]", "".join(found))
        ] == []


def test_an_unknown_text_is_an_error_and_no_empty_place() -> None:
    with pytest.raises(UnknownText):
        wording("es")("no.such.key")


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_no_template_holds_words_of_its_own(path: object) -> None:
    source = (SOURCE / str(path)).read_text(encoding="utf-8")
    tree = Environment(autoescape=True).parse(source)
    data = "".join(
        part.data for output in tree.find_all(nodes.Output) for part in output.nodes
        if isinstance(part, nodes.TemplateData)
    )  # fmt: skip
    shown = re.sub(r"<[^>]*>?|[^<>]*>", " ", data)
    assert re.findall(r"[A-Za-zÁÉÍÓÚÑáéíóúñ]{3,}", shown) == []
    # Attributes that browsers show or read aloud.
    assert re.findall(r'\b(?:title|alt|aria-label|placeholder)="[^"{]*[A-Za-z]', source) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=str)
def test_a_template_runs_nothing_and_styles_nothing_inline(path: object) -> None:
    source = (SOURCE / str(path)).read_text(encoding="utf-8")
    assert re.findall(r"\sstyle=|\son[a-z]+=|<style|<script(?! src)|\|\s*safe", source) == []


def used() -> set[str]:
    """Return the texts that code or templates name, and the prefixes that a code completes."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for path in TEMPLATES:
        found |= set(re.findall(r"""["']([a-z_0-9.]+)["']""", (SOURCE / path).read_text("utf-8")))
    return found


def test_no_text_is_left_over() -> None:
    named = used()
    begun = tuple(name for name in named if _OPEN.match(name))
    assert (
        sorted(key for key in wording("es").keys if key not in named and not key.startswith(begun))
        == []
    )


def reasons() -> set[str]:
    """Return the possible codes of a quarantined submission: `Reason(code, …)`, `Flaw(…, code, …)` and the related
    notes."""
    referrals = ROOT / "services/referrals/src/referrals"
    found: set[str] = set()
    for path in [
        *(referrals / "listening/intake").glob("*.py"),
        referrals / "screening/screenings/answers.py",
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else None
                name = node.func.id if isinstance(node.func, ast.Name) else name
                place = {"Reason": 0, "Flaw": 1, "append": 0}.get(name or "")
                if place is not None and len(node.args) > place:
                    said = node.args[place]
                    if isinstance(said, ast.Constant) and isinstance(said.value, str):
                        found.add(said.value)
                found |= {
                    word.value.value
                    for word in node.keywords
                    if word.arg == "not_kept"
                    and isinstance(word.value, ast.Constant)
                    and isinstance(word.value.value, str)
                }
            # `_wrong…` functions return (code, detail).
            if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                code = node.elts[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    found |= {code.value} if "answers" in path.name else set()
    return found


def test_whoever_works_off_the_quarantine_reads_what_to_change() -> None:
    codes = reasons()
    assert {
        "unmapped_field",
        "unknown_code",
        "case_erased",
        "case_handed_over",
        "draft_not_possible",
        "bad_date",
    } <= codes
    assert sorted(codes - {key.removeprefix("intake.reason.") for key in wording("es").keys}) == []


def test_our_templates_must_be_given_all_that_they_show() -> None:
    with pytest.raises(Exception, match="undefined"):
        _environment().get_template("templates/problem.html").render()


# Text → why it needs no singular: its number is never one, or its placeholder is a name.
_NOT_COUNTED = {
    "referral.read_again": "it was read at least twice",
    "successions.ended": "an organisation",
    "successions.merged": "an organisation",
    "successions.split": "an organisation",
    "pathway.publisher": "an area of responsibility",
    "pathway.publisher_other": "an area of responsibility",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_before_a_noun_has_a_singular(language: str) -> None:
    """A number before a noun has a singular; otherwise a page says "1 filas". Texts with two numbers put each after its
    noun: "Filas: 3 (nuevas: 1)"."""
    counted = re.compile(r"\{\w+\} (?:más |more |other |otras? |new |de |unas )?[a-záéíóúñ]{3,}s\b")
    only_plural = {
        key
        for key, found in texts(language).items()
        if len(found) == 1 and counted.search(found[0])
    }
    assert only_plural <= _NOT_COUNTED.keys()
