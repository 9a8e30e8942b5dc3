"""A document in the form that is kept is the same whether models were made of it or not."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from directory.ground.hsds import given
from directory.ground.hsds.given import Given, Takes, tidied
from directory.ground.hsds.rendering import Facts, Record, render_service
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.documents.prepared import prepare
from pydantic import ValidationError

Document = dict[str, Any]
ID = "00000000-0000-4000-8000-00000000000"
PLACE = {
    "id": f"{ID}3",
    "location_type": "physical",
    "latitude": 10.5,
    "phones": [{"id": f"{ID}4", "number": "0212 5550101", "extension": 1}],
}
TIDY: Document = {
    "name": "Comedor",
    "id": f"{ID}1",
    "email": "a@example.org",
    "minimum_age": 3,
    "organization": {"id": f"{ID}2", "name": "Org", "description": "D"},
    "service_areas": [{"extent_type": "pcode", "extent": "VE2313"}],
    "service_at_locations": [{"location": PLACE, "description": "Dos líneas\nde texto"}],
    "eligibility": {"sex": ["female"]},
    "pre_crisis": {"existed": True, "from": "2019-01-01"},
    "translations": {"en": {"name": "Soup kitchen"}},
    "verification": {"verified_at": "2026-11-01"},
    "categories": [],
    "last_modified": "2026-11-01T10:00:00Z",
}
MANNERS: dict[str, Document] = {
    "a null": {"alert": None},
    "an empty text": {"alert": ""},
    "an empty list further in": {"contacts": [{"phones": []}]},
    "an empty object": {"eligibility": {}},
    "nothing but empty parts": {"eligibility": {"sex": []}},
    "an id in capitals": {"id": ID.upper() + "A"},
    "a null further in": {"phones": [{"number": "0212 5550101", "extension": None}]},
    "a name as python calls it": {"pre_crisis": {"existed": False, "from_": "2019-01-01"}},
}
FAULTS: dict[str, Document] = {
    "no name": {"name": None},
    "a list that is no text": {"alert": []},
    "an unknown member": {"colour": "blue"},
    "ages reversed": {"maximum_age": 2},
    "an area that is none": {"service_areas": [{"extent_type": "pcode", "extent": "XX"}]},
    "a control character": {"alert": "a\x01b"},
    "a character that turns the order of others": {"alert": "0212 \u202e1010555"},
    "a link that runs something": {"url": "JavaScript:alert(1)"},
    "a text that is too long": {"alert": "x" * 20_001},
    "a place that does not fit": {"service_at_locations": [{"location": {"latitude": "north"}}]},
    "an organisation that does not fit": {"organization": {"name": ""}},
    "a place that is none": {"service_at_locations": [{"location": 7}]},
}


def by_models(document: Document) -> Given:
    return Given.of(ServiceDocument.model_validate(document))


def written(document: Given) -> str:
    return json.dumps(document.plain())


def test_a_tidy_document_needs_no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = written(by_models(TIDY))

    def refuse(_: Any) -> Any:
        raise AssertionError("models were made of it")

    monkeypatch.setattr(given.Given, "of", refuse)
    taken = Takes().take(TIDY)
    assert written(taken) == expected
    assert taken.places == {by_models_id(PLACE)}


def by_models_id(part: Document) -> Any:
    return Given({"id": part["id"]}).id


@pytest.mark.parametrize("kind", MANNERS)
def test_what_is_untidy_is_tidied_by_the_models(kind: str) -> None:
    document = {**TIDY, **MANNERS[kind]}
    beside = {k: v for k, v in document.items() if k not in ("organization", "categories")}
    with pytest.raises(ValidationError):
        tidied(ServiceDocument, beside)
    assert written(Takes().take(document)) == written(by_models(document))


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_wrong_is_told_by_the_models(kind: str) -> None:
    document = {**TIDY, **FAULTS[kind]}
    takes = Takes()
    for _ in range(2):  # also of a part that was seen before
        with pytest.raises(ValidationError) as told:
            takes.take(document)
        with pytest.raises(ValidationError) as expected:
            by_models(document)
        assert said(told.value) == said(expected.value)


def said(error: ValidationError) -> list[tuple[Any, ...]]:
    return [(each["type"], each["loc"], each["msg"]) for each in error.errors()]


def outcome(make: Callable[[Document], Given], document: Document) -> Any:
    try:
        return written(make(document))
    except ValidationError as wrong:
        return said(wrong)


def damaged(value: Any, chance: random.Random) -> Any:
    kinds: list[Callable[[], Any]] = [
        lambda: None,
        lambda: "",
        dict,
        list,
        lambda: "x\x07",
        lambda: -1,
        lambda: "restricted",
    ]
    if chance.random() < 0.05:
        return chance.choice(kinds)()
    if isinstance(value, dict):
        return {key: damaged(each, chance) for key, each in value.items()}
    if isinstance(value, list):
        return [damaged(each, chance) for each in value]
    return value


def test_both_ways_agree_on_documents_damaged_at_random() -> None:
    fit = 0
    for seed in range(400):
        chance = random.Random(seed)  # noqa: S311 - no secret
        document = {key: damaged(each, chance) for key, each in TIDY.items()}
        expected = outcome(by_models, document)
        assert outcome(Takes().take, document) == expected
        fit += isinstance(expected, str)
    assert 40 < fit < 360


def test_each_level_sees_what_it_would_if_it_were_rendered_alone() -> None:
    levels = [None, "public", "partners", "pathway", "restricted"]
    facts = Facts()
    shared = 0
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - no secret

        def closed(item: Any, chance: random.Random = chance) -> Any:
            if isinstance(item, list):
                return [closed(each) for each in item]
            if not isinstance(item, dict):
                return item
            found = {
                key: each if key in ("translations", "pre_crisis") else closed(each)
                for key, each in item.items()
            }
            level = chance.choice([None, None, *levels])
            return {**found, "visibility": level} if level else found

        service = closed({**TIDY, "contacts": [{"id": f"{ID}5", "phones": PLACE["phones"]}]})
        service["service_at_locations"][0]["id"] = f"{ID}6"
        record = Record(service, closed(TIDY["organization"]))
        found = prepare(record, facts)
        for level in range(4):
            alone = render_service(record, level, facts)
            assert (found[level].full if level in found else None) == alone
        shared += len(found) - len({id(each.full) for each in found.values()})
    assert shared > 50
