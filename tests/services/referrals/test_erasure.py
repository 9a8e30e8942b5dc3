"""Erasing a case empties every column that can contain a person's words, or destroys its key.

`columns.csv` classifies every column of every database that can contain a word. A new column fails the test until
somebody classifies it.
"""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from common import clock
from common.events import referrals as events
from common.events.catalogue import ALL
from referrals.ground.keys.store import CaseKeys, create_tables
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.services.referrals.screening_words import RATIONALE, certify
from tests.services.referrals.story import Story, attached
from tests.services.referrals.test_bridges import PRIMERO_MAPPING, case_form
from tests.services.referrals.test_stored_answers import erase, much
from tests.support.databases import MigratedDatabases

NGO, SUPERVISOR, RECIPIENT, OTHER = (
    "ngo-refugio",
    "ngo-refugio-supervisor",
    "ngo-salud",
    "ngo-salud",
)
CANARY = "Guacharaca-51c"
CLASSES = {
    "events",  # `Event.PERSONAL` classifies the fields.
    "figures",  # Counts and facts that identify no person.
    "letters",  # Unreadable messages, without any content about a person.
    "organisation",  # About organisations and services.
    "person",  # Emptied by erasure.
    "process",  # Ids and codes of actions, which remain.
    "quarantine",  # Sealed with its own key, which is destroyed with it.
    "staff",  # Who did it.
    "system",
    "thread",  # Belongs to the anonymous line, and is deleted with its thread.
}
ENDING = {"person", "quarantine", "thread"}
"""Emptied, destroyed or deleted with whom they are about."""
# The values that an emptied NOT NULL column may contain.
NOTHING = ("", "\\x", "und", "unknown", "{}")
# Selects the rows about a person, where a table also contains the organisation's other rows.
_ABOUT = {"stored_results": "subject IS NOT NULL"}
# Bytes that remain: hashes of the audit and of imports, secrets of webhooks and forms, addresses of staff, the
# directory's letters about services. An entry's `sealed` is never filled.
KEPT_BYTES = {
    ("audit_entries", "hash"),
    ("audit_entries", "previous"),
    ("audit_entries", "sealed"),
    ("audit_heads", "hash"),
    ("channels", "address"),
    ("channels", "address_digest"),
    ("channels", "code_digest"),
    ("codes_asked", "address_digest"),
    ("dead_letters", "message"),
    ("instruments", "sha256"),
    ("intake_forms", "secret"),
    ("intake_submissions", "fingerprint"),
    ("webhooks", "former_secret"),
    ("webhooks", "secret"),
}
_WORDS = (
    "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND data_type NOT IN"
    " ('uuid', 'timestamp with time zone', 'boolean', 'integer', 'bigint', 'smallint', 'xid8')"
)


def classified() -> Iterator[tuple[str, str, str, str]]:
    """Yield rows of database, table, column and class."""
    path = Path(__file__).parents[1] / "columns.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for column in row["columns"].split():
                yield row["database"], row["table"], column, row["what"]


def columns_of(what: str, database: str = "referrals") -> list[tuple[str, str]]:
    return [(t, c) for db, t, c, kind in classified() if (db, kind) == (database, what)]


async def test_every_column_that_can_hold_a_word_is_classified(
    databases: MigratedDatabases, postgres: PostgresServer, referrals_database: ServiceDatabase
) -> None:
    keys = postgres.create_service_database("keys_of_columns")
    await create_tables(keys.owner_url, keys.app_role)
    there = {
        "referrals": referrals_database,
        "keys": keys,
        "directory": await databases.of("directory", "directory_columns"),
        "reporting": await databases.of("reporting", "reporting_columns"),
        "issuer": await databases.of("gateway.issuer", "issuer_columns"),
    }
    found = set()
    for name, database in there.items():
        connection = await asyncpg.connect(database.owner_url.replace("+asyncpg", ""))
        for table, column in await connection.fetch(_WORDS):
            partition = table.rpartition("_")
            whole = partition[0] if partition[2].isdigit() else table
            found.add((name, whole, column))
        await connection.close()
    known = {(database, table, column) for database, table, column, _ in classified()}
    assert found == known
    assert {what for *_, what in classified()} <= CLASSES


