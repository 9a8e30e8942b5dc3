"""Keys, shredding, proof of the audit, and row-level security."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common import clock
from common.crypto import CannotOpen, key_from_base64
from common.db.session import Database
from common.ids import new_id
from referrals.case.cases import ending_service
from referrals.case.cases.models import Case
from referrals.case.cases.retention import erase_expired, reapply_tombstones
from referrals.ground.audit.anchors import BrokenAnchor, anchor, anchored_of, verify, verify_chain
from referrals.ground.audit.service import record
from referrals.ground.keys import ring as rings
from referrals.ground.keys.ring import KeyRing, KeyRingError
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.ground.row_security import act_as_service
from referrals.settings import Settings
from sqlalchemy.exc import DBAPIError
from stack.embedded.postgres import PostgresServer, ServiceDatabase

from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.support.databases import random_key
from tests.support.principals import principal

CANARY = "Zarigüeya-7f3c"


async def test_erasing_destroys_the_key_and_a_restored_backup_stays_unreadable(
    story: Story, case_keys: CaseKeys
) -> None:
    referral = await story.sent()
    case_id = referral["case_id"]
    case = (await story.get("ngo-refugio", f"/cases/{case_id}")).json()
    backup = (await story.rows("SELECT * FROM cases WHERE id = :id", id=case_id))[0]
    snapshot = (await story.rows("SELECT sealed FROM snapshots"))[0]
    erase = f"/cases/{case_id}/erase"
    body = {"confirm": "wrong", "basis": "person_request"}
    assert (await story.post("ngo-refugio-supervisor", erase, body)).status_code == 422
    body["confirm"] = case["reference"]
    assert (await story.post("ngo-refugio", erase, body)).status_code == 403
    await story.made("ngo-refugio-supervisor", erase, body)
    assert (await story.get("ngo-refugio", f"/cases/{case_id}")).status_code == 410
    for who in ("ngo-refugio", "ngo-salud"):
        path = f"/referrals/{referral['id']}/disclosure"
        assert (await story.get(who, path)).status_code == 410
    event = (await story.rows("SELECT payload FROM outbox WHERE type LIKE '%case.erased.v1'"))[0]
    assert event.payload["case_id"] == case_id

    # After a restore of the case backup, the separate key store still remembers the erasure.
    await story.rows(
        "UPDATE cases SET status = 'open', erased_at = NULL, identity = :identity,"
        " attributes = :attributes WHERE id = :id RETURNING 1",
        identity=backup.identity,
        attributes=backup.attributes,
        id=case_id,
    )
    await story.rows("UPDATE snapshots SET sealed = :s RETURNING 1", s=snapshot.sealed)
    assert (await story.get("ngo-refugio", f"/cases/{case_id}")).status_code == 410
    with pytest.raises(KeyDestroyed):
        await case_keys.of(backup.id)
    assert await reapply_tombstones(story.database, case_keys) >= 1
    assert await _wrapped(case_keys, backup.id) is None
    row = (await story.rows("SELECT * FROM cases WHERE id = :id", id=case_id))[0]
    assert (row.status, row.identity) == ("erased", None)
    assert (await story.rows("SELECT sealed FROM snapshots"))[0].sealed is None


async def _wrapped(keys: CaseKeys, case_id: UUID) -> bytes | None:
    """Return the wrapped key that the key store has for a case."""
    async with keys.database.transaction() as session:
        query = sa.text("SELECT wrapped FROM case_keys WHERE case_id = :id")
        found: bytes | None = await session.scalar(query, {"id": case_id})
    return found


async def test_a_key_that_a_restored_key_store_brought_back_is_destroyed_again(
    story: Story, case_keys: CaseKeys
) -> None:
    case_id = UUID((await story.case())["id"])
    wrapped = await _wrapped(case_keys, case_id)
    assert wrapped is not None
    await story.rows(
        "UPDATE cases SET status = 'erased', identity = NULL, attributes = NULL WHERE id = :id RETURNING 1",
        id=case_id,
    )
    await reapply_tombstones(story.database, case_keys)
    assert await _wrapped(case_keys, case_id) is None


async def test_the_key_is_destroyed_before_anything_else_of_an_erasure(
    story: Story, case_keys: CaseKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a later part of the erasure fails, the case is already unreadable."""
    case_id = UUID((await story.case())["id"])

    def fails(_case: object) -> None:
        raise RuntimeError("the rest fails")

    monkeypatch.setattr(ending_service, "touch", fails)
    async with story.database.transaction() as session:
        await act_as_service(session)
        case = await session.get_one(Case, case_id)
        with pytest.raises(RuntimeError):
            await ending_service.erase(session, None, case_keys, case, "retention")
        session.expunge_all()
    assert await _wrapped(case_keys, case_id) is None


