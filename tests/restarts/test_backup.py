"""A restore drill: the record comes back, what was erased stays erased, events are told again."""

from pathlib import Path
from uuid import uuid4

import pytest
from stack.service_commands import attached_postgres

from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"


def new_case(system: System, name: str) -> dict[str, str]:
    answer = system.running.request(
        "ngo-refugio",
        "POST",
        CASES,
        json={"identity": {"name": name, "age": 30}, "area": "VE2313"},
        headers={"Idempotency-Key": f'"{uuid4()}"'},
    )
    assert answer.status_code == 201, answer.text
    case: dict[str, str] = answer.json()
    return case


def name_of(system: System, case: dict[str, str]) -> str | None:
    answer = system.running.request("ngo-refugio", "GET", f"{CASES}/{case['id']}")
    assert answer.status_code in (200, 404, 410), answer.text
    identity = answer.json().get("identity") if answer.status_code == 200 else None
    return identity["name"] if identity else None


# The record and what was made of it; not what every start and every publication changes.
_HASHED = {
    "referrals": ("cases", "grants", "referrals", "referral_steps", "audit_entries"),
    "directory": ("services", "service_documents"),
    "reporting": ("projection.referral_steps", "projection.referral_facts", "releases"),
}


def hashes(system: System) -> dict[str, str]:
    """One hash per table over all its rows, in an order of their own."""
    server = attached_postgres(system.layout, system.state)
    return {
        f"{database}.{table}": server.psql(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t",
            database=database,
        ).strip()
        for database, tables in _HASHED.items()
        for table in tables
    }


def is_shredded(system: System, case: dict[str, str]) -> bool:
    """Neither the person's key nor anything that it sealed is left in the running databases."""
    server = attached_postgres(system.layout, system.state)
    key = server.psql(
        "SELECT wrapped IS NULL AND destroyed_at IS NOT NULL FROM case_keys"
        f" WHERE case_id = '{case['id']}'",
        database="referral_keys",
    )
    sealed = server.psql(
        "SELECT status = 'erased' AND identity IS NULL AND attributes IS NULL FROM cases"
        f" WHERE id = '{case['id']}'",
        database="referrals",
    )
    return key.strip() == sealed.strip() == "t"


def test_a_restored_stack_holds_the_record_and_not_the_erased(
    system: System, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept, erased = new_case(system, "Persona Guardada"), new_case(system, "Persona Borrada")
    folder, key = tmp_path / "backup", tmp_path / "key"
    before = hashes(system)
    system.ruta("backup", str(folder), "--key-file", str(key))
    for archive in folder.iterdir():
        assert b"Persona" not in archive.read_bytes()
    gone = system.running.request(
        "ngo-refugio-supervisor",
        "POST",
        f"{CASES}/{erased['id']}/erase",
        json={"confirm": erased["reference"], "basis": "person_request"},
        headers={"Idempotency-Key": f'"{uuid4()}"'},
    )
    assert gone.status_code < 300, gone.text
    later = new_case(system, "Persona Posterior")
    system.down()

    refused = system.ruta(
        "restore", str(folder), "--key-file", str(_other_key(tmp_path)), check=False
    )
    assert "does not open" in refused.stderr

    system.ruta("restore", str(folder), "--key-file", str(key))
    system.up()
    assert name_of(system, kept) == "Persona Guardada"
    assert name_of(system, erased) is None, "a restore brought an erased person back"
    assert is_shredded(system, erased), "the restored data is readable with the restored key"
    assert not is_shredded(system, kept)
    assert name_of(system, later) is None, "this case was not in the backup"

    elsewhere = System(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.ruta("restore", str(folder), "--key-file", str(key))
    elsewhere.up()
    try:
        # Before anything is read there: reading a case leaves an entry in the audit.
        assert hashes(elsewhere) == before, "the restored record is not what was backed up"
        assert name_of(elsewhere, kept) == "Persona Guardada"
        until(lambda: _drained(elsewhere), "events are published again")
        assert "equal" in elsewhere.ruta("events", "replay").stdout
        assert elsewhere.ruta("audit", "verify").returncode == 0
    finally:
        elsewhere.down()


def test_a_changed_backup_is_refused(system: System, tmp_path: Path) -> None:
    folder, key = tmp_path / "backup", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key))
    archive = folder / "data.ruta"
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    target = System(tmp_path / "target")
    refused = target.ruta("restore", str(folder), "--key-file", str(key), check=False)
    assert refused.returncode == 1
    assert "does not open" in refused.stderr


def _other_key(folder: Path) -> Path:
    other = folder / "other"
    other.write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    return other


def _drained(system: System) -> bool:
    server = attached_postgres(system.layout, system.state)
    waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    return server.psql(waiting, database="referrals").strip() == "0"
