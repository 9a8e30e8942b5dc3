"""A case and ticked items become three commands."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from console.answers import Answer
from console.codes import Codes
from console.forms import Typed
from console.moments import Moments
from console.referrals import refer, views
from console.referrals.steps import STEPS, offered
from console.texts import wording
from referrals.case.cases.person import disclosable
from referrals.ground.vocabulary.ages import Caregiver
from referrals.ground.vocabulary.disclosure import Item
from referrals.referral.referrals.schemas import Payload

from tests.services.console.answered import console
from tests.support.reference import ROOT

CASE: dict[str, Any] = {
    "reference": "N386V-0ZY16", "age": 27, "area": "VE2313", "country": "VE",
    "identity": {"name": "Kwyjibonia", "contact": {"phone": "0414"}},
    "attributes": {"sex": "female", "languages": ["spa"], "populations": []},
}  # fmt: skip
FORM = [
    ("service_id", "GBV-CMR|0190|emergency|2026-11-29T00:00:00+00:00"), ("items[]", "age"),
    ("items[]", "sex"), ("payload/situation", "Hoy."), ("safe_contact/rule", "person_comes"),
    ("decided_by", "person"), ("language", "spa"), ("method", "verbal"),
]  # fmt: skip


def test_a_tab_says_how_much_is_under_it_or_how_much_at_least() -> None:
    tabs = {"to_decide": ("sent", "acknowledged"), "under_way": ("accepted",)}
    for sent, said in ((3, "(10)"), (199, "(206)"), (200, "(207 o más)")):
        counts = {"by_state": {"sent": sent, "acknowledged": 7}, "overdue": 1, "counted_to": 200}
        found = views.numbers(tabs, counts, wording("es"))
        assert found == {"to_decide": said, "under_way": "(0)"}


def offered_by(service_id: str) -> dict[str, Any]:
    return {"service_id": service_id, "name": service_id, "reasons": []}


STEP: dict[str, Any] = {
    "order": 1, "need": "HLT", "urgency": "urgent", "label": {"es": "Salud"},
    "urgency_says": {"es": "hoy"}, "coverage_says": {"es": "Nadie"},
    "services": [offered_by("decliner"), offered_by("waiting"), offered_by("free")],
}  # fmt: skip


def known(service_id: str, state: str, **changes: Any) -> dict[str, Any]:
    return {"id": f"0190-{service_id}", "service_id": service_id, "category": "HLT", "state": state,
            "sent_at": "2026-11-29T00:00:00Z", "offer_again": None, **changes}  # fmt: skip


def test_who_declined_is_not_offered_and_where_she_waits_is_not_chosen() -> None:
    past = refer.before(
        [known("decliner", "declined", offer_again=False), known("waiting", "sent")]
    )
    moments = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 11, 29, tzinfo=UTC))
    resolution = {"steps": [STEP]}
    found = refer.steps(resolution, wording("es"), Codes("es"), moments, before=past)
    assert [offer.service for offer in found[0].offers] == ["waiting", "free"]
    assert refer.first_of(found).split("|")[1] == "free"
    assert refer.first_of(found, "decliner") == "", (
        "nothing is chosen instead of what was asked for"
    )
    later = refer.before([known("decliner", "declined", offer_again=True)])
    found = refer.steps(resolution, wording("es"), Codes("es"), moments, before=later)
    assert found[0].offers[0].service == "decliner"


def test_a_suggestion_is_offered_or_it_is_said_why_not() -> None:
    one = {"id": "x", "name": "Unidad móvil", "categories": ["HLT"], "referable": True}
    past = refer.before([known("y", "declined", offer_again=False)])

    def found(need: str, answer: Answer) -> refer.Offer | str:
        return refer.suggestion(answer, need, "urgent", past, wording("es"), Codes("es"))

    offer = found("HLT", Answer(200, one))
    assert isinstance(offer, refer.Offer)
    assert offer.value == "HLT|x|urgent|"
    assert found("HLT", Answer(404, None)) == "unseen"
    assert found("HLT", Answer(503, None)) == "unknown"
    assert found("HLT", Answer(200, {**one, "id": "y"})) == "declined"
    assert found("HLT", Answer(200, {**one, "referable": False})) == "closed"
    assert found("LEG", Answer(200, one)) == "other_need"


def test_what_was_shared_last_time_is_carried_over_to_be_asked_for_anew() -> None:
    body = {
        "items": {"age": 27, "situation": "Hoy."},
        "safe_contact": {"rule": "person_comes", "instructions": None},
    }
    assert refer.carried(Answer(200, body)) == {
        "items[]": ["age"], "payload/situation": "Hoy.", "safe_contact/rule": "person_comes",
    }  # fmt: skip
    assert refer.carried(Answer(404, None)) == {}


def test_the_profile_holds_no_identity() -> None:
    profile = refer.profile(Typed(), CASE)
    assert profile == {"area": "VE2313", "age": 27, "sex": "female", "languages": ["spa"]}


def test_only_what_the_case_holds_can_be_ticked() -> None:
    items = refer.on_record(CASE)
    assert items == ["name", "age", "sex", "languages", "contact", "area", "case_reference"]


def test_an_item_comes_from_the_case_or_is_typed() -> None:
    of_the_case = disclosable("N386V", "VE2313", Caregiver.UNKNOWN, {}, {}, date(2026, 11, 29))
    assert {*map(str, of_the_case)} == set(refer._ITEMS)
    assert set(Payload.model_fields) == {*refer._ITEMS, *refer._TEXTS} == {*map(str, Item)}


async def test_the_form_asks_for_each_typed_item_and_shows_what_leaves(tmp_path: Path) -> None:
    async with console(tmp_path) as pages:
        case = next(
            body["items"][0]["id"]
            for _, path, _, body in pages.api._recorded
            if path.pattern == "/referrals/v1/cases"
        )
        page = (await pages.open(f"/console/cases/{case}/refer")).text
    assert [name for name in refer.SHARED if f'name="{name}"' not in page] == []
    style = (ROOT / "services/console/src/console/static/console.css").read_text()
    ticked = (f"[value={code}]:checked) .item--{code}" for code in refer._ITEMS)
    assert [rule for rule in ticked if rule not in style] == []
    reaches = ", ".join(f"[value={code}]" for code in refer.REACHED_BY)
    assert style.count(f":is({reaches}):checked") == 2


def test_what_is_shared_is_what_was_ticked_and_what_was_written() -> None:
    draft, consent, send = refer.commands(Typed(FORM), "case", "key")
    assert consent["body"]["items"] == ["age", "sex", "situation"]
    assert draft["body"]["from_case"] == ["age", "sex"]
    assert draft["body"]["payload"] == {"situation": "Hoy."}
    assert draft["body"]["category"] == consent["body"]["purpose"] == "GBV-CMR"
    assert send["path"] == f"/referrals/v1/referrals/${{{draft['key']}.id}}/send"
    assert send["body"] == {"grant_id": f"${{{consent['key']}.id}}"}


def test_the_same_form_is_the_same_commands_and_a_corrected_one_is_not() -> None:
    def keys(form: list[tuple[str, str]], key: str = "key") -> list[str]:
        return [command["key"] for command in refer.commands(Typed(form), "case", key)]

    assert keys(FORM) == keys(FORM)
    corrected = [*FORM, ("items[]", "name")]
    assert not set(keys(FORM)) & set(keys(corrected))
    assert not set(keys(FORM)) & set(keys(FORM, "another page"))


def test_the_first_legal_step_is_the_main_one_and_what_is_not_legal_is_not_offered() -> None:
    steps = offered(["decline", "acknowledge", "withdraw"], confirmable=False)
    assert [(one.step.name, one.main) for one in steps] == [
        ("acknowledge", True),
        ("decline", False),
    ]
    assert offered([], confirmable=False) == []
    assert [one.step.name for one in offered([], confirmable=True)] == ["confirm"]


def test_a_local_time_is_sent_with_its_offset_and_an_agreement_as_one() -> None:
    typed = Typed(
        [("schedule/appointment_at", "2026-12-01 14:30"), ("schedule/expected_version", "3")]
    )
    assert STEPS["schedule"].made(typed, offset="-04:00") == {
        "appointment_at": "2026-12-01T14:30:00-04:00",
        "expected_version": 3,
    }
    assert STEPS["waitlist"].made(Typed(), offset="-04:00") == {"person_agrees": False}


def test_all_that_was_left_open_is_said_at_once_and_at_its_field() -> None:
    empty = [
        (name, value)
        for name, value in FORM
        if name not in {"items[]", "payload/situation", "safe_contact/rule"}
    ]
    sent = refer.commands(Typed(empty), "0190", "k")
    said = {
        "code": "invalid",
        "errors": [{"pointer": "/method", "code": "missing"}, {"pointer": "/safe_contact"}],
    }
    found = refer.at_fields(Answer(422, said, "n"), sent)
    assert [one["pointer"] for one in found.body["errors"]] == [
        "/method",
        "/safe_contact/rule",
        "/items",
    ]
    whole = Answer(422, said, "n")
    assert refer.at_fields(whole, refer.commands(Typed(FORM), "0190", "k")) is whole
    done = Answer(201, {"id": "0190"}, "n")
    assert refer.at_fields(done, sent) is done


def test_a_page_that_was_opened_again_is_one_line_for_whoever_sent() -> None:
    moments = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 11, 29, tzinfo=UTC))
    found = [
        {"organisation_id": "1", "at": f"2026-11-28T1{hour}:00:00+00:00", "items": items}
        for hour, items in ((4, ["age"]), (5, ["age"]), (6, ["age"]), (7, ["age", "sex"]))
    ]
    assert views.readings(found, {"1": "Salud"}, wording("es"), moments) == [
        "28 nov., 10:00, Salud: Edad (3 veces, la última: 28 nov., 12:00)",
        "28 nov., 13:00, Salud: Edad, Sexo",
    ]


def test_every_item_is_in_the_order_of_the_form_and_an_unknown_one_is_shown() -> None:
    assert sorted(views._ORDER) == sorted(item.value for item in Item)
    shared: dict[str, Any] = {
        "items": {"shoe_size": "37", "name": "Ana"},
        "answers": [],
        "safe_contact": None,
    }
    told = views.disclosed(shared, wording("es"), Codes("es"))
    assert [one.lines for one in told] == [("Ana",), ("37",)]


@pytest.mark.parametrize(("phone", "called"), [("0414 5550101", True), ("*21*04145550101#", False)])
def test_a_code_that_a_phone_carries_out_is_not_offered_to_be_called(
    phone: str, *, called: bool
) -> None:
    contact = {"items": {"contact": {"phone": phone}}, "answers": []}
    shared: dict[str, Any] = {**contact, "safe_contact": {"rule": "contact_directly"}}
    (told,) = views.disclosed(shared, wording("es"), Codes("es"))
    assert phone in told.lines[0]
    assert bool(told.phone) is called


def test_a_nationality_is_read_in_words() -> None:
    shared: dict[str, Any] = {"items": {"nationality": "BR"}, "answers": [], "safe_contact": None}
    (told,) = views.disclosed(shared, wording("es"), Codes("es"))
    assert told.lines == ("Brasil",)


def test_what_opens_too_late_can_be_asked_all_the_same_and_is_not_chosen_by_itself() -> None:
    moments = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 11, 29, tzinfo=UTC))

    def step(order: int, need: str, **more: Any) -> dict[str, Any]:
        said = {"es": need, "en": need}
        return {
            "order": order, "need": need, "label": said, "urgency": "at_once",
            "urgency_says": said, "coverage_says": {"es": "Brecha", "en": "Gap"}, **more,
        }  # fmt: skip

    def near(own: str, *, late: bool) -> dict[str, Any]:
        why = {"says": {"es": "Abre el lunes 08:00: demasiado tarde"}}
        return {"service_id": own, "name": own, "excluded_by": [why], "late": late}

    gap = {"near_misses": [near("clinic", late=True), near("full", late=False)]}
    meanwhile = {"es": "Mientras tanto: no espere", "en": "Meanwhile: do not wait"}
    resolution = {
        "steps": [
            step(1, "GBV-CMR", services=[], gap=gap, meanwhile=meanwhile),
            step(2, "HOT", services=[{"service_id": "line", "name": "line", "reasons": []}]),
        ]
    }
    first, second = found = refer.steps(resolution, wording("es"), Codes("es"), moments)
    assert (first.gap, first.meanwhile) == ("Brecha", "Mientras tanto: no espere")
    assert [(one.name, one.reasons, one.late) for one in first.offers] == [
        ("clinic", "Abre el lunes 08:00: demasiado tarde", True)
    ]
    assert second.gap == second.meanwhile == ""
    assert refer.first_of(found).split("|")[1] == "line"
    assert refer.first_of(found[:1]).split("|")[1] == "clinic"
