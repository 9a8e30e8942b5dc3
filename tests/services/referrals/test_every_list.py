"""Lists match single reads. A caller can read one by one everything that a list, a filter, a count, the audit or the
feed shows them.

The API's description supplies the routes, and the database supplies the rows. The test covers a new list by itself, but
a new kind of row must be named here.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from common.ids import new_id
from common.words.referral_states import OPEN, ReferralState
from fastapi import FastAPI
from httpx import Response
from referrals.ground.keys.store import CaseKeys
from referrals.telling.todo.work_service import _JUDGED

from tests.services.referrals.case_commands import Situation
from tests.services.referrals.line_words import Reporter, handed_over
from tests.services.referrals.readable_routes import operations
from tests.services.referrals.screening_words import begun
from tests.services.referrals.story import SALUD, Story
from tests.support.principals import organisation

SUPERVISOR: dict[str, Any] = {"roles": ["partner", "caseworker", "supervisor"]}
CALLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "first holder": ("ngo-refugio", {}),
    "its supervisor": ("ngo-refugio", SUPERVISOR),
    "recipient": ("ngo-salud", SUPERVISOR),
    "colleague outside the team": ("ngo-salud", {"sub": "someone", "client_id": "someone"}),
    "second holder": ("ngo-legal", SUPERVISOR),
    "who asked to break the glass": ("cp-coordinator", {}),
    "colleague of who asked": ("cp-coordinator", {"sub": "another", "client_id": "another"}),
    "coordinator": ("gbv-coordinator", {}),
    "coordinator of the line": ("tip-coordinator", {}),
    "stranger": ("ngo-legal", {"org": str(organisation(11)), **SUPERVISOR}),
    "reader": ("health-cluster", {"scope": "referrals:read"}),
    "auditor": ("auditor", {}),
}
AUDITORS_READ_ALL = {("auditor", "/audit"), ("auditor", "/audit/export")}

# The parameter of the route that reads one row
SINGLE = {
    "break_glass": "access_id",
    "cases": "case_id",
    "exceptions": "exception_id",
    "grants": "grant_id",
    "intake_submissions": "submission_id",
    "line_reports": "report_id",
    "referrals": "referral_id",
    "screenings": "screening_id",
    "transfers": "transfer_id",
}
# The parameter of an object to which the row belongs.
BELONGS = {
    "assistance": ("case_id",),
    "case_entries": ("case_id",),
    "case_matches": ("case_a", "case_b"),
    "case_reviews": ("case_id",),
    "line_messages": ("report_id",),
    "plan_items": ("case_id",),
    "tasks": ("case_id", "referral_id"),
    "webhook_deliveries": ("webhook_id",),
}
# Rows about nobody, or rows of a list. The test checks the objects that these rows name.
OTHER = {
    "audit_entries",
    "certificates",
    "directory_services",
    "instruments",
    "intake_forms",
    "line_exceptions",  # About a report, whose id is in the same row.
    "notices",
    "protocols",
    "trainings",
    "webhooks",
}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_SHOWN = {200, 410}
"""410: it was theirs to read, and is told to have ended."""


@dataclass
class World:
    story: Story
    kinds: dict[str, str]
    parents: dict[str, tuple[str, ...]]
    reads: dict[str, list[str]]
    answers: dict[tuple[str, str], Response] = field(default_factory=dict)

    async def get(self, caller: str, path: str) -> Response:
        if (caller, path) not in self.answers:
            who, claims = CALLERS[caller]
            answer = await self.story.get(who, path, **claims)
            assert answer.status_code < 500, (caller, path, answer.text)
            self.answers[caller, path] = answer
        return self.answers[caller, path]

    async def told(self, caller: str, thing: str) -> frozenset[str] | None:
        """Return the caller's single read of an object, or None if it is not found."""
        if self.kinds[thing] in BELONGS:
            of = [await self.told(caller, each) for each in self.parents[thing]]
            found = [each for each in of if each is not None]
            return frozenset({thing}).union(*found) if found else None
        for path in self.reads[SINGLE[self.kinds[thing]]]:
            answer = await self.get(caller, path.format(thing))
            if answer.status_code in _SHOWN:
                return frozenset({thing, *_UUID.findall(answer.text)})
        return None


