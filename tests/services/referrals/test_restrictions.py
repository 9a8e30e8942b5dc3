"""The worker exports restrictions in a signed list, and applies the list to a restored backup."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from common import chained, clock
from common.chained import BrokenList, Signer
from common.crypto import new_key
from common.db.session import Database
from common.events.directory import HiddenPart, SightChanged
from referrals.case.cases.service import CONTACT_IN_DOUBT
from referrals.ground.directory.queries import shown_services
from referrals.ground.keys.store import CaseKeys
from referrals.ground.restrictions import words
from referrals.ground.restrictions.export import tell
from referrals.ground.restrictions.words import Kind, WordSeal
from referrals.ground.row_security import act_as_service
from referrals.restoration_service import restrict_again

from tests.services.referrals.line_words import TIP, Reporter, handed_over
from tests.services.referrals.story import SALUD, Story
from tests.support.principals import principal

WHEN = "2026-11-30T10:00:00+00:00"
SECRET = new_key()
SEAL = WordSeal(SECRET)


@pytest.fixture
def signer() -> Signer:
    return words.signer_of(SECRET)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "restrictions.jsonl"


async def told(database: Database, file: Path, signer: Signer) -> dict[UUID, Mapping[str, Any]]:
    """Return the last entry of each kind after the worker's round."""
    await tell(database, file, signer, SEAL)
    lines = (await asyncio.to_thread(chained.read, file, signer)).lines
    return {UUID(line["id"]): line["word"] for line in lines}


def listed(file: Path, signer: Signer, kind: Kind, subject: str, **word: Any) -> chained.Chained:
    """Write a list with only this entry, which the backup does not contain."""
    line = {"kind": kind, "id": subject, "word": word, "at": WHEN}
    chained.append(file, signer, [line])
    return chained.read(file, signer)


async def mark(story: Story, case_id: str, *who: UUID) -> None:
    body = {"organisation_ids": [str(each) for each in who]}
    path = f"/cases/{case_id}/implicated-organisations"
    assert (await story.call("ngo-refugio", "PUT", path, body)).status_code == 200


async def reads(story: Story, referral: dict[str, Any]) -> int:
    path = f"/referrals/{referral['id']}/disclosure"
    return (await story.get("ngo-salud", path)).status_code


async def test_what_ends_is_in_the_list_once_and_names_nobody(
    story: Story, database: Database, file: Path, signer: Signer
) -> None:
    referral = await story.accepted()
    await story.made("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw", {})
    await mark(story, referral["case_id"], SALUD)
    last = await told(database, file, signer)
    assert last.get(UUID(referral["grant_id"])) == {}
    text = await asyncio.to_thread(file.read_text)
    assert str(SALUD) not in text
    case_id = UUID(referral["case_id"])
    opened = SEAL.opened(Kind.IMPLICATED, case_id, last[case_id])
    assert opened == {"organisations": [str(SALUD)]}
    await told(database, file, signer)
    assert await asyncio.to_thread(file.read_text) == text, "nothing new is said"
    await mark(story, referral["case_id"])
    assert (await told(database, file, signer))[UUID(referral["case_id"])] == {}


