"""Pages for planners and decision makers. These tests are pure and need no server."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from common.words.languages import LANGUAGES
from console.bulletins import views as bulletins
from console.codes import Codes
from console.curation import views as curation
from console.curation.api import parts
from console.figures import views as figures
from console.forms import Typed
from console.moments import Moments
from console.pathways import views as pathways
from console.shapes import bars, graph, stages
from console.texts import wording
from directory.pathways.definition.conditions import Condition
from directory.pathways.definition.differences import difference, plain
from directory.pathways.definition.graph import Pathway, Step
from directory.pathways.definition.proposals import AORS, proposal, situations
from reporting.count.activities.codes import terms

from tests.pages.words import CODE

SAY, CODES = wording("es"), Codes("es")
STEPS: list[dict[str, Any]] = [
    {"key": "a", "need": "HLT", "urgency": "at_once"},
    {"key": "b", "need": "LEG", "after": ["a"]},
    {"key": "c", "need": "SHL", "after": ["a", "b", "nowhere"]},
    {"key": "d", "need": "HOT"},
]


def test_a_step_stands_in_the_column_in_which_it_may_begin() -> None:
    assert stages(STEPS) == {"a": 0, "b": 1, "c": 2, "d": 0}
    drawn = graph(STEPS, {one["key"]: one["key"] for one in STEPS})
    assert len({(node.x, node.y) for node in drawn.nodes}) == len(STEPS), "none hides another"
    assert len(drawn.lines) == 3
    assert all(x1 < x2 for x1, _, x2, _ in drawn.lines)


def test_steps_that_wait_for_each_other_are_drawn_all_the_same() -> None:
    circle = [{"key": "a", "after": ["b"]}, {"key": "b", "after": ["a"]}]
    assert set(stages(circle)) == {"a", "b"}


def test_a_bar_ends_where_its_value_is_and_its_whisker_where_it_may_be() -> None:
    first, second = bars([("x", "", 10, 5, 20), ("y", "", 0, 0, 10)])
    assert (first.width, first.low, first.high) == (50, 25, 100), "of the room that there is"
    assert second.width == 0
    assert second.high > second.low, "few or none is no nothing"


def test_a_bar_without_a_whisker_is_as_long_as_its_share_of_the_greatest() -> None:
    first, second = bars([("x", "", 8, 0, 0), ("y", "", 2, 0, 0)])
    assert (first.width, second.width) == (100, 25)
    assert first.low == first.high, "and none is drawn"


def test_a_bar_of_a_target_is_full_only_when_the_target_is_met() -> None:
    (part,) = bars([("x", "", 0.22, 0, 0)], whole=1)
    (over,) = bars([("x", "", 1.5, 0, 0)], whole=1)
    assert (part.width, over.width) == (22, 100)


def test_a_chart_to_keep_is_called_as_on_the_page() -> None:
    title = {"es": "Personas capacitadas por estado", "en": "People trained by state"}
    chart = {"kind": "chart", "title": title, "table": {"id": "trained-by-state"}}
    titles = bulletins.charts({"sections": [{"blocks": [{"kind": "sentence"}, chart]}]}, SAY)
    files = [
        {"name": name, "path": f"/{language}", "language": language}
        for name in ("bulletin.pdf", "trained-by-state.svg")
        for language in ("es", "en")
    ]
    both = (("/es", "En español"), ("/en", "En inglés"))
    assert bulletins.kinds(files, titles, SAY) == [
        bulletins.Kind("A4 (PDF)", False, both),
        bulletins.Kind("Personas capacitadas por estado: Gráfico (SVG)", True, both),
    ]


def test_kinds_and_states_of_activities_have_words() -> None:
    codes = {f"type.{one}" for one in terms("type")} | {
        f"status.{one.lower()}" for one in terms("status")
    }
    assert sorted(one for one in codes if not SAY.has(f"activities.{one}")) == []


def test_no_protected_number_stands_alone() -> None:
    assert figures.said({"count": 0, "low": 0, "high": 10}, SAY) == "0–10 (pocas o ninguna)"
    assert figures.said({"count": 33, "low": 28, "high": 38}, SAY) == "33 (entre 28 y 38)"
    assert figures.said({"count": 12, "low": None, "high": None}, SAY) == "12"
    assert bulletins.figure({"value": 0, "low": 0, "high": 10}, SAY) == "0–10 (pocas o ninguna)"
    assert bulletins.figure({"value": None, "absent": {"es": "sin dato"}}, SAY) == "sin dato"


def test_who_may_see_it_comes_first_and_in_words() -> None:
    found = [
        {"pointer": "/name", "old": "A", "new": "B"},
        {"pointer": "/visibility", "old": "partners", "new": "public"},
    ]
    first, second = curation.changes(found, SAY, CODES)
    assert (first.field, first.new) == ("Quién puede ver la entrada", SAY("visibility.public"))
    assert (second.field, second.old, second.new) == ("Nombre", "A", "B")


def test_a_text_message_is_counted_as_phones_do() -> None:
    assert parts("x" * 160) == (160, 1)
    assert parts("x" * 161) == (161, 2)
    assert parts("ó" * 70) == (70, 1)
    assert parts("ó" * 71) == (71, 2)


def test_what_a_form_does_not_ask_stays_in_a_step() -> None:
    before = {"key": "a", "condition": {"populations": ["REF"], "minimum_age": 12}}
    typed = Typed(
        [
            ("key", "of the command"),
            ("step_key", "a"),
            ("need", "HLT"),
            ("condition/maximum_age", "17"),
            ("safety", "true"),
        ]
    )
    assert pathways.step_of(typed, before) == {
        "key": "a",
        "need": "HLT",
        "condition": {"populations": ["REF"], "maximum_age": 17},
        "safety": True,
        "confidential": False,
    }


def test_a_new_step_gets_a_name_from_its_need_that_no_other_has() -> None:
    assert pathways.new_key("GBV-CMR", ["safety"]) == "gbv-cmr"
    assert pathways.new_key("GBV-CMR", ["gbv-cmr", "gbv-cmr-2"]) == "gbv-cmr-3"
    assert pathways.new_key("", ()) == "step"


def test_steps_are_moved_replaced_and_taken_out() -> None:
    assert [one["key"] for one in pathways.moved(STEPS, "b", -1)] == ["b", "a", "c", "d"]
    assert [one["key"] for one in pathways.moved(STEPS, "d", 1)] == ["a", "b", "c", "d"]
    assert [one["key"] for one in pathways.replaced(STEPS, "b", None)] == ["a", "c", "d"]
    assert pathways.replaced(STEPS, "new", {"key": "e"})[-1] == {"key": "e"}


def changed(old: Pathway | None, new: Pathway, language: str = "es") -> list[str]:
    """Return the page's text about the changes in `new`."""
    told = difference(old, new)
    every = plain(new)["steps"]
    said = {code: getattr(words, language) for code, words in situations().items()}
    return pathways.Difference(wording(language), Codes(language), said, every).lines(told)