async def test_row_security_shows_no_snapshot_that_was_revoked(story: Story) -> None:
    referral = await story.sent()

    async def seen(who: str) -> int:
        async with story.database.transaction(principal(who)) as session:
            query = sa.text("SELECT count(*) FROM snapshots WHERE referral_id = :id")
            return int(await session.scalar(query, {"id": referral["id"]}) or 0)

    assert (await seen("ngo-refugio"), await seen("ngo-salud")) == (1, 1)
    await story.rows("UPDATE snapshots SET revoked_at = now() RETURNING 1")
    assert (await seen("ngo-refugio"), await seen("ngo-salud")) == (1, 0)


@pytest.mark.parametrize("together", [None, False, True])
async def test_a_case_whose_key_could_not_be_stored_is_not_written(
    story: Story,
    postgres: PostgresServer,
    key_store: tuple[ServiceDatabase, Path],
    together: bool | None,
) -> None:
    """Ruta stores the key in a separate transaction, whether the case comes alone or in a batch. Without the key it
    does not write the case."""
    role = key_store[0].app_role
    body = {"identity": {"name": CANARY, "age": 30}, "area": "VE2313"}
    postgres.psql(f"REVOKE INSERT ON case_keys FROM {role}", database="referral_keys")
    try:
        if together is None:
            status = (await story.post("ngo-refugio", "/cases", body)).status_code
        else:
            commands = [{"key": "c1", "path": "/referrals/v1/cases", "body": body}]
            batch = {"commands": commands, "together": together}
            (result,) = (await story.made("ngo-refugio", "/bulk", batch))["results"]
            status = result["status"]
    finally:
        postgres.psql(f"GRANT INSERT ON case_keys TO {role}", database="referral_keys")
    assert status == 500
    assert await story.rows("SELECT 1 FROM cases") == []


async def test_retention_reports_first_and_then_erases(story: Story, case_keys: CaseKeys) -> None:
    case = await story.case()
    await story.made("ngo-refugio", f"/cases/{case['id']}/close", {"reason": "needs_met"})
    report = (await story.get("ngo-refugio", "/cases/retention?within_days=3000")).json()["items"]
    assert [row["case_id"] for row in report] == [case["id"]]
    assert (await story.get("ngo-refugio", "/cases/retention")).json()["items"] == []
    last = date.fromisoformat(report[0]["retain_until"])
    assert await erase_expired(story.database, case_keys, clock.today()) == 0
    assert await erase_expired(story.database, case_keys, last) == 0, (
        "it is kept until that day ends"
    )
    assert await erase_expired(story.database, case_keys, last + timedelta(days=1)) == 1
    assert (await story.get("ngo-refugio", f"/cases/{case['id']}")).status_code == 410


async def test_keys_rotate_and_everything_still_opens(
    story: Story, key_store: tuple[ServiceDatabase, Path], case_keys: CaseKeys
) -> None:
    case = await story.case()
    _, ring_file = key_store
    before = KeyRing.load(ring_file).active
    rings.write(ring_file, rings.with_newest_active(rings.with_new_key(KeyRing.load(ring_file))))
    active = KeyRing.load(ring_file).active
    while await case_keys.rewrap_batch(50):
        pass
    assert await case_keys.used_key_ids() == {active}
    rings.write(ring_file, rings.without_unused(KeyRing.load(ring_file), {active}))
    assert before != active
    assert list(KeyRing.load(ring_file).keys) == [active]
    read = (await story.get("ngo-refugio", f"/cases/{case['id']}")).json()
    assert read["identity"]["name"] == "Yolimar Canaria Perdomo"
    assert ring_file.stat().st_mode & 0o077 == 0


def test_a_broken_ring_says_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "ring.json"
    for text in ("", "{}", '{"active": "k1", "keys": {}}', '{"active":"k1","keys":{"k1":"AA"}}'):
        file.write_text(text)
        with pytest.raises(KeyRingError, match=r"ring\.json"):
            KeyRing.load(file)


async def test_the_same_ciphertext_does_not_open_as_another_row(story: Story) -> None:
    """Both rows are sealed with the same case key for the same recipient; only the row differs."""
    one = await story.sent()
    other = await story.sent(case_id=one["case_id"])
    path = f"/referrals/{other['id']}/disclosure"
    assert (await story.get("ngo-salud", path)).status_code == 200
    await story.rows(
        "UPDATE snapshots SET sealed = (SELECT sealed FROM snapshots WHERE referral_id = :one)"
        " WHERE referral_id = :other RETURNING 1",
        one=one["id"],
        other=other["id"],
    )
    response = await story.get("ngo-salud", path)
    assert response.status_code == 500
    assert "Yolimar" not in response.text


@pytest.mark.parametrize(
    "other", [{"organisation": LEGAL}, {"row": SALUD}, {"column": "attributes"}], ids=str
)
def test_a_sealed_value_opens_for_its_own_organisation_row_and_column_only(
    other: dict[str, Any],
) -> None:
    key = key_from_base64(random_key())
    own: dict[str, Any] = {"organisation": SALUD, "row": LEGAL, "column": "identity"}
    sealed = seal_column(key, {"name": "Yolimar"}, **own)
    assert open_column(key, sealed, **own) == {"name": "Yolimar"}
    with pytest.raises(CannotOpen):
        open_column(key, sealed, **{**own, **other})


