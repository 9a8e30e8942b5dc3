"""For each kind in the registry, everything that ended or moved after a backup has also ended or moved after the
restore."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from common import chained
from common.crypto import key_from_base64
from common.db.session import Database
from common.messages.sms import RapidPro, Sms
from common.words.referral_states import ReferralState
from fastapi import FastAPI
from httpx import Response
from referrals.case.cases.service import CONTACT_IN_DOUBT
from referrals.case.consents.queries import code_digest
from referrals.ground.keys.store import CaseKeys
from referrals.ground.restrictions import words
from referrals.ground.restrictions.export import tell
from referrals.ground.restrictions.words import OF_DIRECTORY, Kind, WordSeal
from referrals.restoration_service import restrict_again
from referrals.settings import Settings
from referrals.telling.channels.transports.offered import Transports
from sqlalchemy.ext.asyncio import AsyncConnection
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.case_commands import NGO, RECIPIENT, TAKER, Situation
from tests.services.referrals.line_words import TIP, Reporter, handed_over
from tests.services.referrals.screening_words import certify
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_borders import agreed, by_an_exception
from tests.services.referrals.test_bridges import PRIMERO_MAPPING, case_form
from tests.support.databases import undone

CHIEF = "ngo-refugio-supervisor"


@pytest.fixture
async def connection(referrals_database: ServiceDatabase) -> AsyncIterator[AsyncConnection]:
    async with undone(referrals_database) as opened:
        yield opened


@pytest.fixture
def database(connection: AsyncConnection) -> Database:
    return Database.bound_to(connection)


@dataclass(frozen=True)
class Past:
    """One kind's story. `made` creates the object before the backup, `ends` ends it later, and `back` returns whether
    the backup's state is back."""

    made: Callable[[Situation], Awaitable[Any]]
    ends: Callable[[Situation], Awaitable[Response]]
    back: Callable[[Situation], Awaitable[bool]]


def needs(*names: str) -> Callable[[Situation], Awaitable[Any]]:
    return lambda it: it.needs(names)


def ask(
    who: str, route: str, body: Callable[[Situation], Any] = lambda _: {}
) -> Callable[[Situation], Awaitable[Response]]:
    method, path = route.split()
    return lambda it: it.story.call(who, method, path.format(**it.ids), body(it))


def is_read(who: str, path: str) -> Callable[[Situation], Awaitable[bool]]:
    async def back(it: Situation) -> bool:
        answer = await it.story.get(who, path.format(**it.ids))
        return answer.status_code == 200

    return back


def says(
    who: str, path: str, judge: Callable[[Situation, Any], bool]
) -> Callable[[Situation], Awaitable[bool]]:
    async def back(it: Situation) -> bool:
        return judge(it, (await it.story.get(who, path.format(**it.ids))).json())

    return back


def one_of(found: Any, own: str) -> dict[str, Any]:
    items = found["items"] if isinstance(found, dict) else found
    return next((each for each in items if each["id"] == own), {})


async def _by_exception(it: Situation) -> None:
    case, service = await it.story.case(), await it.story.service()
    sent = (await by_an_exception(it.story, await it.story.draft(case["id"], service), "")).json()
    it.ids["referral"] = sent["id"]


async def _contact(it: Situation) -> Response:
    identity = (await it.story.get(NGO, f"/cases/{it['case']}")).json()["identity"]
    moved = {"phone": "+58 000 000-0009", "safe_way": "nunca"}
    changed = {"identity": {**identity, "contact": moved}}
    return await it.story.call(NGO, "PATCH", f"/cases/{it['case']}", changed)


async def _turns_out_a_child(it: Situation) -> Response:
    identity = (await it.story.get(NGO, f"/cases/{it['case']}")).json()["identity"]
    changed = {"identity": {**identity, "birth_date": None, "age": 15}}
    return await it.story.call(NGO, "PATCH", f"/cases/{it['case']}", changed)