async def world_of(story: Story, app: FastAPI) -> World:
    tables = await story.rows(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'id' AND data_type = 'uuid'"
    )
    kinds, parents = {}, {}
    for (table,) in tables:
        columns = BELONGS.get(table, ())
        for row in await story.rows(f"SELECT {', '.join(['id', *columns])} FROM {table}"):
            kinds[str(row[0])] = table
            parents[str(row[0])] = tuple(str(of) for of in row[1:] if of is not None)
    reads: dict[str, list[str]] = {}
    for path in operations(app):
        if named := re.fullmatch(r"(/[^{}]+)\{(\w+)\}", path):
            reads.setdefault(named[2], []).append(named[1] + "{}")
    return World(story, kinds, parents, reads)


async def begin(story: Story, keys: CaseKeys) -> Situation:
    """Create one case with everything that a case can have."""
    it = Situation(story, keys, ReferralState.ACCEPTED)
    await it.needs(["case", "service"])
    team = {"clients": ["ngo-salud"]}
    path, roles = f"/services/{it['service']}/team", SUPERVISOR["roles"]
    assert (await story.call("ngo-salud", "PUT", path, team, roles=roles)).status_code == 200
    await it.needs(["referral", "other_draft", "pending", "reporting", "access", "unattached"])
    await it.needs(
        ["opened", "concluded", "task", "need", "given", "entry", "compared", "exception"]
    )
    disclosed = f"/referrals/{it['referral']}/disclosure"  # They read the content, so they must delete it later.
    assert (await story.get("ngo-salud", disclosed, **SUPERVISOR)).status_code == 200
    finished = f"/tasks/{it['task']}/done"
    await story.made("ngo-refugio", finished, {})
    await begun(story, case_id=it["case"])
    await handed_over(story, Reporter(story))
    await Reporter(story).report()
    return it


async def nothing_yet(_it: Situation) -> None:
    pass


async def implicated(it: Situation) -> None:
    path = f"/cases/{it['case']}/implicated-organisations"
    body = {"organisation_ids": [str(SALUD)]}
    assert (await it.story.call("ngo-refugio", "PUT", path, body)).status_code == 200


async def given_over(it: Situation) -> None:
    await it.needs(["transfer"])
    await it.story.made("ngo-legal", f"/transfers/{it['transfer']}/accept", {})


async def erased(it: Situation) -> None:
    await given_over(it)
    body = {"confirm": it["reference"], "basis": "person_request"}
    await it.story.made("ngo-legal", f"/cases/{it['case']}/erase", body, **SUPERVISOR)


Moment = Callable[[Situation], Awaitable[None]]


def values_of(schema: dict[str, Any], app: FastAPI) -> Iterator[str]:
    """Yield the values of filters with a finite number of values."""
    if "$ref" in schema:
        named = schema["$ref"].rpartition("/")[2]
        schema = app.openapi()["components"]["schemas"][named]
    for part in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")])):
        yield from values_of(part, app)
    yield from map(str, schema.get("enum", ()))
    if schema.get("type") == "boolean":
        yield from ("true", "false")


