"""Every number in a bulletin is traced. The whole bulletin passes, and each kind of false number is caught."""

import re
from dataclasses import replace
from typing import Any

import pytest
from common.words.languages import LANGUAGES
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import shipped
from reporting.ground.protection.protected import ProtectedCube
from reporting.publish.bulletins.composing.compose import compose
from reporting.publish.bulletins.composing.evidence import value_of
from reporting.publish.bulletins.document.content import Content, Sentence
from reporting.publish.bulletins.document.runs import all_figures
from reporting.publish.bulletins.document.texts import all_texts
from reporting.publish.bulletins.rendering.chart_drawings import spec
from reporting.publish.bulletins.rendering.forms import rendered
from reporting.publish.bulletins.trace import numbers_in_wording, strays, wrong_figures

from tests.services.reporting.bulletins.story import bulletin, evidence, files_of

pytestmark = [pytest.mark.laborious, pytest.mark.slow]

PERIODS = ("2026-11a", "2026-11")


@pytest.fixture
def files() -> dict[str, bytes]:
    return files_of("2026-11a", "es")


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_in_every_form_traces(period: str, language: str) -> None:
    content = bulletin(period)
    assert wrong_figures(content, evidence()) == []
    assert numbers_in_wording(content) == []
    assert len(list(all_figures(content, language))) > 150
    assert strays(content, language, files_of(period, language)) == []


@pytest.mark.parametrize("period", PERIODS)
def test_a_value_is_the_same_without_its_interval(period: str) -> None:
    known = evidence()
    for placed in all_figures(bulletin(period), "en"):
        source = placed.figure.source
        assert value_of(source, known, with_interval=False).value == value_of(source, known).value


def test_every_count_of_people_is_a_multiple_of_k() -> None:
    for period in PERIODS:
        for placed in all_figures(bulletin(period), "en"):
            if placed.figure.source.kind == "release":
                assert isinstance(placed.figure.value, int)
                assert placed.figure.value % 11 == 0


def test_the_bulletins_own_texts_hold_no_digit_and_exist_in_both_languages() -> None:
    for key, texts in all_texts().items():
        assert set(texts) == set(LANGUAGES), key
        assert all(texts.values()), key
        for text in texts.values():
            assert not re.search(r"\d", text), key
        places = [set(re.findall(r"\{(\w+)\}", text)) for text in texts.values()]
        assert places[0] == places[1], key


def test_spanish_and_english_say_different_words() -> None:
    alike = {"page.number", "key.unmet", "list.pdf"}
    shared = {key for key, texts in all_texts().items() if texts["es"] == texts["en"]}
    assert shared <= {"column.total"} | alike, shared


def test_a_changed_release_is_noticed() -> None:
    content, known = bulletin(), evidence()
    release = next(r for r in known.releases.values() if r.period == "2026-11a")
    cube = release.cube
    changed = replace(cube, cells={at: count + cube.k for at, count in cube.cells.items()})
    releases = {**known.releases, release.id: replace(release, cube=changed)}  # type: ignore[type-var]  # ours
    assert wrong_figures(content, replace(known, releases=releases))


def test_a_corrected_activity_and_a_withdrawn_release_are_noticed() -> None:
    content, known = bulletin(), evidence()
    fewer = [a for a in known.activities if a.type != "training"]
    assert wrong_figures(content, replace(known, activities=fewer))
    assert wrong_figures(content, replace(known, releases={}))
    assert wrong_figures(content, replace(known, targets={}))
    assert wrong_figures(content, replace(known, series={}))


def test_a_filter_outside_the_programme_is_noticed() -> None:
    document = bulletin().model_dump(mode="json")
    figure = document["sections"][0]["blocks"][0]["figures"]["delivered"]
    figure["source"]["filters"] = {"progress": ["rescued"]}
    assert wrong_figures(Content.model_validate(document), evidence())


def test_a_number_written_into_a_sentence_is_noticed() -> None:
    content = bulletin()
    section = content.sections[0]
    lie = Sentence(text={"es": "Hubo 7 casos graves.", "en": "There were 7 grave cases."})
    lied = section.model_copy(update={"blocks": (*section.blocks, lie)})
    changed = content.model_copy(update={"sections": (lied, *content.sections[1:])})
    assert numbers_in_wording(changed)


@pytest.mark.parametrize(
    ("place", "lie"),
    [
        ("</main>", "<p>7 niñas</p></main>"),
        ('alt="', 'alt="4 casos. '),
        ('<data value="', '<data value="3">13</data><data value="'),
        ('<span class="label">', '<span class="label">7 casos</span><span class="label">'),
    ],
)
def test_a_number_slipped_into_a_page_is_noticed(
    files: dict[str, bytes], place: str, lie: str
) -> None:
    page = files["bulletin.html"].replace(place.encode(), lie.encode(), 1)
    assert strays(bulletin(), "es", {"bulletin.html": page})


def test_a_number_slipped_into_the_pdf_or_the_workbook_is_noticed() -> None:
    """The false number, seven organisations, also occurs elsewhere in the bulletin."""
    document = bulletin().model_dump(mode="json")
    lie = {"es": "Además, 7 casos graves.", "en": "Moreover, 7 grave cases."}
    document["sections"][1]["blocks"].append({"kind": "sentence", "text": lie})
    table = next(b for b in document["sections"][1]["blocks"] if b["kind"] == "table")
    table["rows"][0][0]["text"] = {"es": "7 casos graves", "en": "7 grave cases"}
    lied = rendered(Content.model_validate(document), "es", draft=False)
    for name in ("bulletin.pdf", "bulletin.xlsx"):
        assert strays(bulletin(), "es", {name: lied[name]}), name


def test_forms_of_another_bulletin_are_noticed(files: dict[str, bytes]) -> None:
    """The PDF and the workbook must belong to the same period."""
    other = bulletin("2026-10b")
    for name in ("bulletin.html", "bulletin.pdf", "bulletin.xlsx"):
        assert strays(other, "es", {name: files[name]}), name


def test_a_chart_with_a_number_of_its_own_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = spec

    def lying(chart: Any, language: str, around: Any) -> dict[str, Any]:
        made = drawn(chart, language, around)
        made["layer"].append({"data": {"values": [{"shown": "13"}]}})
        return made

    monkeypatch.setattr("reporting.publish.bulletins.trace.spec", lying)
    assert {s.form.split()[0] for s in strays(bulletin(), "es", {})} == {"chart"}


def test_absent_shares_say_why() -> None:
    known = evidence()
    tiny = {
        key: replace(r, cube=_tiny(r.cube)) if r.programme == "referrals" else r  # type: ignore[type-var]  # ours
        for key, r in known.releases.items()
    }
    content = compose(Period.parse("2026-11a"), replace(known, releases=tiny), shipped())
    (share,) = [
        p.figure for p in all_figures(content, "es") if p.figure.source.kind == "release-share"
    ]
    assert share.value is None
    assert share.absent == all_texts()["absent.small_base"]


def _tiny(cube: ProtectedCube) -> ProtectedCube:
    return replace(cube, cells={next(iter(cube.cells)): cube.k})


def test_a_bulletin_without_any_evidence_has_words_and_no_empty_chart() -> None:
    known = replace(evidence(), releases={}, activities=[], targets={}, series={})
    content = compose(Period.parse("2026-11a"), known, shipped())
    composed = [section for section in content.sections if section.id != "glossary"]
    blocks = [block for section in composed for block in section.blocks]
    assert all(block.kind in {"sentence", "key-figures"} for block in blocks)
    assert strays(content, "es", rendered(content, "es", draft=False)) == []