def _former_contact(_: Situation, case: Any) -> bool:
    contact = case["identity"]["contact"]
    former = contact["phone"] == "+58 412 5550199"
    return former and not contact["safe_way"].startswith(CONTACT_IN_DOUBT)


async def _handed(it: Situation) -> None:
    it.reporter = Reporter(it.story)  # type: ignore[attr-defined]
    it.ids["report"] = await handed_over(it.story, it.reporter)  # type: ignore[attr-defined]


async def _asked_of_another(it: Situation) -> None:
    """Prepare a report without the reporter's consent to a case, and an exception that waits for a second person."""
    await it.story.service(LEGAL)
    it.reporter = Reporter(it.story)  # type: ignore[attr-defined]
    it.ids["report"] = (await it.reporter.report())["id"]  # type: ignore[attr-defined]
    path = f"/line/reports/{it['report']}/exceptions"
    body = {"organisation_id": str(LEGAL), "basis": "vital_interest", "rationale": "x" * 30}
    it.ids["asked"] = (await it.story.made(TIP, path, body))["id"]


async def _decided(it: Situation, *, approve: bool) -> Response:
    path = f"/line/exceptions/{it['asked']}/decide"
    chief = {"roles": ["supervisor"], "sub": "legal-chief"}
    return await it.story.post(TAKER, path, {"approve": approve}, **chief)


async def _handed_by_exception(it: Situation) -> None:
    await _asked_of_another(it)
    await _decided(it, approve=True)
    path = f"/line/reports/{it['report']}/hand-over"
    body = {"organisation_id": str(LEGAL), "exception_id": it["asked"]}
    await it.story.made(TIP, path, body)


async def _handed_by_wish_which_ends(it: Situation) -> Response:
    reporter: Reporter = it.reporter  # type: ignore[attr-defined]
    await it.story.made(
        TAKER, f"/line/handed-over/{it['report']}/give-back", {"reason": "capacity"}
    )
    await reporter.do("wish", wants_case=True)
    body = {"organisation_id": str(LEGAL)}
    await it.story.made(TIP, f"/line/reports/{it['report']}/hand-over", body)
    return await reporter.do("wish", wants_case=False)


async def _read_in_its_former_state(it: Situation) -> bool:
    answer = await it.story.get(TIP, f"/line/reports/{it['report']}", areas=["VE23"])
    return answer.status_code == 200


async def _waits_for_a_decision(it: Situation) -> bool:
    items = (await it.story.get(TIP, "/line/exceptions")).json()["items"]
    return bool(one_of(items, it["asked"])["status"] == "pending")


async def _former_code(it: Situation) -> bool:
    rows = await it.story.rows(
        "SELECT withdrawal_digest FROM grants WHERE id = :id", id=UUID(it["grant"])
    )
    return bool(rows[0].withdrawal_digest == code_digest(it["code"]))


async def _protocol(it: Situation) -> None:
    it.ids["protocol"] = await agreed(it.story)


async def _certificate(it: Situation) -> None:
    it.ids["certificate"] = (await certify(it.story, "R-1"))["id"]


async def _webhook(it: Situation) -> None:
    made = await it.story.made(RECIPIENT, "/webhooks", {"url": "https://127.0.0.1/hook"})
    it.ids["webhook"] = made["id"]


async def _channel(it: Situation) -> None:
    body = {"kind": "sms", "address": "+58 412 5550100"}
    it.ids["channel"] = (await it.story.made(RECIPIENT, "/channels", body))["id"]


async def _form(it: Situation) -> None:
    made = await case_form(it.story, "primero", PRIMERO_MAPPING)
    it.ids.update(form=made["id"], secret=made["secret"])


async def _takes(it: Situation) -> bool:
    """Return whether the old secret opens the form. The form then refuses the body because it is not a record."""
    path, known = f"/intake/forms/{it['form']}/submissions", {"X-Form-Secret": it["secret"]}
    sent = await it.story.call("anonymous", "POST", path, {}, headers=known)
    return sent.status_code != 404