async def test_the_audit_refuses_change_by_the_service_itself(story: Story) -> None:
    await story.case()
    for statement in (
        "UPDATE audit_entries SET client = 'x'",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_heads",
    ):
        with pytest.raises(DBAPIError):
            await story.rows(statement)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit_entries SET client = 'nobody' WHERE sequence = 2", "edited"),
        (
            "UPDATE audit_entries SET detail = '{\"a\": 1}', hash = sha256('x') WHERE sequence = 2",
            "edited",
        ),
        ("DELETE FROM audit_entries WHERE sequence = 2", "entry_missing"),
        (
            (
                "WITH gone AS (DELETE FROM audit_entries WHERE sequence = 3) UPDATE audit_heads"
                " SET sequence = 2, hash = (SELECT hash FROM audit_entries WHERE sequence = 2)"
                " WHERE sequence = 3"
            ),
            "cut_off",
        ),
        (
            "WITH a AS (DELETE FROM audit_entries) DELETE FROM audit_heads",
            "cut_off",
        ),
    ],
)
async def test_the_verifier_finds_an_edit_a_deletion_and_a_truncation(
    postgres: PostgresServer, databases: Any, tmp_path: Path, change: str, found: str
) -> None:
    service = await databases.of("referrals", "referrals_audit")
    database, file = Database.at(service.app_url), tmp_path / "anchor.jsonl"
    owner = Database.at(service.owner_url)
    chain = new_id()
    try:
        async with owner.transaction() as session:
            await session.execute(sa.text("ALTER TABLE audit_entries DISABLE TRIGGER audit_refuse"))
            await session.execute(sa.text("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY"))
            await session.execute(sa.text("DELETE FROM audit_entries"))
            await session.execute(sa.text("DELETE FROM audit_heads"))
            await session.execute(sa.text("DELETE FROM key_checks"))  # Its own anchor.
        for number in range(3):
            async with database.transaction(principal("ngo-refugio")) as session:
                await record(
                    session,
                    principal("ngo-refugio"),
                    f"test.{number}",
                    chain=chain,
                    target_type="case",
                    target_id=chain,
                )
        assert await anchor(database, file) == 1
        assert await anchor(database, file) == 0
        assert await verify(database, file) == (3, [])
        async with owner.transaction() as session:
            await session.execute(sa.text(change))
        _, findings = await verify(database, file)
        assert found in {finding.code for finding in findings}
        async with database.transaction() as session:
            await act_as_service(session)
            _, alone = await verify_chain(session, chain, anchored_of(file, chain))
        assert alone == findings
    finally:
        await owner.close()
        await database.close()


async def test_an_edited_anchor_is_noticed(tmp_path: Path, story: Story) -> None:
    file = tmp_path / "anchor.jsonl"
    lines = [{"until": "1", "heads": {}, "previous": ""}, {"until": "2", "heads": {}}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(BrokenAnchor):
        await verify(story.database, file)


async def test_a_query_without_a_filter_sees_only_its_own_organisation(story: Story) -> None:
    await story.sent()
    seen: dict[str, dict[str, int]] = {}
    tables = ("cases", "grants", "referrals", "snapshots", "notices", "audit_entries",
              "referral_steps", "case_lookups", "timers")  # fmt: skip
    for who in ("ngo-refugio", "ngo-salud", "ngo-legal"):
        async with story.database.transaction(principal(who)) as session:
            seen[who] = {
                t: await session.scalar(sa.text(f"SELECT count(*) FROM {t}")) or 0 for t in tables
            }
    assert all(count == 0 for count in seen["ngo-legal"].values())
    assert seen["ngo-salud"]["cases"] == seen["ngo-salud"]["grants"] == 0
    assert seen["ngo-salud"]["case_lookups"] == seen["ngo-salud"]["audit_entries"] == 0
    assert seen["ngo-salud"]["referrals"] == seen["ngo-salud"]["snapshots"] == 1
    assert all(count > 0 for count in seen["ngo-refugio"].values())


async def test_search_finds_only_own_cases(story: Story) -> None:
    case = await story.case()
    found = await story.made("ngo-refugio", "/cases/search", {"name": "CANARIA yolimar"})
    assert [c["id"] for c in found["items"]] == [case["id"]]
    assert (await story.made("ngo-salud", "/cases/search", {"name": "Canaria"}))["items"] == []
    assert (await story.made("ngo-refugio", "/cases/search", {"name": "Yolimar Nadie"}))[
        "items"
    ] == []
    assert (await story.post("ngo-refugio", "/cases/search", {})).status_code == 422


def test_no_secret_has_a_default() -> None:
    for name in ("blind_index_key", "key_store_url", "key_encryption_keys_file"):
        assert Settings.model_fields[name].is_required()
