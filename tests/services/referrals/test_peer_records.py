"""Each field of each record from another system is mapped, kept and reported, or refused. None is lost silently."""

from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from itertools import chain, islice, product
from typing import Any

import pytest
from referrals.listening.intake.account import account_of
from referrals.listening.intake.case_mapping import translate_case
from referrals.listening.intake.mapping import FormMapping, pointer_to, text_of
from referrals.listening.intake.peer_words import Peer
from referrals.listening.intake.peers import NotThisPeer, read
from referrals.listening.intake.schemas import MappingBody

from tests.services.referrals.documented_records import DOCUMENTED
from tests.services.referrals.peer_records import MAPPINGS, NOTE, RECORDS, Record, identified
from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.story import Story
from tests.services.referrals.test_bridges import plan_of
from tests.services.referrals.test_intake import received, send

MARK = "Canaria escribió esto"
ALL = [*RECORDS, *DOCUMENTED]
STATES = {"taken": "taken", "not_kept": "not_kept", "refused": "refused"}


def rules(peer: Peer) -> FormMapping:
    return MappingBody.model_validate(MAPPINGS[peer]).rules()


@pytest.mark.parametrize(("records", "least"), [(RECORDS, 20), (DOCUMENTED, 10)])
def test_each_system_has_records_of_two_authors(records: list[Record], least: int) -> None:
    counted = Counter(each.peer for each in records)
    assert [peer for peer in Peer if counted[peer] < least] == []


async def form_of(story: Story, peer: Peer) -> dict[str, Any]:
    body = {"name": "Puente", "peer": peer, "makes": "case", "mapping": MAPPINGS[peer]}
    return await story.made(SUPERVISOR, "/intake/forms", body)