_DISCLOSED = is_read(RECIPIENT, "/referrals/{referral}/disclosure")
PASTS: dict[Kind, Past] = {
    Kind.CONSENT: Past(needs("referral"), ask(NGO, "POST /consents/{grant}/withdraw"), _DISCLOSED),
    Kind.EXCEPTION: Past(
        _by_exception, ask(NGO, "POST /referrals/{referral}/withdraw"), _DISCLOSED
    ),
    Kind.SHARING: Past(
        needs("referral"),
        ask(NGO, "POST /referrals/{referral}/recall", lambda _: {"reason": "other"}),
        _DISCLOSED,
    ),
    Kind.TRANSFER: Past(
        needs("transfer"),
        ask(NGO, "POST /transfers/{transfer}/recall", lambda _: {"reason": "mistake"}),
        says(TAKER, "/transfers/{transfer}", lambda _, seen: seen["state"] == "offered"),
    ),
    Kind.HOLDER: Past(
        needs("transfer"),
        ask(TAKER, "POST /transfers/{transfer}/accept"),
        is_read(NGO, "/cases/{case}"),
    ),
    Kind.IMPLICATED: Past(
        needs("referral"),
        ask(
            NGO,
            "PUT /cases/{case}/implicated-organisations",
            lambda _: {"organisation_ids": [str(SALUD)]},
        ),
        _DISCLOSED,
    ),
    Kind.LINE_REPORT: Past(
        _handed,
        lambda it: it.reporter.do("wish", wants_case=False),  # type: ignore[attr-defined]
        is_read(TAKER, "/line/handed-over/{report}"),
    ),
    Kind.ENTRY: Past(
        needs("entry"),
        ask(NGO, "POST /cases/{case}/entries/{entry}/take-back"),
        says(NGO, "/cases/{case}/entries/{entry}", lambda _, seen: seen["content"] is not None),
    ),
    Kind.CONTACT: Past(needs("case"), _contact, says(NGO, "/cases/{case}", _former_contact)),
    Kind.AGE: Past(
        needs("case"),
        _turns_out_a_child,
        says(NGO, "/cases/{case}", lambda _, case: case["identity"]["age"] != 15),
    ),
    Kind.CODE: Past(
        needs("grant"), ask(NGO, "POST /consents/{grant}/withdrawal-code"), _former_code
    ),
    Kind.LINK: Past(
        needs("link"),
        ask(NGO, "POST /referrals/{referral}/answer-links", lambda _: {"language": "es"}),
        is_read("anonymous", "/answer/{link}"),
    ),
    Kind.COMPARISON: Past(
        needs("compared"),
        ask(RECIPIENT, "DELETE /cases/{theirs}/matching"),
        says(
            NGO, "/matches", lambda it, seen: one_of(seen, it["compared"])["status"] == "possible"
        ),
    ),
    Kind.MATCH: Past(
        needs("compared"),
        ask(RECIPIENT, "POST /matches/{compared}/refuse"),
        says(
            NGO, "/matches", lambda it, seen: one_of(seen, it["compared"])["status"] == "possible"
        ),
    ),
    Kind.TEAM: Past(
        needs("referral"),
        ask(
            "ngo-salud-supervisor",
            "PUT /services/{service}/team",
            lambda _: {"clients": ["ngo-salud-other"]},
        ),
        _DISCLOSED,
    ),
    Kind.PROTOCOL: Past(
        _protocol,
        ask("im-officer", "POST /protocols/{protocol}/end"),
        says("im-officer", "/protocols", lambda it, seen: bool(one_of(seen, it["protocol"]))),
    ),
    Kind.CERTIFICATE: Past(
        _certificate,
        ask(CHIEF, "POST /certificates/{certificate}/revoke", lambda _: {"reason": "left"}),
        says(
            NGO,
            "/certificates",
            lambda it, seen: one_of(seen, it["certificate"])["standing"] == "valid",
        ),
    ),
    Kind.WEBHOOK: Past(
        _webhook,
        ask(RECIPIENT, "DELETE /webhooks/{webhook}"),
        says(
            RECIPIENT, "/webhooks", lambda it, seen: bool(one_of(seen, it["webhook"]).get("active"))
        ),
    ),
    Kind.CHANNEL: Past(
        _channel,
        ask(RECIPIENT, "DELETE /channels/{channel}"),
        says(
            RECIPIENT,
            "/channels",
            lambda it, seen: one_of(seen, it["channel"]).get("status") == "to_confirm",
        ),
    ),
    Kind.FORM: Past(_form, ask(CHIEF, "POST /intake/forms/{form}/rotate-secret"), _takes),
}


