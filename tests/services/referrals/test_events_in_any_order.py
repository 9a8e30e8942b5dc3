"""The directory's copy is the same in whatever order its events arrive."""

from itertools import permutations
from uuid import UUID

import pytest
from common.events.directory import CapacityChanged, ServiceChanged, ServiceData, ServicePublished
from common.ids import new_id

from tests.services.referrals.story import Story
from tests.support.principals import organisation

_KNOWN = {
    "organisation_id": organisation(2),
    "aors": ["GBV"],
    "areas": ["VE23"],
    "visibility": "partners",
    "functional_status": "fully_functional",
    "endorsed_by": [],
}


def _events() -> list[ServiceData | CapacityChanged]:
    """Return the publication of a service, then two events that change its categories and its capacity at once."""
    service = new_id()
    return [
        ServicePublished.model_validate(
            {**_KNOWN, "service_id": service, "version": 1, "categories": ["HLT"],
             "capacity_state": "accepting", "referable": True}
        ),
        ServiceChanged.model_validate(
            {**_KNOWN, "service_id": service, "version": 2, "categories": ["HLT", "LEG"],
             "capacity_state": "full", "referable": False}
        ),
        CapacityChanged.model_validate(
            {"service_id": service, "organisation_id": organisation(2), "version": 3,
             "capacity_state": "full", "functional_status": "fully_functional",
             "referable": False}
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_is_known_of_a_service_does_not_depend_on_the_order(
    story: Story, order: tuple[int, ...], together: bool
) -> None:
    events = _events()
    if together:
        await story.told(*(events[position] for position in order))
    else:
        for position in order:
            await story.told(events[position])
    (row,) = await story.rows(
        "SELECT categories, capacity_state, referable FROM directory_services WHERE service_id = :id",
        id=events[0].service_id,
    )
    assert row.categories == ["HLT", "LEG"]
    assert (row.capacity_state, row.referable) == ("full", False)


async def test_of_services_that_close_together_each_open_referral_is_flagged_once(
    story: Story,
) -> None:
    closing = [await story.service(), await story.service()]
    referrals = [await story.sent(service_id=each) for each in (*closing, await story.service())]
    await story.told(
        *(
            CapacityChanged(
                service_id=UUID(each),
                organisation_id=organisation(2),
                version=version,
                functional_status="suspended",
                referable=False,
            )
            for version in (2, 3)
            for each in closing
        )
    )
    seen = [(await story.get("ngo-refugio", f"/referrals/{r['id']}")).json() for r in referrals]
    assert [each["service_flag"] for each in seen] == ["not_referable", "not_referable", None]
    feed = (await story.get("ngo-refugio", "/feed")).json()["items"]
    told = [e["subject_id"] for e in feed if e["kind"] == "referral.service_not_referable"]
    assert sorted(told) == sorted(r["id"] for r in referrals[:2])