def test_a_difference_is_said_in_sentences() -> None:
    new = proposal("GBV", "VE")
    bare = [Step(key=one.key, need=one.need) for one in new.steps if one.key != "cash"]
    lines = changed(new.model_copy(update={"steps": tuple(bare)}), new)
    need = CODES.need("GBV-CMR")
    assert f"{need}, urgencia: antes {SAY('soon.routine')}, ahora {SAY('soon.at_once')}" in lines
    assert f"{need}, plazo en horas: antes nada, ahora en las primeras 72 horas" in lines
    assert f"Paso nuevo: {CODES.need('CVA')}" in lines
    livelihoods = CODES.need("GBV-LIV")
    assert f"{livelihoods}, pasos previos: antes nada, ahora {CODES.need('GBV-PSS')}" in lines
    assert f"{livelihoods}, para quién: antes todas las personas, ahora desde 18 años" in lines
    assert f"{CODES.need('GBV-SHELTER')}, seguridad: antes no, ahora sí" in lines


def test_a_text_that_changed_in_the_other_language_is_said_to_have() -> None:
    old = proposal("GBV", "VE")
    new = old.model_copy(update={"title": old.title.model_copy(update={"en": "Another"})})
    assert changed(old, new) == ["título: solo cambia el texto en el otro idioma"]
    assert changed(old, new, "en") == [f"title: before {old.title.en}, now Another"]


