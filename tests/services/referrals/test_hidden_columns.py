"""What the directory hides is also hidden in the copy that referrals has. The test finds every column that a hidden
service reaches. It checks that no response shows the content to callers who may not see the service.

`hidden_columns.csv` states the protection of each column.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from common.events.directory import (
    HiddenPart,
    PathwayPublished,
    PathwayStep,
    SightChanged,
)
from common.ids import new_id
from fastapi import FastAPI
from referrals.ground.row_security import act_as_service

from tests.services.referrals.readable_routes import walk
from tests.services.referrals.screening_words import concluded
from tests.services.referrals.story import Story
from tests.support.hidden_columns import Columns, holding, listed
from tests.support.principals import organisation

RULES = {
    "audit",  # Ids, for the organisation itself and for auditors.
    "copy",  # Read through `seen_by` only.
    "event",  # Ids and codes, for services that know each person's access.
    "list",  # For the list that a restore applies. No route reads it.
    "own",  # Read only by the organisation that acted or was addressed.
    "party",  # For people who chose the service when they saw it, and the service's own staff.
    "suggestion",  # Shown while the reader may see the service.
}
KEEPER, MANAGER = organisation(77), organisation(78)
AREA, UNTIL = "VE2002", datetime(2031, 7, 9, 3, 4, 5, tzinfo=UTC)
DETAILS = (str(MANAGER), AREA, "2031-07-09")
REFERRER, BYSTANDER = "ngo-refugio", "ngo-legal"
OTHERS = (
    BYSTANDER, "ngo-salud", "ngo-salud-supervisor", "cp-coordinator", "health-cluster",
    "im-officer", "auditor",
)  # fmt: skip
AUDITED = {"auditor": {"/audit", "/audit/export"}}
OWN = {
    "/cases/{case_id}/referrals/{referral_id}",
    "/consents",
    "/exceptions",
    "/fhir/Consent",
    "/fhir/Organization",
    "/fhir/ServiceRequest",
    "/fhir/Task",
    "/fhir/ServiceRequest/{referral_id}",
    "/fhir/Task/{referral_id}",
    "/referrals",
    "/referrals/{referral_id}",
    "/work",
}
"""Where a referrer reads to which service it referred."""


class House:
    """A service that every partner sees, used in every way and later restricted."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.id = str(new_id())

    async def announced(self, version: int, visibility: str) -> None:
        hidden = (HiddenPart(id=UUID(self.id), visibility="restricted"),)
        await self.story.told(SightChanged(version=version, entry_id=UUID(self.id), hidden=hidden))
        await self.story.service(
            KEEPER,
            ("HLT", "CP-CM"),
            ("VE2313", AREA),
            service_id=UUID(self.id),
            version=version,
            visibility=visibility,
            aors=("GBV",),
            managed_by=MANAGER,
            valid_until=UNTIL,
            states=("VE23",),
            countries=("VE",),
        )

    async def used(self) -> "House":
        story = self.story
        await self.announced(1, "partners")
        step = PathwayStep(step="care", need="HLT", alternatives=(UUID(self.id),))
        await story.told(
            PathwayPublished(pathway_id=new_id(), version=1, aor="GBV", area="VE23", steps=(step,))
        )
        team = await story.call(
            "ngo-refugio-supervisor",
            "PUT",
            f"/services/{self.id}/team",
            {"clients": ["somebody"]},
            org=str(KEEPER),
        )
        assert team.status_code < 300, team.text
        referral = await story.sent(service_id=self.id)
        self.own = {"referral_id": referral["id"], "case_id": referral["case_id"]}
        exception = {
            "case_id": referral["case_id"],
            "service_id": self.id,
            "purpose": "HLT",
            "basis": "vital_interest",
            "items": ["name"],
            "rationale": "she is unconscious and alone",
            "person_informed": False,
        }
        await story.made(REFERRER, "/exceptions", exception)
        self.screening = (await concluded(story))["id"]
        of_case = {"case_id": referral["case_id"]}
        await story.made(REFERRER, f"/screenings/{self.screening}/case", of_case)
        self.others = await self._suggested_to_another()
        return self

    async def _suggested_to_another(self) -> dict[str, str]:
        story = self.story
        case = (await story.case(BYSTANDER))["id"]
        service = await story.service()
        grant = await story.consent(case, service, BYSTANDER)
        draft = await story.draft(case, service, BYSTANDER)
        path = f"/referrals/{draft['id']}"
        await story.made(BYSTANDER, f"{path}/send", {"grant_id": grant["id"]})
        await story.made("ngo-salud", f"{path}/suggest", {"service_id": self.id})
        return {"referral_id": draft["id"], "case_id": case, "grant_id": grant["id"]}

    async def planned(self) -> str:
        return (await self.story.post(REFERRER, f"/screenings/{self.screening}/drafts", {})).text

    async def said(self, app: FastAPI, who: str, words: tuple[str, ...]) -> dict[str, str]:
        """Return the paths that show any of the words to the caller."""
        ids: Mapping[str, str] = self.own if who == REFERRER else self.others
        return {
            route: next(word for word in words if word in text)
            for route, (_, text) in (await walk(self.story, app, who, ids)).items()
            if any(word in text for word in words)
        }

    async def reached(self) -> Columns:
        async with self.story.database.transaction() as session:
            await act_as_service(session)
            return await holding(session, (self.id, str(KEEPER), *DETAILS))


@pytest.fixture
async def house(story: Story) -> House:
    return await House(story).used()


async def test_every_column_that_a_hidden_service_reaches_has_its_rule(house: House) -> None:
    await house.announced(2, "restricted")
    rules = listed("referrals")
    assert {*await house.reached()} == rules.keys()
    assert set(rules.values()) == RULES


@pytest.mark.slow
async def test_nothing_of_a_hidden_service_is_in_any_answer_to_who_may_not_see_it(
    house: House, app: FastAPI
) -> None:
    words = (house.id, str(KEEPER), *DETAILS)
    shown = await house.said(app, BYSTANDER, words)
    assert {"/referrals/{referral_id}", "/referrals/{referral_id}/alternatives"} <= shown.keys()
    assert house.id in await house.planned()

    await house.announced(2, "restricted")
    for who in OTHERS:
        said = await house.said(app, who, words)
        assert said.keys() == AUDITED.get(who, set()), (who, said)
    assert house.id not in await house.planned()
    own = await house.said(app, REFERRER, words)
    assert own.keys() == OWN, own
    assert await house.said(app, REFERRER, DETAILS) == {}