async def test_the_copy_of_the_directory_hides_what_was_hidden_before_the_directory_says_so(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    hidden, held = await story.service(), await story.service()
    for service, word in ((hidden, {"hidden": {hidden: 3}}), (held, {"held": 3})):
        known = listed(file, signer, Kind.SERVICE, service, **word)
        await restrict_again(database, case_keys, known, SECRET)
        async with database.transaction() as session:
            assert not await shown_services(session, principal("ngo-legal"), [UUID(service)])


async def test_the_directory_has_the_last_word_and_an_older_one_changes_nothing(
    story: Story, database: Database, file: Path, signer: Signer
) -> None:
    service = uuid4()
    hidden = (HiddenPart(id=service, visibility="restricted"),)
    await story.told(SightChanged(version=3, entry_id=service, hidden=hidden, withdrawn=True))
    wanted = {"withdrawn": True, "hidden": {str(service): 3}}
    assert (await told(database, file, signer))[service] == wanted
    await story.told(SightChanged(version=2, entry_id=service))
    assert (await told(database, file, signer))[service] == wanted
    await story.told(SightChanged(version=4, entry_id=service))
    assert (await told(database, file, signer))[service] == {}


async def test_what_the_backup_and_the_list_restrict_is_the_next_list(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    """The backup hides a service that has been opened since. The service stays hidden, and from then on the list
    restricts it too."""
    service = UUID(await story.service())
    hidden = (HiddenPart(id=service, visibility="pathway"),)
    await story.told(SightChanged(version=3, entry_id=service, hidden=hidden, held="partners"))
    await told(database, file, signer)
    known = listed(file, signer, Kind.SERVICE, str(service), closed="suspended")
    await restrict_again(database, case_keys, known, SECRET)
    both = {"closed": "suspended", "hidden": {str(service): 2}, "held": 1}
    assert (await told(database, file, signer))[service] == both


async def test_of_an_erased_case_nothing_is_told_any_more(
    story: Story, database: Database, file: Path, signer: Signer
) -> None:
    referral = await story.accepted()
    case_id = referral["case_id"]
    await mark(story, case_id, SALUD)
    case = (await story.get("ngo-refugio", f"/cases/{case_id}")).json()
    erased = await story.post(
        "ngo-refugio-supervisor",
        f"/cases/{case_id}/erase",
        {"confirm": case["reference"], "basis": "person_request"},
    )
    assert erased.status_code < 300, erased.text
    assert await told(database, file, signer) == {}


@pytest.mark.parametrize("edited", ['"word":{}', '"at":"2026-11-29'])
def test_a_list_that_somebody_changed_is_refused(file: Path, signer: Signer, edited: str) -> None:
    listed(file, signer, Kind.SERVICE, str(uuid4()), withdrawn=True)
    text = file.read_text()
    former = '"word":{"withdrawn":true}' if "word" in edited else '"at":"2026-11-30'
    assert former in text
    file.write_text(text.replace(former, edited))
    with pytest.raises(BrokenList, match="line 1"):
        chained.read(file, signer)


async def test_a_contact_that_changed_after_the_backup_is_confirmed_before_it_is_used(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    case = await story.case()
    path = f"/cases/{case['id']}"
    before = (await story.get("ngo-refugio", path)).json()["identity"]["contact"]
    later = (clock.now() + timedelta(hours=1)).isoformat()
    known = listed(file, signer, Kind.CONTACT, case["id"], at=later, caregiver=True)
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.CONTACT] == 1
    now = (await story.get("ngo-refugio", path)).json()
    assert now["identity"]["contact"]["safe_way"].startswith(CONTACT_IN_DOUBT)
    assert now["identity"]["contact"]["phone"] == before["phone"]
    assert now["caregiver"] == "absent"
    tasks = (await story.get("ngo-refugio", "/tasks")).json()["items"]
    assert [task["kind"] for task in tasks] == ["confirm_contact"]


async def test_a_change_of_contact_is_in_the_list_and_no_other_change_is(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    case = await story.case()
    path, own = f"/cases/{case['id']}", UUID(case["id"])
    identity = (await story.get("ngo-refugio", path)).json()["identity"]
    await change(story, path, {"identity": {**identity, "name": "Otra"}})
    assert own not in await told(database, file, signer)
    moved = {"phone": "+58 000 000-0009", "safe_way": "nunca"}
    await change(story, path, {"identity": {**identity, "contact": moved}})
    last = await told(database, file, signer)
    assert last[own].keys() == {"at"}
    assert "000-0009" not in await asyncio.to_thread(file.read_text)
    known = await asyncio.to_thread(chained.read, file, signer)
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.CONTACT] == 0


async def change(story: Story, path: str, body: dict[str, Any]) -> None:
    answer = await story.call("ngo-refugio", "PATCH", path, body)
    assert answer.status_code == 200, answer.text


async def test_a_report_is_as_its_reporter_and_the_desk_left_it_after_a_restore(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    """The reporter no longer wants a case, and the report now names an organisation. One entry contains both facts."""
    reporter = Reporter(story)
    report = UUID(await handed_over(story, reporter))
    await reporter.do("wish", wants_case=False)
    marked = {"organisation_ids": [str(SALUD)]}
    path = f"/line/reports/{report}/implicated-organisations"
    assert (await story.call(TIP, "PUT", path, marked)).status_code == 200
    last = await told(database, file, signer)
    opened = SEAL.opened(Kind.LINE_REPORT, report, last[report])
    assert opened.keys() == {"aor", "area", "by_wish", "handed", "no_case", "organisations"}
    assert str(SALUD) not in await asyncio.to_thread(file.read_text)
    await story.service(SALUD)
    async with database.transaction() as session:
        await act_as_service(session)
        await session.execute(
            sa.text("UPDATE line_reports SET wants_case = true, implicated = '{}'")
        )
        await session.execute(sa.text("DELETE FROM restrictions"))
    known = await asyncio.to_thread(chained.read, file, signer)
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.LINE_REPORT] == 1
    (row,) = await story.rows("SELECT wants_case, implicated FROM line_reports")
    assert (row.wants_case, row.implicated) == (False, [SALUD])
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.LINE_REPORT] == 0


async def test_what_a_referral_that_had_ended_still_shared_is_revoked_after_a_restore(
    story: Story, database: Database, case_keys: CaseKeys, file: Path, signer: Signer
) -> None:
    """The referral was delivered, but in the backup its recipient can still read it."""
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}/complete"
    await story.made("ngo-salud", path, {"outcome": "delivered"})
    assert await reads(story, referral) == 200
    known = listed(file, signer, Kind.SHARING, referral["id"])
    assert (await restrict_again(database, case_keys, known, SECRET))[Kind.SHARING] == 1
    assert await reads(story, referral) in (403, 410)