# Codes of needs, places and groups, which are not part of a sentence.
SHORT = re.compile(r"\b(?:[A-Z]{2,4}-[A-Z]+|VE\d*)\b")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("aor", AORS)
def test_no_difference_of_a_pathway_shows_a_code(aor: str, language: str) -> None:
    new = proposal(aor, "VE")
    bare = tuple(Step(key=one.key, need=one.need) for one in new.steps)
    texts = {"intermediary": None, "note": None}  # People's own texts stay unchanged.
    steps = tuple(one.model_copy(update=texts) for one in new.steps)
    new = new.model_copy(update={"steps": steps})
    said = "\n".join(changed(new.model_copy(update={"steps": bare, "entry": ()}), new, language))
    assert said
    assert [*CODE.findall(said), *SHORT.findall(said)] == []
    assert [one.key for one in steps if "-" in one.key and one.key in said.split()] == []


def test_whatever_a_condition_or_a_step_holds_has_words() -> None:
    whole = {
        "minimum_age": 12,
        "maximum_age": 17,
        "sexes": ["female", "other"],
        "populations": ["REF"],
        "excluded_populations": ["SUR"],
        "situations": ["sexual_violence"],
        "incident_within_hours": 72,
        "incident_after_hours": 0,
        "immediate_danger": False,
        "has_documents": True,
        "languages": ["guc"],
        "speaks_none_of": ["spa"],
    }
    assert whole.keys() == Condition.model_fields.keys()
    for name, value in whole.items():
        one = pathways.condition({name: value}, SAY, CODES, {"sexual_violence": "violencia"})
        assert one, name
        assert not [*CODE.findall(one), *SHORT.findall(one)], name
    fields = {*Step.model_fields, *Pathway.model_fields} - {"key", "steps"}
    assert sorted(name for name in fields if not SAY.has(f"step.field.{name}")) == []


def test_words_of_both_languages_are_sent_together_and_empty_ones_are_not() -> None:
    typed = Typed(
        [("texts/highlights/es", "Sí"), ("texts/highlights/en", "Yes"), ("texts/gaps/es", " ")]
    )
    assert bulletins.texts((), typed) == {"highlights": {"es": "Sí", "en": "Yes"}}


def test_the_text_of_one_part_leaves_those_of_the_others() -> None:
    stored = [
        bulletins.Written("highlights", "", "Antes", "Before"),
        bulletins.Written("gaps", "", "Brechas", "Gaps"),
        bulletins.Written("contacts", "", "", ""),
    ]
    emptied = Typed([("texts/gaps/es", ""), ("texts/gaps/en", "")])
    assert bulletins.texts(stored, emptied) == {"highlights": {"es": "Antes", "en": "Before"}}


def test_what_has_ended_can_be_chosen_and_nothing_that_goes_on() -> None:
    said = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 4, 16, 3, tzinfo=UTC)).ended()
    assert [code for code, _ in said][:5] == [
        "2026-04a",
        "2026-Q1",
        "2026-03",
        "2026-03b",
        "2026-03a",
    ]
    assert dict(said)["2026-Q1"] == "1.º trimestre de 2026"
    early = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 1, 15, tzinfo=UTC)).ended()
    assert [code for code, _ in early][:2] == ["2025-Q4", "2025-12"]