def lists(app: FastAPI) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Yield the list paths without parameters, with their filters."""
    for path, operation in operations(app).items():
        if "{" not in path:
            yield path, {p["name"]: p["schema"] for p in operation.get("parameters", ())}


def asked(app: FastAPI) -> Iterator[str]:
    """Yield requests that read each list as a whole and with each value of each filter."""
    for path, filters in lists(app):
        size = "?limit=200&" if "limit" in filters else "?"
        yield path + size.rstrip("?&")
        for name, schema in filters.items():
            for value in values_of(schema, app):
                yield f"{path}{size}{name}={value}"


def items_of(answer: Response) -> list[Any]:
    body = answer.json()
    for name in ("items", "entry"):
        if isinstance(body, dict) and isinstance(body.get(name), list):
            return list(body[name])
    return body if isinstance(body, list) else [body]


@pytest.mark.slow
@pytest.mark.parametrize("moment", [nothing_yet, implicated, given_over, erased])
async def test_lists_equal_single_reads(
    story: Story, app: FastAPI, case_keys: CaseKeys, moment: Moment
) -> None:
    await moment(await begin(story, case_keys))
    world = await world_of(story, app)
    for each in (shown_too_much, told_apart, counted_otherwise):
        assert [line for caller in CALLERS async for line in each(world, app, caller)] == []


async def shown_too_much(world: World, app: FastAPI, caller: str) -> AsyncIterator[str]:
    """Yield list rows that the caller cannot read one by one and that no other rule explains."""
    for path in asked(app):
        answer = await world.get(caller, path)
        if answer.status_code != 200 or "json" not in answer.headers["content-type"]:
            continue
        if (caller, path.partition("?")[0]) in AUDITORS_READ_ALL:
            continue
        for item in items_of(answer):
            things = [t for t in set(_UUID.findall(str(item))) if t in world.kinds]
            assert {world.kinds[t] for t in things} <= {*SINGLE, *BELONGS, *OTHER}, path
            things = [t for t in things if world.kinds[t] not in OTHER]
            told = [await world.told(caller, t) for t in things]
            known = frozenset[str]().union(*(ids for ids in told if ids is not None))
            for thing in things:
                if thing not in known:
                    yield f"{path} shows {world.kinds[thing]} to the {caller}: {item}"


async def told_apart(world: World, app: FastAPI, caller: str) -> AsyncIterator[str]:
    """Yield the places where a hidden id gets another response than an unknown one, in the path and in each filter."""
    hidden = {
        thing: SINGLE[kind]
        for thing, kind in world.kinds.items()
        if kind in SINGLE and await world.told(caller, thing) is None
    }
    for path, name in places(app):
        if (caller, path.partition("?")[0]) in AUDITORS_READ_ALL:
            continue
        nobody = str(new_id())
        free = await world.get(caller, path.format(nobody))
        for thing, named in hidden.items():
            if name not in (named, "target_id"):
                continue
            answer = await world.get(caller, path.format(thing))
            told = (answer.status_code, answer.text.replace(thing, nobody))
            if told != (free.status_code, free.text):
                yield f"{path} tells the {caller} of {thing}: {answer.text}, not {free.text}"


def places(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield every path that names one object, with its parameter."""
    for path, operation in operations(app).items():
        named = re.findall(r"\{(\w+)\}", path)
        if len(named) == 1:
            yield path.replace(named[0], ""), named[0]
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "query" and "uuid" in str(parameter["schema"]) and not named:
                yield f"{path}?{parameter['name']}={{}}", parameter["name"]


async def counted_otherwise(world: World, _app: FastAPI, caller: str) -> AsyncIterator[str]:
    """Yield counts that differ from the length of their list."""
    for each in (_in_the_inbox, _in_the_work, _of_the_cases, _of_the_load, _of_the_tasks):
        async for line in each(world, caller):
            yield line


async def _in_the_inbox(world: World, caller: str) -> AsyncIterator[str]:
    counts = await world.get(caller, "/referrals/inbox/counts")
    if counts.status_code == 200:
        expected = {
            **{f"state={state}": n for state, n in counts.json()["by_state"].items()},
            "overdue=true": counts.json()["overdue"],
        }
        for narrowed, number in expected.items():
            inbox = await world.get(caller, f"/referrals/inbox?limit=200&{narrowed}")
            if len(items_of(inbox)) != number:
                yield f"{narrowed}: {number} counted for the {caller}, {inbox.text} listed"


