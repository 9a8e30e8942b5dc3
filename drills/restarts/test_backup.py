"""A restore brings the record back, erased people stay erased, and events are sent again."""

from pathlib import Path
from uuid import uuid4

import pytest
from stack.embedded.postgres import PostgresServer
from stack.operate.service_commands import attached_postgres

from tests.support.principals import organisation
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


# The record and its derived tables, except those that change at every start or publication.
_HASHED = {
    "referrals": ("cases", "grants", "referrals", "referral_steps", "audit_entries"),
    "directory": ("services", "service_documents"),
    "reporting": ("projection.referral_steps", "projection.referral_facts", "releases"),
}


def hashes(system: System) -> dict[str, str]:
    """Return one hash per table over all rows, in a fixed order."""
    server = attached_postgres(system.layout, system.state)
    return {
        f"{database}.{table}": server.psql(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t",
            database=database,
        ).strip()
        for database, tables in _HASHED.items()
        for table in tables
    }


NOTHING_SINCE = ("--without-lists", "a drill: nothing was erased since this backup")


def is_shredded(system: System, case: dict[str, str]) -> bool:
    """Return whether the running databases contain neither the person's key nor anything sealed with it."""
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
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    for archive in folder.iterdir():
        assert b"Persona" not in archive.read_bytes()
    erase(system, erased)
    later = new_case(system, "Persona Posterior")
    system.down()

    refused = system.ruta(
        "restore", str(folder), "--key-file", str(_other_key(tmp_path)), check=False
    )
    assert "cannot be opened" in refused.stderr

    system.ruta("restore", str(folder), "--key-file", str(key))
    system.up()
    assert name_of(system, kept) == "Persona Guardada"
    assert name_of(system, erased) is None, "a restore brought an erased person back"
    assert is_shredded(system, erased), "the restored data is readable with the restored key"
    assert not is_shredded(system, kept)
    assert name_of(system, later) is None, "this case was not in the backup"
    audited = system.ruta("audit", "verify")
    assert "restored" in audited.stdout, "a restore is told from a forgery"
    assert "0 findings" in audited.stdout

    elsewhere = System(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.ruta("restore", str(folder), "--key-file", str(key), *NOTHING_SINCE)
    elsewhere.up()
    try:
        # Compare before the first read there, because reading a case writes an audit entry.
        assert hashes(elsewhere) == before, "the restored record is not what was backed up"
        assert name_of(elsewhere, kept) == "Persona Guardada"
        until(lambda: _drained(elsewhere), "events are published again")
        assert "equal" in elsewhere.ruta("events", "replay").stdout
        assert elsewhere.ruta("audit", "verify").returncode == 0
    finally:
        elsewhere.down()


def followed(system: System, cursor: str | None) -> tuple[set[str], str]:
    """Return the partner's feed since the cursor, with the next cursor."""
    found: set[str] = set()
    while True:
        asked = "" if cursor is None else f"?cursor={cursor}"
        answer = system.running.request("ngo-refugio", "GET", f"/referrals/v1/feed{asked}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found |= {item["id"] for item in page["items"]}
        cursor = str(page["next_cursor"])
        if not page["more"]:
            return found, cursor


def test_what_partners_follow_goes_on_after_a_restore(
    system: System, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Partners can continue after a restore. Their cursors are transactions of the lost server, and the new server
    counts from the beginning."""
    system.ruta("demo")
    told, cursor = followed(system, None)
    assert told
    folder, key = tmp_path / "backup", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")

    elsewhere = System(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.ruta("restore", str(folder), "--key-file", str(key), *NOTHING_SINCE)
    elsewhere.up()
    try:
        assert followed(elsewhere, None)[0] == told
        assert followed(elsewhere, cursor)[0] == set(), "nothing came since"
        elsewhere.ruta("demo")
        assert followed(elsewhere, cursor)[0] - told, "new referrals are told"
        assert "0 findings" in elsewhere.ruta("audit", "verify").stdout
    finally:
        elsewhere.down()


def gets_in(system: System, client: str, secret: str) -> bool:
    answer = system.running.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client, secret)
    )
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


def added_client(system: System) -> tuple[str, str]:
    name = f"partner-{uuid4().hex[:8]}"
    shown = system.ruta("client", "add", name, "--organisation", str(organisation(1))).stdout
    return name, secret_in(shown)


def secret_in(shown: str) -> str:
    return shown.split("secret")[1].split(maxsplit=1)[0]


def test_who_was_switched_off_stays_out_after_a_restore(
    system: System, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Disabled access stays disabled after a restore, although the backup contains a dismissed person's account and a
    stolen secret."""
    (gone, old), (robbed, stolen) = added_client(system), added_client(system)
    shown = system.ruta(
        "person", "add", f"p-{robbed}", "--organisation", str(organisation(1))
    ).stdout
    attached_postgres(system.layout, system.state).psql(
        f"INSERT INTO refresh_tokens SELECT 'used since', gen_random_uuid(), '{robbed}',"
        f" '{shown.split()[1]}', '{{}}', now(), now() + interval '1 hour'",
        database="issuer",
    )
    folder, key = tmp_path / "backup", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    system.ruta("client", "switch-off", gone)
    renewed = secret_in(system.ruta("client", "renew-secret", robbed).stdout)
    (later, own) = added_client(system)
    system.down()

    said = system.ruta("restore", str(folder), "--key-file", str(key)).stdout
    assert "access is as it was" not in said
    system.up()
    assert not gets_in(system, gone, old)
    assert not gets_in(system, robbed, stolen)
    assert gets_in(system, robbed, renewed)
    assert gets_in(system, later, own)

    elsewhere = System(tmp_path_factory.mktemp("elsewhere"))
    restore = ("restore", str(folder), "--key-file", str(key))
    said = elsewhere.ruta(*restore, *NOTHING_SINCE).stdout
    assert "disable again" in said, "nothing else is left there that knows it"
    server = PostgresServer(elsewhere.layout.postgres)
    server.start()
    try:
        assert server.rows("issuer", "SELECT count(*) FROM refresh_tokens") == ["0"]
    finally:
        server.stop()

    known = System(tmp_path_factory.mktemp("known"))
    said = known.ruta(*restore, "--tombstones", str(system.layout.anchors)).stdout
    assert "access is as it was" not in said, "the list of rights lies beside the others"
    known.up()
    try:
        assert not gets_in(known, gone, old)
        assert not gets_in(known, robbed, stolen)
    finally:
        known.down()


def erase(system: System, case: dict[str, str]) -> None:
    gone = system.running.request(
        "ngo-refugio-supervisor",
        "POST",
        f"{CASES}/{case['id']}/erase",
        json={"confirm": case["reference"], "basis": "person_request"},
        headers={"Idempotency-Key": f'"{uuid4()}"'},
    )
    assert gone.status_code < 300, gone.text


def test_after_the_loss_of_the_machine_the_erased_stay_erased(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All that is left is a backup from before the erasure, its key and the second location."""
    usb, folder, key = tmp_path / "usb", tmp_path / "backup", tmp_path / "key"
    usb.mkdir()
    lost = System(tmp_path_factory.mktemp("lost"), RUTA_SECOND_PLACES=str(usb))
    lost.up()
    kept, erased = new_case(lost, "Persona Guardada"), new_case(lost, "Persona Borrada")
    lost.ruta("backup", str(folder), "--key-file", str(key))
    tombstones, anchor = usb / "tombstones.jsonl", usb / "referrals.jsonl"
    erase(lost, erased)
    until(lambda: tombstones.exists() and erased["id"] in tombstones.read_text(), "it leaves")
    until(lambda: '"tombstones":[1,' in anchor.read_text(), "the anchor knows it")
    lost.down()
    short = tmp_path / "short"
    short.mkdir()
    (short / tombstones.name).write_text("")
    (short / anchor.name).write_bytes(anchor.read_bytes())

    found = System(tmp_path_factory.mktemp("found"))
    away = usb.rename(tmp_path / "unplugged")
    restore = ("restore", str(folder), "--key-file", str(key))
    refused = found.ruta(*restore, check=False)
    assert refused.returncode == 1
    assert f"Connect the second place ({usb})" in refused.stderr
    assert not found.layout.restore_mark.exists(), "nothing was begun"
    refused = found.ruta(*restore, "--without-lists", "x", check=False)
    assert "give the reason in a full sentence" in refused.stderr
    given = ["restore", str(folder), "--key-file", str(key), "--tombstones"]
    refused = found.ruta(*given, str(short / tombstones.name), check=False)
    assert refused.returncode == 1
    assert "the list of erased cases ends at line 0" in refused.stderr
    not_yet = found.ruta("up", "--detach", "--port", "0", check=False)
    assert not_yet.returncode == 1
    assert "did not finish" in not_yet.stderr

    away.rename(usb)
    told = found.ruta(*restore).stdout
    assert "1 cases were erased again" in told
    assert "are not known here" in told
    found.up()
    try:
        assert name_of(found, kept) == "Persona Guardada"
        assert name_of(found, erased) is None
        assert is_shredded(found, erased)
        assert found.ruta("audit", "verify").returncode == 0
    finally:
        found.down()


def test_a_restore_without_its_lists_is_said_until_somebody_settles_it(
    system: System, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, key = tmp_path / "backup", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    usb = tmp_path / "usb"
    usb.mkdir()
    alone = System(tmp_path_factory.mktemp("alone"), RUTA_SECOND_PLACES=str(usb))
    alone.ruta("restore", str(folder), "--key-file", str(key), *NOTHING_SINCE)
    alone.up()
    try:
        until((usb / alone.layout.rights_file.name).exists, "rights are carried, too")
        usb.rename(tmp_path / "unplugged")
        said = alone.ruta("doctor", check=False).stdout
        assert "a drill: nothing was erased since this backup" in said
        assert "mount it again" in said
        alone.ruta("settle", "looked at the paper list: nobody")
        assert "restore made without its lists" not in alone.ruta("doctor", check=False).stdout
        assert alone.ruta("settle", "looked at it once more", check=False).returncode == 1
    finally:
        alone.down()


def _other_key(folder: Path) -> Path:
    other = folder / "other"
    other.write_text("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")
    return other


def _drained(system: System) -> bool:
    server = attached_postgres(system.layout, system.state)
    waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    return server.psql(waiting, database="referrals").strip() == "0"