MORE: dict[str, tuple[Kind, Past]] = {
    "report handed over by an exception, then by a wish": (
        Kind.LINE_REPORT,
        Past(
            _handed_by_exception,
            _handed_by_wish_which_ends,
            is_read(TAKER, "/line/handed-over/{report}"),
        ),
    ),
    "report closed by the desk": (
        Kind.LINE_REPORT,
        Past(
            _handed,
            ask(TIP, "POST /line/reports/{report}/close", lambda _: {"reason": "advised"}),
            is_read(TAKER, "/line/handed-over/{report}"),
        ),
    ),
    "report of another state": (
        Kind.LINE_REPORT,
        Past(
            _asked_of_another,
            ask(
                TIP,
                "POST /line/reports/{report}/reroute",
                lambda _: {"kind": "trafficking", "area": "VE20"},
            ),
            _read_in_its_former_state,
        ),
    ),
    "refused exception of the line": (
        Kind.LINE_REPORT,
        Past(_asked_of_another, lambda it: _decided(it, approve=False), _waits_for_a_decision),
    ),
}
STORIES = {**{str(kind): (kind, past) for kind, past in PASTS.items()}, **MORE}


def test_each_kind_has_its_story() -> None:
    # See test_successions.py for successions, whose moves the worker repeats.
    assert PASTS.keys() == {*Kind} - OF_DIRECTORY - {Kind.SUCCESSION}


@pytest.fixture(autouse=True)
def telling(app: FastAPI) -> None:
    """Configure the app to send SMS."""
    gateway = RapidPro(kind="rapidpro", url="http://127.0.0.1:9", token="0123456789abcdef")
    app.state.context.parts["transports"] = Transports(sms=Sms(gateway))


@pytest.fixture
def secret(settings: Settings) -> bytes:
    return key_from_base64(settings.blind_index_key.get_secret_value())


async def listed(database: Database, file: Path, secret: bytes) -> chained.Chained:
    """Return the list after the worker's round."""
    signer = words.signer_of(secret)
    while await tell(database, file, signer, WordSeal(secret)):
        pass
    return await asyncio.to_thread(chained.read, file, signer)


Restored = Callable[[], AbstractAsyncContextManager[None]]


@pytest.fixture
def restored(
    connection: AsyncConnection,
    database: Database,
    case_keys: CaseKeys,
    secret: bytes,
    tmp_path: Path,
) -> Restored:
    """Return a block after which the backup from its start is restored with the list from its end."""

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        backup = await connection.begin_nested()
        yield
        known = await listed(database, tmp_path / "list.jsonl", secret)
        await backup.rollback()
        await restrict_again(database, case_keys, known, secret)

    return block


@pytest.mark.parametrize("name", STORIES)
async def test_what_ended_after_a_backup_does_not_come_back(
    name: str,
    story: Story,
    connection: AsyncConnection,
    database: Database,
    case_keys: CaseKeys,
    secret: bytes,
    tmp_path: Path,
) -> None:
    (kind, past), it = STORIES[name], Situation(story, case_keys, ReferralState.SENT)
    await past.made(it)
    backup = await connection.begin_nested()
    assert await past.back(it)
    ended = await past.ends(it)
    assert ended.status_code < 300, ended.text
    assert not await past.back(it)
    known = await listed(database, tmp_path / "list.jsonl", secret)
    await backup.rollback()
    assert await past.back(it), "the backup knows nothing of it"
    assert (await restrict_again(database, case_keys, known, secret))[kind] == 1
    assert not await past.back(it)
    assert not any((await restrict_again(database, case_keys, known, secret)).values())


