"""Faults of time, keys, releases and backups."""

import tempfile
from pathlib import Path
from typing import Any

from drills.faults.field import Field, Setting, fault
from drills.faults.next_release import contracted, expanded
from drills.faults.stack_under_test import StackUnderTest


@fault("issuer-down", "JWKS endpoint down")
async def issuer_down(field: Field) -> None:
    """Stop the issuer; known keys must keep working."""
    stack = field.stack
    await stack.hold_down("issuer")
    try:
        made = await field.some_load(60, 20)
        field.require(made > 0, "known tokens stopped working without the issuer")
    finally:
        stack.release("issuer")


@fault("keys-rotated", "JWKS key rotated")
async def keys_rotated(field: Field) -> None:
    """Rotate the keys; a token signed with a new key must work after one fetch."""
    done = await field.stack.run("keys", "rotate")
    field.require(done.returncode == 0, f"keys rotate failed: {done.stderr[-200:]}")
    tokens = field.load.sender.tokens
    for client in ("ngo-refugio", "ngo-salud", "ngo-legal"):
        tokens.forget(client)

    async def accepted() -> bool:
        return await field.some_load(5, 3) > 0

    await field.within(30, "tokens of the new key are accepted", accepted)


@fault("clock-forward", "Clock steps forward")
async def clock_forward(field: Field) -> None:
    """Step the clock two hours forward; emergencies become due and must escalate exactly once."""
    databases = field.stack.databases
    field.stack.step_clock(2 * 3600)

    async def escalated() -> bool:
        return await databases.number("referrals", "SELECT count(*) FROM escalations") > 0

    await field.within(30, "emergencies escalate", escalated)


@fault("clock-back", "Clock steps back")
async def clock_back(field: Field) -> None:
    field.stack.step_clock(-90)
    await field.some_load(60, 15)
    field.stack.step_clock(90)


@fault("migration-during-traffic", "Migration during traffic")
async def migration_during_traffic(field: Field) -> None:
    """Expand, run old and new code side by side, then contract, while commands continue."""
    refused = field.load.sender.statuses["503"]
    async with expanded(field.stack) as upgrade:
        await field.some_load(40, 15)
        await field.within(30, "old and new code serve on the new schema", upgrade.old_and_new_work)
    await contracted(field.stack)
    await field.some_load(40, 15)
    field.notes.append(f"{field.load.sender.statuses['503'] - refused} answers 503")


@fault("shredded-then-restored", "Key shredded; backup restored", setting=Setting.FINALE, every=10)
async def shredded_then_restored(field: Field) -> None:
    """Restore a backup from before an erasure. It must not bring the person back, but must restore everything else."""
    stack = field.stack
    with tempfile.TemporaryDirectory(prefix="ruta-faults-") as name:
        folder, key = Path(name) / "backup", Path(name) / "key"
        case = await _erasable_case(field)
        done = await stack.run("backup", str(folder), "--key-file", str(key), "--new-key")
        field.require(done.returncode == 0, f"backup failed: {done.stderr[-300:]}")
        before = await _fingerprints(stack, case["id"])
        erased = await field.ask(
            "ngo-refugio-supervisor",
            f"/referrals/v1/cases/{case['id']}/erase",
            {"confirm": case["reference"], "basis": "person_request"},
        )
        field.require(erased[0] < 300, f"erasure refused: {erased}")
        await stack.down()
        done = await stack.run("restore", str(folder), "--key-file", str(key))
        field.require(done.returncode == 0, f"restore failed: {done.stderr[-300:]}")
    await stack.up()
    field.load.sender.move_to(stack.state.url)
    after = await _fingerprints(stack, case["id"])
    field.require(after == before, f"the restored record differs: {before} {after}")
    status, body = await field.ask("ngo-refugio", f"/referrals/v1/cases/{case['id']}")
    gone = status in (404, 410) or body.get("identity") is None
    field.require(gone, "a restore brought an erased person back")


_FINGERPRINTS = {
    "cases": "SELECT count(*) FROM cases",
    "steps": "SELECT md5(string_agg(referral_id::text || version || command || to_state, ','"
    " ORDER BY referral_id, version)) FROM referral_steps",
    "grants": "SELECT md5(string_agg(id::text || status, ',' ORDER BY id)) FROM grants"
    " WHERE case_id <> '{case}'",
}


async def _fingerprints(stack: StackUnderTest, case: str) -> dict[str, str]:
    found = {}
    for name, sql in _FINGERPRINTS.items():
        rows = await stack.databases.fetch("referrals", sql.format(case=case))
        found[name] = str(rows[0][0])
    return found


async def _erasable_case(field: Field) -> dict[str, Any]:
    status, body = await field.ask(
        "ngo-refugio",
        "/referrals/v1/cases",
        {"identity": {"name": "Persona Borrada", "age": 30}, "area": "VE2313"},
    )
    field.require(status == 201, f"no case: {status}")
    return body