async def test_every_sealed_column_is_emptied_with_what_it_tells_of(
    referrals_database: ServiceDatabase,
) -> None:
    """`bytea` columns contain sealed words and digests. Each has a class that ends with its subject, or contains a
    secret of the service."""
    connection = await asyncpg.connect(referrals_database.owner_url.replace("+asyncpg", ""))
    rows = await connection.fetch(f"{_WORDS} AND data_type = 'bytea'")
    await connection.close()
    classes = {(t, c): what for db, t, c, what in classified() if db == "referrals"}
    kept = {(t, c) for t, c in rows if classes[t, c] not in ENDING}
    assert kept - KEPT_BYTES == set()
    assert KEPT_BYTES - kept == set()


async def holding(story: Story, columns: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the columns that have a value in any row."""
    found = set()
    for table, column in columns:
        rows = await story.rows(
            f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL"
            f" AND {column}::text <> ALL (:nothing) AND {_ABOUT.get(table, 'true')} LIMIT 1",
            nothing=list(NOTHING),
        )
        if rows:
            found.add((table, column))
    return found


async def everything(story: Story) -> str:
    """Make a case that fills every column that can contain data about a person."""
    case, _ = await much(story)
    service = await story.any_service()
    of_case = f"/cases/{case}"
    await story.call(
        NGO,
        "PATCH",
        of_case,
        {
            "caregiver": "absent",
            "identity": {
                "name": CANARY,
                "birth_date": "1997-03-02",
                "own_reference": CANARY,
                "contact": {"phone": "+58 412 5550199"},
            },
            "word": "acorn",
        },
    )
    await story.made(NGO, "/consents", {"case_id": case, "kind": "reporting", "method": "verbal"})
    await story.draft(case, service, payload={"situation": CANARY})
    referral = await story.sent(case_id=case, service_id=service)
    one = f"/referrals/{referral['id']}"
    await story.made(RECIPIENT, f"{one}/acknowledge", {})
    await story.made(RECIPIENT, f"{one}/request-information", {"question": CANARY})
    await story.made(NGO, f"{of_case}/plan", {"need": "HLT", "objective": CANARY})
    given = {"support_type": "Health", "given_on": clock.today().isoformat()}
    cash = {"amount_band": "50_99", "modality": "cash", "note": CANARY}
    await story.made(NGO, f"{of_case}/assistance", {**given, **cash})
    due = (clock.today() + timedelta(days=5)).isoformat()
    review = await story.made(NGO, f"{of_case}/reviews", {"due_on": due})
    done = {"outcome": "continue", "note": CANARY}
    await story.made(NGO, f"{of_case}/reviews/{review['id']}/done", done)
    await attached(story, case, text=CANARY)
    await _a_double(story, case)
    await _a_screening(story, case)
    await _a_record_elsewhere(story, case)
    await story.rows("UPDATE cases SET closure_reason = 'moved' RETURNING 1")
    await story.rows("UPDATE screenings SET stop_reason = 'declined' RETURNING 1")
    await story.rows("UPDATE grants SET child_assent = 'assents' RETURNING 1")
    await story.rows("""UPDATE referrals SET attributes = '{"sex": "female"}' RETURNING 1""")
    return case


async def _a_double(story: Story, case: str) -> None:
    """Register the same person elsewhere, with consent to the comparison from both."""
    identity = {"name": CANARY, "birth_date": "1997-03-02"}
    other = await story.case(OTHER, identity=identity)
    consent = {"decided_by": "person", "method": "verbal"}
    for who, one in ((NGO, case), (OTHER, other["id"])):
        answer = await story.call(who, "PUT", f"/cases/{one}/matching", consent)
        assert answer.status_code == 200, answer.text


async def _a_screening(story: Story, case: str) -> None:
    await certify(story)
    rows = await story.rows("SELECT id FROM screenings WHERE case_id = :case", case=case)
    body = {
        "judgement": "possible_victim",
        "rationale": f"{RATIONALE} {CANARY}",
        "exploitation_types": ["purpose.sexual"],
    }
    await story.made(NGO, f"/screenings/{rows[0].id}/conclude", body)


async def _a_record_elsewhere(story: Story, case: str) -> None:
    """Add a record from another system, which may send it again."""
    form = await case_form(story, "primero", PRIMERO_MAPPING)
    await story.rows(
        "INSERT INTO intake_records (form_id, record_id, organisation_id, case_id, person, created_at)"
        " SELECT :form, 'f15a1a9', organisation_id, id, 'a digest', now() FROM cases WHERE id = :case"
        " RETURNING 1",
        form=form["id"],
        case=case,
    )


async def _asked_to_read(story: Story, case: str) -> None:
    reference = (await story.get(NGO, f"/cases/{case}")).json()["reference"]
    body = {"case_reference": reference, "reason": f"An emergency at night, {CANARY}."}
    await story.made("ngo-salud-supervisor", "/break-glass", body)


async def _the_other_case(story: Story) -> str:
    """Return the duplicate, which is a second person's case. Their record remains and is checked separately."""
    rows = await story.rows("SELECT id FROM cases WHERE status <> 'erased'")
    assert len(rows) == 1
    return str(rows[0].id)


async def test_erasure_empties_every_column_that_can_hold_what_a_person_said(
    story: Story, case_keys: CaseKeys
) -> None:
    case = await everything(story)
    await _asked_to_read(story, case)
    of_persons = columns_of("person")
    assert await holding(story, of_persons) == set(of_persons)
    sealed = await story.rows("SELECT sealed FROM snapshots WHERE sealed IS NOT NULL")
    await erase(story, case)
    assert await case_keys.of_many([UUID(case)]) == {}
    # The second person's data still exists. After their erasure, no data about anybody is left.
    other = await _the_other_case(story)
    left = await holding(story, of_persons)
    assert {table for table, _ in left} <= {"cases", "case_lookups", "match_tokens", "match_consents", "stored_results"}  # fmt: skip
    reference = (await story.get(OTHER, f"/cases/{other}")).json()["reference"]
    body = {"confirm": reference, "basis": "person_request"}
    await story.made("ngo-salud-supervisor", f"/cases/{other}/erase", body)
    assert await holding(story, of_persons) == set()
    assert sealed


async def test_the_outbox_keeps_no_attribute_of_an_erased_case(story: Story) -> None:
    case = await everything(story)
    personal = "payload ?| array['area', 'attributes', 'exploitation_types', 'act']"
    of_case = "(payload->>'case_id' = :case OR aggregatetype = 'screening')"
    before = await story.rows(
        f"SELECT type FROM outbox WHERE {personal} AND {of_case}",
        case=case,
    )
    assert {"ruta.referrals.grant.given.v1", "ruta.referrals.screening.opened.v1"} <= {
        row.type for row in before
    }
    # Erase published events too, because a replay must not return any data about the person.
    await story.rows("UPDATE outbox SET published_at = now() RETURNING 1")
    await erase(story, case)
    after = await story.rows(
        f"SELECT type, payload FROM outbox WHERE {personal} AND {of_case}",
        case=case,
    )
    assert after == []
    kept = await story.rows("SELECT type, payload FROM outbox")
    for row in kept:
        ALL[row.type].model_validate(row.payload)  # The event can still be published again.
    assert "ruta.referrals.screening.concluded.v1" not in {row.type for row in kept}
    assert "ruta.referrals.referral.withdrawn.v1" in {row.type for row in kept}


def test_every_field_of_an_event_is_known_to_be_about_the_person_or_not() -> None:
    """A field with codes that a reader would call an attribute must be in `PERSONAL`."""
    process = {
        "aor", "assistance_id", "case_id", "category", "confirmed_by", "date", "due_at",
        "from_organisation", "grant_id", "kind", "late", "occurred_at", "organisation_id", "outcome",
        "previous_state", "reason", "referral_id", "replaces", "report_id", "screening_id",
        "service_id", "state", "step", "to_organisation", "transfer_id", "type", "urgency",
        "version",
    }  # fmt: skip
    for subject, event in ALL.items():
        if event.producer() == "referrals" and event is not events.TrainingHeld:
            fields = set(event.model_fields)
            assert fields >= event.PERSONAL, subject
            assert fields - event.PERSONAL <= process, subject


async def test_a_happening_that_nobody_was_declared_to_follow_stops_the_transaction(
    story: Story, case_keys: CaseKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common import happenings

    case = await story.case()
    monkeypatch.setattr(happenings, "_FOLLOWERS", {})
    reference = case["reference"]
    body = {"confirm": reference, "basis": "person_request"}
    answer = await story.post(SUPERVISOR, f"/cases/{case['id']}/erase", body)
    assert answer.status_code == 500
    status = await story.rows("SELECT status FROM cases")
    assert [row.status for row in status] == ["open"]
