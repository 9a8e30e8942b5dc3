"""A submitted document is normalised or refused."""

import json
import random
from typing import Any

import pytest
from directory.ground.hsds.given import Given
from directory.ground.hsds.schemas import ServiceDocument
from directory.ground.hsds.views import Facts, Record, render_service
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


@pytest.mark.parametrize("kind", MANNERS)
def test_what_is_untidy_is_tidied(kind: str) -> None:
    found = Given.of(ServiceDocument.model_validate({**TIDY, **MANNERS[kind]})).plain()
    text = json.dumps(found)
    assert "null" not in text
    assert not any(empty in text for empty in ('""', "[]", "{}"))
    assert found["id"] == found["id"].lower()


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_wrong_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError):
        ServiceDocument.model_validate({**TIDY, **FAULTS[kind]})


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