@pytest.mark.parametrize("peer", list(Peer))
async def test_each_record_ends_as_its_system_means_it(story: Story, peer: Peer) -> None:
    made = await form_of(story, peer)
    for number, record in enumerate(each for each in ALL if each.peer == peer):
        answer = await send(story, made, identified(record, number))
        if record.ends == "refused":
            assert answer.status_code in (413, 422), (record.name, answer.text)
            continue
        assert answer.status_code == 202, (record.name, answer.text)
        row = (await story.get("ngo-refugio", f"/intake/submissions/{answer.json()['id']}")).json()
        state = STATES.get(record.ends, "quarantined")
        assert (record.name, row["status"]) == (record.name, state), row["reasons"]
        if state == "quarantined":
            assert record.ends in row["reasons"], record.name
            kept = {text_of(value) for value in row["content"].values()}
            sent = {text_of(value) for value in leaves(record.body) if value not in (None, "")}
            assert sent - {"0", "uuid:0"} <= kept | {f"record-{number}"}, record.name
        assert (row["case_id"] is not None) == (state == "taken"), record.name


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def holders(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Yield every object and list that can take another value. A list of plain values counts as one value of its
    field."""
    if isinstance(value, dict) or (isinstance(value, list) and not any(map(plain, value))):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if not plain(inner):
            yield from holders(inner)


def plain(value: Any) -> bool:
    return not isinstance(value, dict | list)


def with_one_more(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the body with one more text, in every form and at every possible place."""
    for number, holder in enumerate(holders(body)):
        spots: Iterable[Any] = range(len(holder) + 1) if isinstance(holder, list) else NAMES
        for spot, value in product(spots, (MARK, [MARK], {"a": MARK}, [{"a": [MARK]}])):
            changed = deepcopy(body)
            into: Any = next(islice(holders(changed), number, None))
            if isinstance(into, list):
                into.insert(spot, value)
            else:
                into[spot] = value
            yield changed


NAMES = ("x", "_x", "@x", "notes", "email", "meta", "end")
# Omits records that DHIS2 marks as deleted, whatever they contain.
WHOLE = [each for each in ALL if each.ends != "refused" and "deleted" not in each.name]


@pytest.mark.parametrize("peer", list(Peer))
def test_no_value_goes_in_silence(peer: Peer) -> None:
    mapping = rules(peer)
    for body in chain.from_iterable(with_one_more(r.body) for r in WHOLE if r.peer == peer):
        try:
            fields = read(peer, body)
        except NotThisPeer:
            continue
        account = account_of(peer, mapping, fields)
        found = translate_case(mapping, account.said)
        places = {reason.pointer for reason in found.reasons}
        told = [value for path, value in account.said.items() if pointer_to(path) in places]
        assert MARK in repr((told, found.body, account.notes)), body


async def test_parts_of_a_name_and_a_date_are_joined_and_rows_become_needs(story: Story) -> None:
    mapping = {
        "fields": {
            "n/first": "given_name",
            "n/second": "middle_name",
            "n/father": "surname",
            "n/mother": "second_surname",
            "b/y": "birth_year",
            "b/m": "birth_month",
            "b/d": "birth_day",
            "kin[0]/name": "caregiver_name",
        },
        "needs": {"asks/medical": {"true": "HLT", "false": None}, "s/type": {"p": "GP-PSS"}},
        "ignore": ["kin/*"],
        "fixed_area": "VE2313",
    }
    body = {"name": "x", "peer": "kobotoolbox", "makes": "case", "mapping": mapping}
    made = await story.made(SUPERVISOR, "/intake/forms", body)
    sent: dict[str, Any] = {
        "_uuid": "parts-1",
        "n/first": "Ana",
        "n/mother": "Rojas",
        "n/father": "Mota",
        "b/y": 2001,
        "b/m": "3",
        "b/d": "09",
        "kin": [{"kin/name": "Eva Mota"}, {"kin/name": "Luz Mota"}],
        "asks/medical": True,
        "s": [{"s/type": "p"}],
    }
    taken = (await send(story, made, sent)).json()
    (row,) = await received(story)
    assert (row["id"], row["status"]) == (taken["id"], "taken"), row["reasons"]
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    identity = case["identity"]
    assert (identity["name"], identity["birth_date"]) == ("Ana Mota Rojas", "2001-03-09")
    assert identity["caregiver"]["name"] == "Eva Mota"
    assert await plan_of(story, case["id"]) == ["HLT", "GP-PSS"]
    bad: list[dict[str, Any]] = [{"b/d": None}, {"b/m": "13"}, {"n/first": {"a": 1}}]
    for number, changes in enumerate(bad):
        waits = await send(story, made, {**sent, **changes, "_uuid": f"parts-2{number}"})
        assert waits.json()["status"] == "quarantined", changes
    assert len(await story.rows("SELECT 1 FROM cases")) == 1


async def test_a_note_of_the_sender_asks_a_person_how_to_make_contact(story: Story) -> None:
    """The rule also covers a later note, but Ruta asks only once."""
    made = await form_of(story, Peer.KOBOTOOLBOX)
    (plain,) = [r for r in RECORDS if (r.peer, r.name) == (Peer.KOBOTOOLBOX, "whole")]
    sent = identified(plain, 1)
    assert (await send(story, made, sent)).json()["status"] == "taken"
    for notes in ([NOTE], [NOTE, "Only mornings"]):
        later = await send(story, made, {**sent, "_notes": notes})
        assert (later.json()["status"], later.json()["repeated"]) == ("taken", False)
    (row, *_) = await received(story)
    assert row["reasons"] == ["note_of_sender"]
    way = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()["identity"]["contact"]
    assert (way["safe_way"].count(NOTE), way["safe_way"].count("Only mornings")) == (1, 1)
    tasks = await story.rows("SELECT kind FROM tasks WHERE done_at IS NULL")
    assert [each.kind for each in tasks] == ["confirm_contact"]
    stored = await story.rows("SELECT to_jsonb(t)::text AS text FROM intake_submissions t")
    assert NOTE not in str([each.text for each in stored])
    rejected = {**sent, "_validation_status": {"uid": "validation_status_not_approved"}}
    waits = await send(story, made, rejected)
    assert waits.json()["status"] == "quarantined", "a case is there: somebody looks at it"
    assert (await received(story))[0]["reasons"] == ["record_rejected"]


async def test_a_hidden_name_is_no_name(story: Story) -> None:
    made = await form_of(story, Peer.PRIMERO)
    (hidden,) = [r for r in RECORDS if (r.peer, r.name) == (Peer.PRIMERO, "hidden name")]
    await send(story, made, identified(hidden, 1))
    (row,) = await received(story)
    assert row["reasons"] == ["name_masked"]
    case = (await story.get("ngo-refugio", f"/cases/{row['case_id']}")).json()
    assert "name" not in case["identity"] or case["identity"]["name"] is None


async def test_a_later_version_with_an_unknown_field_waits(story: Story) -> None:
    made = await form_of(story, Peer.PRIMERO)
    (whole,) = [r for r in RECORDS if (r.peer, r.name) == (Peer.PRIMERO, "whole")]
    sent = identified(whole, 1)
    await send(story, made, sent)
    later = {"data": {**sent["data"], "danger": MARK}}
    assert (await send(story, made, later)).json()["status"] == "quarantined"
    (row,) = await received(story, status="quarantined")
    detail = (await story.get("ngo-refugio", f"/intake/submissions/{row['id']}")).json()
    assert ([w["pointer"] for w in detail["why"]], detail["content"]["danger"]) == (
        ["/danger"],
        MARK,
    )


async def test_an_older_version_makes_no_case_of_a_record_that_its_sender_rejected(
    story: Story,
) -> None:
    made = await form_of(story, Peer.PRIMERO)
    (whole,) = [r for r in RECORDS if (r.peer, r.name) == (Peer.PRIMERO, "whole")]
    body = identified(whole, 1)["data"]
    older = {"data": {**body, "danger": MARK}}
    first = (await send(story, made, older)).json()
    rejected = {"data": {**body, "record_state": False}}
    newest = (await send(story, made, rejected)).json()
    assert [first["status"], newest["status"]] == ["quarantined", "not_kept"]
    before = MAPPINGS[Peer.PRIMERO]
    after = {**before, "ignore": [*before["ignore"], "danger"]}

    async def mapped(mapping: dict[str, Any]) -> None:
        change = {"name": "Puente", "peer": "primero", "makes": "case", "mapping": mapping}
        await story.call(SUPERVISOR, "PUT", f"/intake/forms/{made['id']}", change)

    await mapped(after)
    retry = f"/intake/submissions/{first['id']}/retry"
    refused = await story.post("ngo-refugio", retry)
    assert refused.status_code == 409, refused.text
    assert newest["id"] in refused.json()["detail"]
    assert await story.rows("SELECT 1 FROM cases") == []
    (row,) = await received(story, status="quarantined")
    assert row["id"] == first["id"], "it waits for a person"
    await mapped(before)
    assert (await send(story, made, older)).json()["repeated"] is True
    await mapped(after)
    taken = await story.made("ngo-refugio", retry, {})
    assert taken["status"] == "taken", "the sender took its rejection back"


async def test_a_record_is_found_by_the_senders_id_and_reference(story: Story) -> None:
    made = await form_of(story, Peer.PRIMERO)
    (whole,) = [r for r in RECORDS if (r.peer, r.name) == (Peer.PRIMERO, "whole")]
    sent = identified(whole, 1)
    first = (await send(story, made, sent)).json()
    later = {"data": {**sent["data"], "danger": MARK}}
    second = (await send(story, made, later)).json()
    for body, found in (
        ({"sender_id": "record-1"}, [second["id"], first["id"]]),
        ({"own_reference": "f15a1a9"}, [first["id"]]),
        ({"sender_id": "record-2"}, []),
    ):
        answer = await story.post("ngo-refugio", "/intake/submissions/search", body)
        assert [each["id"] for each in answer.json()["items"]] == found
        foreign = await story.post("ngo-salud", "/intake/submissions/search", body)
        assert foreign.json()["items"] == []
    for bad in ({}, {"sender_id": "a", "own_reference": "b"}):
        refused = await story.post("ngo-refugio", "/intake/submissions/search", bad)
        assert refused.status_code == 422
