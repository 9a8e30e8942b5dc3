"""An organisation ends, merges or gives work away. The tests cover who then holds its cases and referrals, and who asks
the person."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common import chained, clock
from common.crypto import key_from_base64
from common.db.session import Database
from common.events.directory import OrganizationRecorded, OrganizationSucceeded
from common.ids import new_id
from referrals.case.transfers.service import offer_left_behind
from referrals.ground.keys.blind_index import BlindIndex
from referrals.ground.keys.store import CaseKeys
from referrals.ground.restrictions import words
from referrals.ground.restrictions.words import Kind
from referrals.listening.line.handing_service import give_back_of_ended
from referrals.referral.referrals.handed_over_service import end_with_former
from referrals.restoration_service import restrict_again
from referrals.settings import Settings

from tests.services.referrals.line_words import TIP, Reporter, handed_over
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING, case_form
from tests.services.referrals.test_intake import send
from tests.services.referrals.test_restrictions import SECRET
from tests.services.referrals.test_scenarios import transfer_offer


@pytest.fixture
def blind(settings: Settings) -> BlindIndex:
    return BlindIndex(key_from_base64(settings.blind_index_key.get_secret_value()))


class Ending:
    """Transfers Refugio's work to Legal, and runs the worker's rounds."""

    def __init__(self, story: Story, database: Database, keys: CaseKeys, blind: BlindIndex) -> None:
        self.story, self._database, self._keys, self._blind = story, database, keys, blind

    async def told(
        self, kind: str = "ended", to: UUID = LEGAL, *areas: str, of: UUID = REFUGIO
    ) -> None:
        event = OrganizationSucceeded(
            version=1,
            succession_id=new_id(),
            organisation_id=of,
            successor_id=to,
            kind=kind,
            areas=areas,
            decided_at=clock.now(),
        )
        await self.story.told(event)
        await self.turn()

    async def turn(self) -> int:
        return await offer_left_behind(self._database, self._keys, self._blind)

    async def offered(self, case_id: str, who: str = "ngo-legal") -> dict[str, Any] | None:
        rows = (await self.story.get(who, "/transfers?limit=500")).json()["items"]
        found = [row for row in rows if row["case_id"] == case_id]
        assert len(found) < 2
        return found[0] if found else None


@pytest.fixture
def ending(story: Story, database: Database, case_keys: CaseKeys, blind: BlindIndex) -> Ending:
    return Ending(story, database, case_keys, blind)


async def test_a_case_waits_without_content_until_its_person_says_yes_to_the_successor(
    story: Story, ending: Ending
) -> None:
    case = await story.case()
    await ending.told()
    offer = await ending.offered(case["id"])
    assert offer is not None
    assert (offer["state"], offer["asks"]) == ("offered", True)
    path = f"/transfers/{offer['id']}"
    detail = (await story.get("ngo-legal", path)).json()
    assert (detail["reference"], detail["offer"]) == (case["reference"], None)
    assert "Canaria" not in (await story.get("ngo-legal", path)).text
    assert (await story.get("ngo-legal", f"/cases/{case['id']}")).status_code == 404
    work = (await story.get("ngo-legal", "/work")).json()["items"]
    assert [row["about"] for row in work if row["ids"].get("case_id") == case["id"]] == [
        "ask_again"
    ]
    for body in ({}, {"consent": None}):
        refused = await story.post("ngo-legal", f"{path}/accept", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "no_consent")
    assert (await story.get("ngo-legal", f"/cases/{case['id']}")).status_code == 404
    await story.made("ngo-legal", f"{path}/accept", {"consent": {"method": "verbal"}})
    read = await story.get("ngo-legal", f"/cases/{case['id']}")
    assert read.json()["identity"]["name"] == "Yolimar Canaria Perdomo"
    assert (await story.get("ngo-refugio", f"/cases/{case['id']}")).status_code == 404
    grants = (await story.get("ngo-legal", f"/consents?case_id={case['id']}")).json()["items"]
    assert [(g["kind"], g["requested_by"]) for g in grants] == [("transfer", "ngo-legal")]
    assert await ending.turn() == 0


async def test_a_person_who_said_yes_before_is_the_successors_at_once(
    story: Story, ending: Ending
) -> None:
    asked, withdrawn = await story.case(), await story.case()
    await transfer_offer(story, asked["id"], LEGAL)
    taken_back = await transfer_offer(story, withdrawn["id"], LEGAL)
    await story.made("ngo-refugio", f"/consents/{taken_back['grant_id']}/withdraw", {})
    await ending.told("merged")
    offer = await ending.offered(asked["id"])
    assert offer is not None
    assert offer["state"] == "accepted"
    assert (await story.get("ngo-legal", f"/cases/{asked['id']}")).status_code == 200
    assert (await story.get("ngo-refugio", f"/cases/{asked['id']}")).status_code == 404
    assert (await story.get("ngo-legal", f"/cases/{withdrawn['id']}")).status_code == 404


async def test_nothing_of_a_case_goes_to_a_successor_that_it_accuses(
    story: Story, ending: Ending
) -> None:
    case = await story.case()
    path = f"/cases/{case['id']}/implicated-organisations"
    await story.call("ngo-refugio", "PUT", path, {"organisation_ids": [str(LEGAL)]})
    await ending.told()
    assert await ending.offered(case["id"]) is None


async def test_a_split_takes_the_cases_of_its_areas_and_the_organisation_goes_on(
    story: Story, ending: Ending
) -> None:
    inside, outside = await story.case(area="VE2313"), await story.case(area="VE0710")
    await ending.told("split", LEGAL, "VE23")
    assert await ending.offered(inside["id"]) is not None
    assert await ending.offered(outside["id"]) is None
    await story.case()


async def test_an_organisation_that_ended_opens_no_case_and_takes_no_offer_back(
    story: Story, ending: Ending
) -> None:
    case = await story.case()
    await ending.told()
    body = {"identity": {"name": "Otra"}, "area": "VE2313"}
    refused = await story.post("ngo-refugio", "/cases", body)
    assert (refused.status_code, refused.json()["detail_code"]) == (
        403,
        "your_organisation_has_ended",
    )
    offer = await ending.offered(case["id"])
    assert offer is not None
    path = f"/transfers/{offer['id']}"
    kept = await story.post("ngo-refugio", f"{path}/recall", {"reason": "other"})
    assert (kept.status_code, kept.json()["detail_code"]) == (403, "succession_offers_it")
    await story.made("ngo-legal", f"{path}/decline", {"reason": "capacity"})
    assert await ending.turn() == 0, "who declined is not asked again"
    with clock.shifted(timedelta(minutes=1)):
        await ending.told("ended", SALUD)
    assert await ending.offered(case["id"], "ngo-salud") is not None


async def test_an_offer_to_a_successor_that_ends_too_goes_to_its_own_successor(
    story: Story, ending: Ending
) -> None:
    case = await story.case()
    await ending.told()
    with clock.shifted(timedelta(minutes=1)):
        await ending.told("merged", SALUD, of=LEGAL)
        offer = await ending.offered(case["id"], "ngo-salud")
        assert offer is not None
        assert offer["from_organisation"] == str(REFUGIO)
        former = await ending.offered(case["id"])
        assert former is not None
        assert former["state"] == "recalled"
        assert await ending.turn() == 0


async def test_what_was_sent_to_an_organisation_that_ended_ends_too(
    story: Story, ending: Ending, database: Database, case_keys: CaseKeys
) -> None:
    referral = await story.accepted()
    await ending.told("ended", LEGAL, of=SALUD)
    assert await end_with_former(database, case_keys) == 1
    seen = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert (seen["state"], seen["reason"]) == ("recalled", "service_handed_over")


async def test_a_report_that_waits_at_an_organisation_that_ended_is_the_desks_again(
    story: Story, ending: Ending, database: Database
) -> None:
    """A report that became a case stays with the case, and an organisation that has a report in a split keeps it."""
    reporter, other = Reporter(story), Reporter(story)
    waits, cased = await handed_over(story, reporter), await handed_over(story, other)
    await story.made("ngo-legal", f"/line/handed-over/{cased}/case", {"area": "VE2313"})
    await ending.told("split", SALUD, "VE23", of=LEGAL)
    assert await give_back_of_ended(database) == 0
    await ending.told("merged", SALUD, of=LEGAL)
    assert await give_back_of_ended(database) == 1
    assert await give_back_of_ended(database) == 0
    assert (await story.get("ngo-legal", f"/line/handed-over/{waits}")).status_code == 404
    assert (await story.get("ngo-legal", f"/line/handed-over/{cased}")).status_code == 200
    seen = (await story.get(TIP, f"/line/reports/{waits}")).json()
    assert (seen["status"], seen["handed_to"]) == ("open", None)
    work = (await story.get(TIP, "/work")).json()["items"]
    assert waits in [row["ids"].get("report_id") for row in work]


@pytest.mark.parametrize(("who", "of"), [("ngo-legal", LEGAL), ("ngo-salud", SALUD)])
async def test_after_a_restore_people_may_let_the_other_organisation_go_on(
    story: Story, ending: Ending, who: str, of: UUID
) -> None:
    """The list records that Refugio merged into Legal. The restored directory does not, and another organisation merges
    into Refugio."""
    case, theirs = await story.case(), await story.case(who)
    await ending.told("merged")
    offer = await ending.offered(case["id"])
    assert offer is not None
    with clock.shifted(timedelta(minutes=1)):
        await ending.told("merged", REFUGIO, of=of)
        assert await ending.turn() == 0
        back = await ending.offered(theirs["id"], "ngo-refugio")
        assert back is not None
        assert (back["from_organisation"], back["state"]) == (str(of), "offered")
        rows = await story.rows("SELECT 1 FROM transfers WHERE from_organisation = to_organisation")
        assert rows == [], "nobody is offered what it holds"
        await story.case()
        refused = await story.post(who, "/cases", {"area": "VE2313"})
        assert refused.json()["detail_code"] == "your_organisation_has_ended"


async def test_a_form_of_an_organisation_that_ended_makes_no_case(
    story: Story, ending: Ending
) -> None:
    form = await case_form(story, "primero", PRIMERO_MAPPING)
    await ending.told()
    sent = await send(story, form, PRIMERO)
    assert sent.status_code < 500, sent.text
    assert await story.rows("SELECT 1 FROM cases") == []


async def test_a_restored_backup_offers_the_cases_again(
    story: Story,
    ending: Ending,
    database: Database,
    case_keys: CaseKeys,
    tmp_path: Path,
) -> None:
    case = await story.case()
    word = {
        "organisation": str(REFUGIO),
        "successor": str(LEGAL),
        "kind": "merged",
        "areas": [],
        "at": clock.now().isoformat(),
    }
    line = {"kind": Kind.SUCCESSION, "id": str(new_id()), "word": word, "at": word["at"]}
    file, signer = tmp_path / "list", words.signer_of(SECRET)
    chained.append(file, signer, [line])
    known = chained.read(file, signer)
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.SUCCESSION] == 1
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.SUCCESSION] == 0
    await ending.turn()
    assert await ending.offered(case["id"]) is not None


async def test_what_was_sent_to_a_service_that_changed_hands_ends_and_its_referrer_asks_again(
    story: Story, database: Database, case_keys: CaseKeys
) -> None:
    referral = await story.accepted()
    other = await story.sent()
    service_id = UUID(referral["service_id"])
    unused = await story.consent(referral["case_id"], str(service_id))
    assert await end_with_former(database, case_keys) == 0
    await story.service(LEGAL, service_id=service_id, version=2)
    assert await end_with_former(database, case_keys) == 1
    seen = (await story.get("ngo-refugio", f"/referrals/{referral['id']}")).json()
    assert (seen["state"], seen["reason"]) == ("recalled", "service_handed_over")
    assert (await story.get("ngo-refugio", f"/referrals/{other['id']}")).json()["state"] == "sent"
    assert (await story.get("ngo-legal", f"/referrals/{referral['id']}")).status_code == 404
    assert (
        await story.get("ngo-salud", f"/referrals/{referral['id']}/disclosure")
    ).status_code == 410
    tasks = (await story.get("ngo-refugio", "/tasks")).json()["items"]
    assert [(t["kind"], t["referral_id"]) for t in tasks] == [
        ("service_handed_over", referral["id"])
    ]
    assert "case.reconsent_needed" in await story.told_to("ngo-refugio", referral["case_id"])
    again = {"grant_id": unused["id"], "in_addition": True}
    draft = await story.draft(referral["case_id"], str(service_id))
    refused = await story.post("ngo-refugio", f"/referrals/{draft['id']}/send", again)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_consent")


async def test_an_organisation_that_an_outside_provider_names_is_one_of_the_directory(
    story: Story,
) -> None:
    body = {"identity": {"name": "Una"}, "area": "VE2313"}
    nobody, recorded = new_id(), new_id()
    for organisation_id in (nobody, recorded):
        refused = await story.post(
            "ngo-refugio", "/cases", body, org=str(organisation_id), outside=True
        )
        assert (refused.status_code, refused.json().get("detail_code")) == (
            403,
            "directory_does_not_know_your_organisation",
        )
    await story.made("ngo-refugio", "/cases", body, org=str(nobody))
    await story.told(OrganizationRecorded(version=1, organisation_id=recorded))
    await story.made("ngo-refugio", "/cases", body, org=str(recorded), outside=True)