async def _in_the_work(world: World, caller: str) -> AsyncIterator[str]:
    work = await world.get(caller, "/work/count")
    if work.status_code == 200:
        listed = items_of(await world.get(caller, "/work?limit=500"))
        for name, field_of in (("by_group", "group"), ("by_kind", "kind")):
            told = {key: n for key, n in work.json()[name].items() if n}
            if told != Counter(item[field_of] for item in listed):
                yield f"/work/count counts otherwise for the {caller}: {work.text}, {listed}"
        load = await world.get(caller, "/work/load")
        judged = {kind.value for kind, _, _ in _JUDGED}
        told_of = {
            kind: (
                sum(row["count"] for row in rows),
                sum(row["overdue"] for row in rows),
                min(row["oldest"] for row in rows),
            )
            for kind in {row["kind"] for row in load.json()}
            for rows in [[row for row in load.json() if row["kind"] == kind]]
        }
        seen = {
            kind: (
                len(items),
                sum(item["group"] == "overdue" for item in items),
                min(item["since"] for item in items),
            )
            for kind in {item["kind"] for item in listed} - judged
            for items in [[item for item in listed if item["kind"] == kind]]
        }
        if told_of != seen:
            yield f"/work/load counts otherwise for the {caller}: {told_of}, {seen}"


async def _of_the_cases(world: World, caller: str) -> AsyncIterator[str]:
    for case in items_of(await world.get(caller, "/cases?limit=200")):
        if "open_referrals" in case:
            sent = items_of(await world.get(caller, f"/referrals?limit=200&case_id={case['id']}"))
            still = [each for each in sent if ReferralState(each["state"]) in OPEN]
            if len(still) != case["open_referrals"]:
                yield f"/cases counts otherwise for the {caller}: {case}, {sent}"


async def _of_the_load(world: World, caller: str) -> AsyncIterator[str]:
    load = await world.get(caller, "/cases/load")
    if load.status_code == 200:
        told = {row["person"]: row["open"] for row in load.json()}
        opened = items_of(await world.get(caller, "/cases?status=open&limit=200"))
        if sum(told.values()) != len(opened):
            yield f"/cases/load counts otherwise for the {caller}: {told}, {opened}"
        for person in set(told) - {None}:
            theirs = items_of(
                await world.get(caller, f"/cases?status=open&assigned_to={person}&limit=200")
            )
            if len(theirs) != told[person]:
                yield f"/cases/load counts otherwise for the {caller}: {person}, {told}, {theirs}"


async def _of_the_tasks(world: World, caller: str) -> AsyncIterator[str]:
    bundle = await world.get(caller, "/fhir/Task")
    if bundle.status_code == 200:
        found = bundle.json()
        if found.get("total", 0) not in (0, len(found.get("entry", []))):
            yield f"/fhir/Task counts otherwise for the {caller}: {bundle.text}"


def test_every_count_is_compared(app: FastAPI) -> None:
    """Add a new counting route to `counted_otherwise`, or list it here because it counts no people."""
    schemas = app.openapi()["components"]["schemas"]
    counting = set()
    for path, operation in operations(app).items():
        content = operation["responses"].get("200", {}).get("content", {})
        answered = content.get("application/json", {}).get("schema", {})
        named = answered.get("$ref", "").rpartition("/")[2]
        fields = schemas.get(named, answered).get("properties", {})
        if "{" not in path and any("integer" in str(schema) for schema in fields.values()):
            counting.add(path)
    # The statement counts entries of the record, and only for the auditor, who may read them all.
    counting.remove("/audit/statement")
    assert counting == {"/referrals/inbox/counts", "/work/count"}


def test_each_kind_is_read_by_a_route(app: FastAPI) -> None:
    named = {m[1] for path in operations(app) if (m := re.fullmatch(r"/[^{}]+\{(\w+)\}", path))}
    assert set(SINGLE.values()) <= named
