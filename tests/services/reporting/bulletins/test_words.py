"""People's texts in a bulletin. A number in them must occur in their section. Otherwise Ruta refuses the text and names
the place."""

from datetime import date
from uuid import UUID

import pytest
from common.words.places import Places
from reporting.ground.charts.tiles import layout
from reporting.ground.language import Text, same
from reporting.publish.bulletins.document.content import Content, Label, Section, Sentence
from reporting.publish.bulletins.document.figures import CoverageSource, Figure, ReleaseSource
from reporting.publish.bulletins.document.words import (
    places,
    unfounded,
    with_words,
    without_words,
    words_of,
)
from reporting.publish.bulletins.rendering.forms import rendered
from reporting.publish.bulletins.trace import numbers_in_wording, strays

from tests.services.reporting.bulletins.story import bulletin

UNSURE = Figure(value=132, low=126, high=151, source=ReleaseSource(releases=(UUID(int=1),)))
EXACT = Figure(
    value=1400,
    source=CoverageSource(of="states", start=date(2026, 11, 1), end=date(2026, 11, 15)),
)


def sentence(figure: Figure) -> Sentence:
    return Sentence(
        text=same("{n}"), figures={"n": figure}, labels={"a": Label(text=same("18–59"))}
    )


@pytest.fixture
def content() -> Content:
    return Content(
        kind="biweekly",
        period="2026-11a",
        start=date(2026, 11, 1),
        end=date(2026, 11, 15),
        title=same("t"),
        period_label={"es": "1–15 de noviembre de 2026", "en": "1–15 November 2026"},
        standing=Sentence(text=same("s")),
        sections=(
            Section(id="needs", title=same("n"), blocks=(sentence(UNSURE),)),
            Section(id="key", title=same("k"), blocks=(sentence(EXACT),)),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "Faltó para 132 (126–151) personas.",
        "132 (126-151)",
        "132 (126–151), sobre todo de 18–59 años.",
        "Se revisa el 15 de diciembre de 2026, como en noviembre.",
        "Del 1–15 de noviembre de 2026.",
    ],
)
def test_a_number_as_it_stands_in_its_section_may_be_typed(content: Content, text: str) -> None:
    assert unfounded(content, {"needs": {"es": text, "en": ""}}) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Fueron 17.", "17."),
        ("Fueron 132 personas.", "132"),
        ("132 (126–152)", "132"),
        ("1132 (126–151)", "1132"),
        ("Eran 1.400.", "1.400."),
        ("Un 33% más", "33%"),
        ("Eran ¹⁷", "¹⁷"),
        ("el 45 de diciembre de 20266", "20266"),
        ("+58 212 555 0100", "+58"),
    ],
)
def test_any_other_number_is_refused_with_its_place(
    content: Content, text: str, number: str
) -> None:
    found = unfounded(content, {"needs": {"es": text, "en": ""}})
    assert found, text
    assert (found[0].section, found[0].language) == ("needs", "es")
    assert number in [each.number for each in found]
    assert text[found[0].at :].startswith(found[0].number)


def test_highlights_may_use_every_number_and_each_language_its_own_notation(
    content: Content,
) -> None:
    text = {"es": "132 (126–151) en 1400 o 1.400", "en": "132 (126–151) in 1,400"}
    wrong = unfounded(content, {"highlights": text})
    assert [(each.language, each.number) for each in wrong] == [("es", "1400")]
    assert unfounded(content, {"highlights": {"es": "", "en": text["en"]}}) == []


def test_contacts_may_hold_telephone_numbers_and_addresses_and_nothing_else_does(
    content: Content,
) -> None:
    text = same("tdp2@ejemplo.org, +58 212 555 0100")
    assert unfounded(content, {"contacts": text}) == []
    assert unfounded(content, {"next-steps": text})


def test_words_stand_where_they_belong_and_come_off_again(content: Content) -> None:
    texts: dict[str, Text] = {"contacts": same("c"), "highlights": same("h"), "needs": same("n")}
    written = with_words(content, texts)
    assert [each.id for each in written.sections] == ["highlights", "needs", "key", "contacts"]
    assert words_of(written) == texts
    assert without_words(written) == content
    assert places(written) == places(content)
    assert words_of(with_words(written, {"needs": same("m")})) == {"needs": same("m")}


def test_a_number_that_no_longer_holds_is_found_by_the_checker(content: Content) -> None:
    written = with_words(content, {"needs": same("132 (126–151)")})
    assert numbers_in_wording(written)[0].form != "words needs (es)"
    later = written.model_copy(
        update={"sections": (written.sections[0].model_copy(
            update={"blocks": (written.sections[0].blocks[0],)}), written.sections[1])}
    )  # fmt: skip
    assert "words needs (es)" in [each.form for each in numbers_in_wording(later)]


@pytest.mark.slow
@pytest.mark.laborious
def test_words_are_in_every_form_and_never_become_markup() -> None:
    hostile = "Primero\n<b>dos</b> #panic()"
    content = with_words(bulletin(), {"highlights": same(hostile), "needs": same("tres")})
    files = rendered(content, "es", draft=False)
    assert b"&lt;b&gt;dos" in files["bulletin.html"]
    assert strays(content, "es", files) == []


def test_every_state_has_a_tile_of_its_own() -> None:
    states = {place.pcode for place in Places.load().at_level(1, "VEN")}
    tiles = layout()
    assert len(set(tiles.values())) == len(tiles) == 25
    assert set(tiles) == states
    drawn = next(
        block
        for section in bulletin().sections
        for block in section.blocks
        if getattr(block, "form", "") == "map"
    )
    assert set(drawn.places) == set(tiles)  # type: ignore[union-attr] # it is a chart
