"""Forms become the API's JSON, refusals reach their fields, and stored text appears as words. These tests are pure and
need no server."""

import pytest
from console.codes import Codes
from console.forms import BadForm, Typed, body, faults, read
from console.screens.routing import _readable
from console.texts import wording

KIND = "application/x-www-form-urlencoded"


def test_names_are_pointers_and_what_is_empty_is_left_out() -> None:
    typed = read(
        KIND, b"contact%2Fphone=0414&contact%2Femail=&age=17&items%5B%5D=name&items%5B%5D=sex"
    )
    made = body(typed, ("contact/phone", "contact/email", "age", "items[]"), numbers=("age",))
    assert made == {"contact": {"phone": "0414"}, "age": 17, "items": ["name", "sex"]}


def test_a_number_that_is_none_stays_as_it_was_typed() -> None:
    assert body(read(KIND, b"age=diecisiete"), ("age",), numbers=("age",)) == {"age": "diecisiete"}


def test_what_comes_along_unseen_with_a_copied_number_is_left_out() -> None:
    content = b"phone=%E2%80%AA%2B58%20414%205550101%E2%80%AC&note=a%E2%80%AEb%E2%81%A9"
    typed = read(KIND, content)
    assert (typed.one("phone"), typed.one("note")) == ("+58 414 5550101", "ab")


def test_fields_that_the_form_does_not_have_are_not_sent() -> None:
    assert body(read(KIND, b"organisation_id=x&name=Ana"), ("name",)) == {"name": "Ana"}


@pytest.mark.parametrize(
    ("kind", "content"),
    [("multipart/form-data", b"a=b"), (KIND, b"\xff=1"), (KIND, b"&".join([b"a=1"] * 400))],
)
def test_what_is_no_form_is_refused(kind: str, content: bytes) -> None:
    with pytest.raises(BadForm):
        read(kind, content)


def test_a_refusal_finds_its_field_or_the_one_that_holds_it() -> None:
    errors = [
        {"pointer": "/contact/phone", "code": "string_too_long", "detail": "too long"},
        {"pointer": "/items/3", "code": "enum", "detail": "not one of"},
        {"pointer": "/elsewhere", "code": "missing", "detail": "Field required"},
    ]
    found = faults({"errors": errors}, ("contact/phone", "items[]"))
    assert [(f.name, f.code) for f in found] == [
        ("contact/phone", "string_too_long"),
        ("items[]", "enum"),
        ("", "missing"),
    ]


def test_several_forms_of_a_page_have_names_of_their_own() -> None:
    refused = {"errors": [{"pointer": "/reason", "code": "missing"}]}
    found = faults(refused, ("decline/reason", "recall/reason"), within="decline")
    assert [f.name for f in found] == ["decline/reason"]


def test_what_somebody_typed_is_not_in_a_text_of_an_object() -> None:
    assert "Kwyjibonia" not in repr(Typed([("identity/name", "Kwyjibonia")]))


def test_kept_text_shows_labels_what_was_typed_and_no_code() -> None:
    typed = Typed(
        [
            ("payload/situation", "Necesita atención hoy, no_mañana."),
            ("method", "verbal"),
            ("facts/situations[]", "sexual_violence"),
            ("area", "VE2313"),
            ("identity/name", "ANA"),
            ("grant_id", "0190a000-0000-7000-8000-000000000001"),
        ]
    )
    assert [value for _, value in _readable(typed, wording("es"))] == [
        "Necesita atención hoy, no_mañana.",
        wording("es")("method.verbal"),
        wording("es")("resend.chosen"),
        Codes("es").place("VE2313"),
        "ANA",
    ]
