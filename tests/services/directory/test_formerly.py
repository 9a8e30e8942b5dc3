"""History shows old values for every pointer that can occur in a change of a place."""

from typing import Any

import pytest
from directory.ground.hsds.formerly import Formerly

HOUSE, OFFICE = "house", "office"
DOOR: dict[str, Any] = {
    "id": HOUSE,
    "location_type": "physical",
    "name": "Casa",
    "latitude": 10.6,
    "addresses": [{"id": "a", "address_1": "Calle 1"}],
    "pcode": "VE231301",
}
SHUT = {"id": HOUSE, "location_type": "physical", "name": "Casa", "pcode": "VE23"}
OPEN = {**DOOR, "id": OFFICE}
SITE = "/service_at_locations/1"


def entry(*sites: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "service_at_locations": [{"id": own, "location": place} for own, place in sites],
        **more,
    }


CLOSED = {**SHUT, "visibility": "restricted"}
NOW = Formerly(entry(("1", CLOSED), ("2", OPEN)), None)


@pytest.mark.parametrize(
    ("pointer", "was", "told"),
    [
        ("", entry(("1", DOOR), ("2", OPEN)), entry(("1", SHUT), ("2", OPEN))),
        ("/service_at_locations", [{"id": "1", "location": DOOR}], [{"id": "1", "location": SHUT}]),
        (SITE, {"id": "1", "location": DOOR}, {"id": "1", "location": SHUT}),
        (SITE, {"id": "1"}, {"id": "1"}),
        (f"{SITE}/location", DOOR, SHUT),
        (f"{SITE}/location/latitude", 10.6, None),
        (f"{SITE}/location/addresses/a/address_1", "Calle 1", None),
        (f"{SITE}/location/pcode", "VE231301", "VE23"),
        (f"{SITE}/location/name", "Casa", "Casa"),
        (f"{SITE}/description", "lunes", "lunes"),
        # The entry no longer has its old place.
        ("/service_at_locations/9/location/latitude", 10.6, None),
        ("/service_at_locations/2/location/latitude", 10.6, 10.6),
        ("/service_at_locations/2/location", OPEN, OPEN),
        ("/name", "Casa", "Casa"),
        (SITE, None, None),
    ],
)
def test_what_must_not_be_stored_now_is_not_told(pointer: str, was: Any, told: Any) -> None:
    assert NOW.shown(pointer, was) == told


def test_of_an_open_entry_all_is_told() -> None:
    assert Formerly(entry(("1", DOOR))).shown(f"{SITE}/location", DOOR) == DOOR


@pytest.mark.parametrize("closed_in", [0, 1])
def test_closed_in_the_draft_or_in_what_is_published_is_closed(closed_in: int) -> None:
    documents = [entry(("1", DOOR)), entry(("1", DOOR))]
    documents[closed_in] = entry(("1", DOOR), visibility="restricted")
    assert Formerly(*documents).shown(f"{SITE}/location/latitude", 10.6) is None
