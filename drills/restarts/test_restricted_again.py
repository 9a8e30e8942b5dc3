"""A restore of a backup from before a restriction. Everything withdrawn, hidden or marked since then is restricted
again before the first request."""

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from stack.embedded.postgres import PostgresServer

from drills.restarts.test_backup import NOTHING_SINCE
from tests.services.directory.conftest import service_document
from tests.support.principals import organisation
from tests.support.system import System, until

pytestmark = [pytest.mark.system, pytest.mark.slow]
DIRECTORY, REFERRALS = "/directory/v1", "/referrals/v1"
KEEPER, US, THEM, NEXT = "gbv-coordinator", "ngo-refugio", "ngo-salud", "ngo-legal"


def ask(system: System, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Return the response's JSON; an error fails the test."""
    answer = system.running.request(
        who, method, path, json=body, headers={"Idempotency-Key": f'"{uuid4()}"', **headers}
    )
    assert answer.status_code < 300, answer.text
    return answer.json()


def status_of(system: System, who: str | None, method: str, path: str, body: Any = None) -> int:
    headers = {"Idempotency-Key": f'"{uuid4()}"'}
    return system.running.request(who, method, path, json=body, headers=headers).status_code


def entered(system: System, **changes: Any) -> str:
    document = service_document(**changes)
    return str(ask(system, KEEPER, "POST", f"{DIRECTORY}/records/services", document)["id"])


def changed(system: System, service: str, **changes: Any) -> None:
    record = f"{DIRECTORY}/records/services/{service}"
    etag = system.running.request(KEEPER, "GET", record).headers["etag"]
    ask(system, KEEPER, "PATCH", record, changes, **{"If-Match": etag})


class Person:
    """A person referred under consent to a service of this organisation."""

    def __init__(self, system: System, service: str, urgency: str = "routine") -> None:
        identity = {"name": f"Persona {uuid4().hex}", "age": 30}
        case = {"identity": identity, "area": "VE2313"}
        self.case: str = ask(system, US, "POST", f"{REFERRALS}/cases", case)["id"]
        consent = {
            "case_id": self.case,
            "kind": "referral",
            "service_id": service,
            "purpose": "GBV-PSS",
            "items": ["name", "situation"],
            "method": "verbal",
        }
        self.consent: str = ask(system, US, "POST", f"{REFERRALS}/consents", consent)["id"]
        draft = {
            "case_id": self.case,
            "service_id": service,
            "category": "GBV-PSS",
            "urgency": urgency,
            "payload": {"situation": "asks for a consultation"},
            "from_case": ["name"],
            "safe_contact": {"rule": "do_not_contact"},
        }
        made = ask(system, US, "POST", f"{REFERRALS}/referrals", draft)
        self.referral = f"{REFERRALS}/referrals/{made['id']}"

    def sent(self, system: System) -> "Person":
        assert self.send(system) == 200
        assert self.read(system) == 200
        return self

    def send(self, system: System) -> int:
        body = {"grant_id": self.consent}
        return status_of(system, US, "POST", f"{self.referral}/send", body)

    def read(self, system: System) -> int:
        return status_of(system, THEM, "GET", f"{self.referral}/disclosure")

    def withdraw(self, system: System) -> None:
        path = f"{REFERRALS}/consents/{self.consent}/withdraw"
        ask(system, US, "POST", path, {"method": "phone"})


def seen(system: System, who: str | None, service: str) -> bool:
    """Return whether the caller sees the service, after checking that search, id and sync agree."""
    running = system.running
    by_id = running.request(who, "GET", f"{DIRECTORY}/services/{service}").status_code
    assert by_id in (200, 404)
    found = running.request(who, "GET", f"{DIRECTORY}/services?search=Zzyzx&per_page=100").json()
    listed = service in {item["id"] for item in found["contents"]}
    copy = running.request(who, "GET", f"{DIRECTORY}/sync/snapshot").text
    ids = {line.get("id") for line in map(json.loads, copy.splitlines())}
    assert (by_id == 200) == listed == (service in ids)
    return listed


class Told:
    """Restrictions made after the backup, including one that was lifted again."""

    def __init__(self, system: System) -> None:
        self.point = entered(system, name="Punto de atención Zzyzx")
        self.house = entered(system, name="Casa de abrigo Zzyzx", visibility="partners")
        self.left = entered(system, name="Oficina Zzyzx")
        self.opened = entered(system, name="Ambulatorio Zzyzx")
        until(lambda: self._known(system), "referrals know the services")
        self.person, self.kept, self.accused = (
            Person(system, self.point).sent(system) for _ in range(3)
        )
        self.unsent, self.waits = (Person(system, self.point) for _ in range(2))
        self.moved = ask(system, US, "POST", f"{REFERRALS}/cases", {"area": "VE2313"})["id"]
        written = {"kind": "note", "text": "of another person"}
        self.entries = f"{REFERRALS}/cases/{self.kept.case}/entries"
        self.mistake = ask(system, US, "POST", self.entries, written)["id"]

    def _known(self, system: System) -> bool:
        path = f"{REFERRALS}/services/{self.point}/team"
        return status_of(system, "ngo-salud-supervisor", "GET", path) == 200

    def restrict(self, system: System) -> None:
        self._hide(system, self.house)
        self._hide(system, self.opened)
        changed(system, self.opened, visibility="public", **_placed("public"))
        ask(system, KEEPER, "POST", f"{DIRECTORY}/records/services/{self.left}/withdraw")
        self.person.withdraw(system)
        self.unsent.withdraw(system)
        marked = {"organisation_ids": [str(organisation(2))]}
        path = f"{REFERRALS}/cases/{self.accused.case}/implicated-organisations"
        ask(system, US, "PUT", path, marked)
        self._hand_over(system)
        ask(system, US, "POST", f"{self.entries}/{self.mistake}/take-back")

    def _hand_over(self, system: System) -> None:
        """Hand over the case; the new holder marks the old one."""
        to = str(organisation(3))
        agreed = {"kind": "transfer", "method": "signed", "recipient_organisation_id": to}
        consent = {"case_id": self.moved, **agreed}
        grant = ask(system, US, "POST", f"{REFERRALS}/consents", consent)["id"]
        offer = {"case_id": self.moved, "to_organisation": to, "grant_id": grant}
        offered = ask(system, US, "POST", f"{REFERRALS}/transfers", offer)["id"]
        ask(system, NEXT, "POST", f"{REFERRALS}/transfers/{offered}/accept", {})
        path = f"{REFERRALS}/cases/{self.moved}/implicated-organisations"
        ask(system, NEXT, "PUT", path, {"organisation_ids": [str(organisation(1))]})

    def _hide(self, system: System, service: str) -> None:
        changed(system, service, visibility="restricted", **_placed("restricted"))

    def holds(self, system: System) -> None:
        assert not seen(system, None, self.house)
        assert not seen(system, US, self.house)
        assert not seen(system, US, self.left)
        assert seen(system, None, self.opened)
        assert seen(system, None, self.point)
        record = system.running.request(
            KEEPER, "GET", f"{DIRECTORY}/records/services/{self.house}"
        ).text
        assert "Calle" not in record, "of a restricted place no address is kept"
        assert self.person.read(system) in (403, 410)
        assert self.unsent.send(system) == 409
        assert self.accused.read(system) in (403, 404, 410)
        assert self.kept.read(system) == 200
        assert self.waits.send(system) == 200
        case = f"{REFERRALS}/cases/{self.moved}"
        assert status_of(system, US, "GET", case) == 404
        held = ask(system, NEXT, "GET", case)
        assert held["implicated_organisations"] == [str(organisation(1))]
        mistake = ask(system, US, "GET", f"{self.entries}/{self.mistake}")
        assert (mistake["content"], mistake["taken_back_at"] is None) == (None, False)


def _placed(visibility: str) -> dict[str, Any]:
    """Return the public street, or the state for callers who may know it."""
    place: dict[str, Any] = {"location_type": "physical", "pcode": "VE23"}
    if visibility == "public":
        place = {**place, "name": "Calle", "pcode": "VE2313"}
    return {"service_at_locations": [{"location": place}], "service_areas": [], "phones": []}


def test_what_was_restricted_since_a_backup_is_so_after_a_restore(
    system: System, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    told = Told(system)
    folder, key, usb = tmp_path / "backup", tmp_path / "key", tmp_path / "usb"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    told.restrict(system)
    kept = system.layout.restrictions_file
    until(lambda: _says(kept, told), "the list says all of it")
    until(lambda: _anchored(system), "the anchor knows it")
    system.down()
    shutil.copytree(system.layout.anchors, usb)

    said = system.ruta("restore", str(folder), "--key-file", str(key)).stdout
    assert "2 entries of the directory are restricted again" in said
    assert "2 consents" in said
    system.up()
    told.holds(system)
    assert "0 findings" in system.ruta("audit", "verify").stdout
    assert "lists for a restore" in system.ruta("doctor", check=False).stdout

    elsewhere = System(tmp_path_factory.mktemp("elsewhere"))
    given = ["restore", str(folder), "--key-file", str(key), "--tombstones"]
    lines = (usb / kept.name).read_text().splitlines()
    edited = [lines[0].replace("2026", "2025"), *lines[1:]]
    for wrong, why in ((edited, "was edited or was not written by Ruta"), (lines[:-1], "it had")):
        spoiled = tmp_path / f"spoiled{len(wrong)}"
        shutil.copytree(usb, spoiled)
        (spoiled / kept.name).write_text("\n".join(wrong) + "\n")
        refused = elsewhere.ruta(*given, str(spoiled / "tombstones.jsonl"), check=False)
        assert refused.returncode == 1
        assert why in refused.stderr
        assert elsewhere.ruta("up", "--detach", "--port", "0", check=False).returncode == 1
    elsewhere.ruta(*given, str(usb / "tombstones.jsonl"))
    elsewhere.up()
    try:
        told.holds(elsewhere)
    finally:
        elsewhere.down()


def _anchored(system: System) -> bool:
    number = len(system.layout.restrictions_file.read_text().splitlines())
    return f'"restrictions":[{number},' in system.layout.anchor_file.read_text()


def _says(kept: Path, told: Told) -> bool:
    """Return whether the list has the latest entry of each restricted object, after checking that it names no person or
    place."""
    text = kept.read_text() if kept.exists() else ""
    last = {json.loads(line)["id"]: json.loads(line)["word"] for line in text.splitlines()}
    assert "Zzyzx" not in text
    for accused in (1, 2):
        assert str(organisation(accused)) not in text, "the list accuses nobody"
    wanted = {told.house, told.opened, told.left, told.unsent.consent, told.accused.case}
    wanted |= {told.moved, told.mistake}
    return wanted <= last.keys() and last[told.opened] == {} and last[told.house] != {}


def test_what_was_restricted_in_the_last_moment_is_read_from_the_record_itself(
    system: System, tmp_path: Path
) -> None:
    """The test kills the stack between the commit and the list. In a restore in place, the replaced record still
    contains the restriction."""
    told = Told(system)
    folder, key = tmp_path / "backup", tmp_path / "key"
    system.ruta("backup", str(folder), "--key-file", str(key), "--new-key")
    kept = system.layout.restrictions_file
    before = kept.read_bytes() if kept.exists() else b""
    told.restrict(system)
    system.down()
    kept.write_bytes(before)
    server = PostgresServer(system.layout.postgres)
    server.start()
    server.psql("UPDATE restrictions SET told_at = NULL", database="referrals")
    server.stop()
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    (spoiled / kept.name).write_text("{}\n")
    given = ["restore", str(folder), "--key-file", str(key), *NOTHING_SINCE]
    list_of = ("--tombstones", str(spoiled / "tombstones.jsonl"))
    assert system.ruta(*given, *list_of, check=False).returncode == 1
    assert system.ruta("up", "--detach", "--port", "0", check=False).returncode == 1
    # By now the record is the backup's, which shows the house to partners, so the last entry is missing.
    said = system.ruta(*given).stdout
    assert "2 entries of the directory are restricted again" in said
    system.up()
    told.holds(system)
