"""If another person saved first, the page shows both versions and loses nobody's text."""

from typing import Any

from console.answers import Answer
from console.codes import Codes
from console.conflicts import is_conflict, now_and_typed
from console.curation import views as curation
from console.forms import Typed, flat
from console.pathways import views as steps
from console.texts import wording

SAY, CODES = wording("es"), Codes("es")
STEP: dict[str, Any] = {
    "key": "clinic",
    "need": "GBV-CMR",
    "urgency": "within_24_hours",
    "window_hours": 72,
    "after": ["safety", "hotline"],
    "condition": {"sexes": ["female"], "minimum_age": 18},
    "safety": True,
    "confidential": False,
    "note": {"es": "Primero lo urgente", "en": "Urgent things first"},
}
FIELDS = (steps.KEY, *steps.STEP, *steps.FLAGS)
SAME = (
    ("step_key", "clinic"),
    ("need", "GBV-CMR"),
    ("urgency", "within_24_hours"),
    ("window_hours", "72"),
    ("after[]", "hotline"),
    ("after[]", "safety"),
    ("condition/sexes[]", "female"),
    ("condition/minimum_age", "18"),
    ("condition/maximum_age", " "),
    ("safety", "true"),
    ("note/es", "Primero lo urgente\n"),
    ("note/en", "Urgent things first"),
)


def test_what_was_refused_for_another_reason_is_no_conflict() -> None:
    assert [
        is_conflict(Answer(status, {"code": code}))
        for status, code in ((409, "version_conflict"), (412, "stale"), (409, "pathway_state"))
    ] == [True, True, False]
    assert not is_conflict(None)


def test_a_form_that_says_what_stands_differs_in_nothing() -> None:
    """The order of boxes and the spaces around texts do not count as a difference."""
    versions = now_and_typed(steps.standing(STEP), Typed(SAME), FIELDS, SAY)
    assert versions.rows == ()


def test_each_field_that_differs_stands_in_words_with_both_versions() -> None:
    typed = Typed(
        [
            ("urgency", "at_once"),
            ("after[]", "hotline"),
            *(pair for pair in SAME if pair[0] not in {"urgency", "after[]", "safety"}),
        ]
    )
    every = [{"key": "safety", "need": "SHL"}, {"key": "hotline", "need": "HOT"}]
    worded = steps.worded(every, SAY, CODES, {})
    labels = {"safety": "Seguridad"}
    found = now_and_typed(steps.standing(STEP), typed, FIELDS, SAY, worded=worded, labels=labels)
    assert found.heads == ("change.now", "change.yours")
    hotline, shelter = CODES.need("HOT"), CODES.need("SHL")
    assert found.rows == (
        (SAY("field.urgency"), SAY("soon.within_24_hours"), SAY("soon.at_once")),
        (SAY("field.after[]"), f"{hotline}, {shelter}", hotline),
        ("Seguridad", SAY("entry.yes"), ""),
    )


def test_a_step_that_somebody_took_out_leaves_what_was_typed() -> None:
    found = now_and_typed(steps.standing(None), Typed(SAME), FIELDS, SAY)
    assert {now for _, now, _ in found.rows} == {""}
    assert len(found.rows) == len({name for name, value in SAME if value.strip()})


def test_of_a_message_the_texts_and_places_that_differ_are_shown() -> None:
    names = ("areas[]", "texts/es/title", "texts/en/title")
    stands = {"areas": ["VE23"], "texts": {"es": {"title": "A"}, "en": {"title": "B"}}}
    typed = Typed([("texts/es/title", "Otro"), ("texts/en/title", "B")])
    found = now_and_typed(
        flat(stands, names), typed, names, SAY,
        worded=lambda name, value: CODES.place(value) if name == "areas[]" else value,
    )  # fmt: skip
    assert [row[1:] for row in found.rows] == [("Zulia", ""), ("A", "Otro")]


def test_of_an_entry_only_what_came_after_its_reading_is_shown() -> None:
    history = [
        {"version": 7, "pointer": "/visibility", "old": "pathway", "new": "public"},
        {"version": 6, "pointer": "/name", "old": "Casa", "new": "Casa abierta"},
        {"version": 5, "pointer": "/state", "old": "draft", "new": "submitted"},
    ]
    found = curation.since(history, "5-gzip", SAY, CODES)
    assert found == curation.since(history, "5", SAY, CODES)
    assert [row[1:] for row in found] == [
        (SAY("visibility.pathway"), SAY("visibility.public")),
        ("Casa", "Casa abierta"),
    ]


def test_a_day_that_stayed_as_it_was_is_no_difference_however_it_was_typed() -> None:
    now = {"valid_until": "2026-12-31", "name": "Uno"}
    typed = Typed([("valid_until", "31/12/2026"), ("name", "Dos")])
    found = now_and_typed(now, typed, ("valid_until", "name"), wording("es"))
    assert [row[1:] for row in found.rows] == [("Uno", "Dos")]