async def test_a_restore_gives_no_case_back_to_an_accused_former_holder(
    story: Story,
    connection: AsyncConnection,
    database: Database,
    case_keys: CaseKeys,
    secret: bytes,
    tmp_path: Path,
) -> None:
    it = Situation(story, case_keys, ReferralState.SENT)
    await it.needs(["transfer"])
    case = f"/cases/{it['case']}"
    backup = await connection.begin_nested()
    await story.made(TAKER, f"/transfers/{it['transfer']}/accept", {})
    marked = {"organisation_ids": [str(REFUGIO)]}
    await story.call(TAKER, "PUT", f"{case}/implicated-organisations", marked)
    known = await listed(database, tmp_path / "list.jsonl", secret)
    assert it["case"] in str(known.lines)
    assert str(REFUGIO) not in str(known.lines), "the list accuses nobody"
    await backup.rollback()
    assert (await story.get(NGO, case)).status_code == 200
    await restrict_again(database, case_keys, known, secret)
    assert (await story.get(NGO, case)).status_code == 404
    held = (await story.get(TAKER, case)).json()
    assert held["identity"]["name"] == "Ana Canaria Perdomo"
    assert held["implicated_organisations"] == [str(REFUGIO)]
    found = (await story.post(TAKER, "/cases/search", {"name": "Perdomo"})).json()
    assert it["case"] in str(found)


async def test_after_a_restore_the_person_is_told_who_took_her_case_over(
    story: Story, case_keys: CaseKeys, restored: Restored
) -> None:
    it = Situation(story, case_keys, ReferralState.SENT)
    await it.needs(["transfer"])
    offer = f"/transfers/{it['transfer']}"
    grant = (await story.get(TAKER, offer)).json()["grant_id"]
    async with restored():
        await story.made(TAKER, f"{offer}/accept", {})
    assert (await story.get(TAKER, f"/cases/{it['case']}")).status_code == 200
    told = (await story.post(TAKER, f"/consents/{grant}/withdraw", {})).json()
    assert told["goes_on_reading"] == str(LEGAL)
    assert [each["road"] for each in told["record_read"]] == ["transfer"]


async def test_after_a_restore_the_last_code_opens_a_consent_that_was_withdrawn(
    story: Story, case_keys: CaseKeys, restored: Restored
) -> None:
    it = Situation(story, case_keys, ReferralState.SENT)
    await it.needs(["grant"])
    async with restored():
        made = await story.made(NGO, f"/consents/{it['grant']}/withdrawal-code", {})
        await story.made(NGO, f"/consents/{it['grant']}/withdraw", {})
    for code, status in ((made["withdrawal_code"], 200), (it["code"], 404)):
        told = await story.post("anonymous", "/withdrawals", {"code": code})
        assert told.status_code == status, told.text


async def test_a_list_that_is_older_than_the_record_moves_no_case(
    story: Story, database: Database, case_keys: CaseKeys, secret: bytes, tmp_path: Path
) -> None:
    """A list moves no case if the backup contains a later transfer."""
    it = Situation(story, case_keys, ReferralState.SENT)
    await it.needs(["transfer"])
    await story.made(TAKER, f"/transfers/{it['transfer']}/accept", {})
    known = await listed(database, tmp_path / "list.jsonl", secret)
    await story.rows(
        "UPDATE restrictions SET at = at + interval '1 hour',"
        " word = jsonb_build_object('holder', CAST(:to AS text)) WHERE kind = 'holder' RETURNING 1",
        to=str(REFUGIO),
    )
    await story.rows(
        "UPDATE cases SET organisation_id = :to WHERE id = :id RETURNING 1",
        to=REFUGIO,
        id=UUID(it["case"]),
    )
    assert (await restrict_again(database, case_keys, known, secret))[Kind.HOLDER] == 0
