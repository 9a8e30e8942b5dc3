"""Follows the operators' guide literally. It types the guide's blocks, which are the same in both languages.

The steps are: install, an organisation's client, second location, backup, upgrade, key rotation, lost keys, loss of the
machine, restore. Only the folders (`/srv`, `/backups`, `/safe`, `/mnt/usb` below one folder) and the port differ. Run
it by name, `./ruta test drills/restarts/drill_guide.py`, because it takes as long as an officer would.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack.demo.releases import last_closed_period
from stack.embedded.ports import free_port

from drills.restarts.test_backup import erase, is_shredded, name_of, new_case
from tests.support.patience import PATIENCE
from tests.support.reference import ROOT
from tests.support.system import System, until

SECTIONS = {
    "operate.md": (
        "Install on one server",
        "Add an organisation",
        "Back up and restore",
        "Lost keys",
    ),
    "operate.es.md": (
        "Instalar en un servidor",
        "Agregar una organización",
        "Respaldar y restaurar",
        "Llaves perdidas",
    ),
}
INLINE = {
    "operate.md": ("Upgrade", "Rotate keys"),
    "operate.es.md": ("Actualizar", "Rotar llaves"),
}
_PLACES = ("/srv/", "/backups/", "/safe/", "/mnt/usb/")


def _section(guide: str, title: str) -> str:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    return re.split(r"^##+ ", text.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def blocks(guide: str) -> list[list[str]]:
    """Return the commands in each block, by section."""
    return [
        [line.replace("ID_DE_LA_ORGANIZACION", "ORGANISATION_ID") for line in block.splitlines()]
        for title in SECTIONS[guide]
        for block in re.findall(
            r"^```\n(.*?)^```", _section(guide, title), re.DOTALL | re.MULTILINE
        )
    ]


def test_both_guides_show_the_same_blocks() -> None:
    assert blocks("operate.es.md") == blocks("operate.md")
    for guide, titles in INLINE.items():
        told = [_section(guide, title) for title in titles]
        for command in ("`./ruta backup`", "`git pull`", "`./ruta down`", "`./ruta up --detach`"):
            assert command in told[0], f"{guide}: {command}"
        assert "`./ruta keys rotate`" in told[1]
        assert "--tombstones /mnt/usb/ruta/tombstones.jsonl`" in _section(guide, SECTIONS[guide][2])


class Officer:
    """Types exactly what the guide shows."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in _PLACES:
            (place / name.strip("/")).mkdir(parents=True, exist_ok=True)
        self.shown = [line for block in blocks("operate.md") for line in block]
        self.typed: list[str] = []
        self._environment = {
            **os.environ,
            "RUTA_DATA": str(place / "srv" / "ruta"),
            "RUTA_PORT": str(free_port()),
        }

    def types(
        self, start: str, after: str = "", before: str = "", *, exactly: bool = False, **open_: str
    ) -> str:
        """Type the guide's only line with this beginning, with its placeholders filled in."""
        (line,) = [
            line for line in self.shown if line == start or (line.startswith(start) and not exactly)
        ]
        self.typed.append(line)
        return self.shell(f"{before}{line}{after}", **open_)  # type: ignore[arg-type]  # what the guide leaves open, not an option

    def shell(self, line: str, *, fails: bool = False, **filled_in: str) -> str:
        for name, value in filled_in.items():
            line = line.replace(name, value)
        for name in _PLACES:
            line = line.replace(f" {name}", f" {self.place}{name}")
            line = line.replace(f"={name}", f"={self.place}{name}")
        done = subprocess.run(
            ["bash", "-euc", line],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def system(self, name: str) -> System:
        return System(self.place / "srv" / name)


@pytest.fixture
def officer(tmp_path: Path) -> Iterator[Officer]:
    typing = Officer(tmp_path)
    yield typing
    for name in ("ruta", "ruta-restored"):
        if (tmp_path / "srv" / name / "running.json").exists():
            typing.shell(f"./ruta down --data /srv/{name}")


@pytest.mark.system
@pytest.mark.slow
def test_the_guide_leads_from_the_first_start_through_the_loss_of_the_machine(  # noqa: PLR0915 -- one story
    officer: Officer,
) -> None:
    # Install, then add an organisation, its system and a person.
    officer.types("./ruta up --detach --data /srv/ruta", exactly=True)
    officer.types("./ruta status")
    officer.types("./ruta doctor")
    here = officer.system("ruta")
    made = officer.types("./ruta organisation add")
    organisation = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", made)[0]
    officer.types("./ruta client add", ORGANISATION_ID=organisation)
    assert "ejemplo-sistema" in officer.types("./ruta client list")
    assert "m.rivas" in officer.types("./ruta person add", ORGANISATION_ID=organisation)

    # The first backup creates its key. From then on, erasures are stored outside the machine too.
    backup = "./ruta backup /backups/2026-11-25 --key-file /safe/backup.key --data /srv/ruta"
    officer.types(backup)
    officer.shell("./ruta down --data /srv/ruta")
    second = "RUTA_SECOND_PLACES=/mnt/usb/ruta ./ruta up --detach --data /srv/ruta"
    officer.types("mkdir -p /mnt/usb/ruta")
    officer.types(second)
    kept, erased = new_case(here, "Persona Guardada"), new_case(here, "Persona Borrada")

    # Upgrade without pulling anything. From now on, the log is archived outside the machine.
    officer.shell(backup)
    here.close()
    officer.shell("./ruta down --data /srv/ruta")
    officer.types(
        "./ruta up --detach --data /srv/ruta --archive", before="RUTA_SECOND_PLACES=/mnt/usb/ruta "
    )
    assert "equal" in officer.shell("./ruta events replay --data /srv/ruta")
    assert name_of(here, kept) == "Persona Guardada"

    # Rotate keys while the stack runs.
    kek = here.layout.keys / "referrals-kek.json"
    former = kek.read_bytes()
    officer.shell("./ruta keys rotate --data /srv/ruta")
    assert kek.read_bytes() != former
    here.close()
    assert name_of(here, kept) == "Persona Guardada"
    officer.shell(backup)

    # The key-encryption keys are lost. One line names them, none is created again, and the backup contains them.
    here.close()
    officer.shell("./ruta down --data /srv/ruta")
    kek.unlink()
    assert kek.name in officer.shell("./ruta up --detach --data /srv/ruta", fails=True)
    assert not kek.exists()
    keys_only = "./ruta restore /backups/2026-11-25 --key-file /safe/backup.key --data /srv/ruta --"
    assert kek.name in officer.types(keys_only)
    officer.shell(second)
    assert name_of(here, kept) == "Persona Guardada"

    # The machine is lost after an erasure, and the backup restores the other people.
    erase(here, erased)
    gone = officer.place / "mnt/usb/ruta/tombstones.jsonl"
    until(lambda: gone.exists() and erased["id"] in gone.read_text(), "it leaves the machine")
    until(lambda: '"tombstones":[1,' in gone.with_name("referrals.jsonl").read_text(), "its anchor")
    here.close()
    officer.shell("./ruta down --data /srv/ruta")
    shutil.rmtree(officer.place / "srv/ruta")
    listed = " --tombstones /mnt/usb/ruta/tombstones.jsonl"
    restore = (
        "./ruta restore /backups/2026-11-25 --key-file /safe/backup.key --data /srv/ruta-restored"
    )
    assert "1 cases were erased again" in officer.types(restore, after=listed)
    officer.shell("./ruta up --detach --data /srv/ruta-restored")
    found = officer.system("ruta-restored")
    assert name_of(found, kept) == "Persona Guardada"
    assert name_of(found, erased) is None
    assert is_shredded(found, erased)
    assert "0 findings" in officer.shell("./ruta audit verify --data /srv/ruta-restored")
    found.close()
    officer.shell("./ruta down --data /srv/ruta-restored")

    # Restore to the latest moment in the log instead.
    shutil.rmtree(officer.place / "srv/ruta-restored")
    at_its_end = {"2026-11-25T14:05:00Z": "end"}
    assert "restored into" in officer.types("./ruta restore /mnt/usb/archive", listed, **at_its_end)  # type: ignore[arg-type]  # what the guide leaves open, not an option

    typed = {line for line in officer.typed if "./ruta " in line}
    assert typed == {line for line in officer.shown if "./ruta " in line}


def _first_block(guide: str, title: str) -> list[str]:
    block = re.search(r"^```\n(.*?)^```", _section(guide, title), re.DOTALL | re.MULTILINE)
    assert block is not None
    return block[1].splitlines()


_ROUTINE = (
    ("Close a period", "Publish a bulletin"),
    ("Cerrar un periodo", "Publicar un boletín"),
)


@pytest.mark.system
@pytest.mark.slow
def test_the_guide_closes_a_period_and_publishes_a_bulletin(officer: Officer) -> None:
    """The test types the biweekly work literally, for the guide's half month or the last one that has ended."""
    officer.shell("./ruta up --detach --demo --data /srv/ruta")
    period = {"2026-11a": last_closed_period()}
    english, spanish = (
        [_first_block(guide, title) for title in titles]
        for guide, titles in zip(SECTIONS, _ROUTINE, strict=True)
    )
    assert [
        [line.replace("ID_DEL_BOLETIN", "BULLETIN_ID").replace("textos", "words") for line in block]
        for block in spanish
    ] == english
    closing, bulletin = english
    for line in closing:
        officer.shell(line, **period)  # type: ignore[arg-type]  # what the guide leaves open, not an option
    drafting, *others = bulletin
    drafted = officer.shell(drafting, **period)  # type: ignore[arg-type]  # what the guide leaves open, not an option
    made, *_, read = drafted.split()
    words = officer.place / "words.json"
    words.write_text('{"highlights": {"es": "Más estados.", "en": "More states."}}')
    for line in others:
        if " publish " in line:  # Sign off before publishing, as in the guide.
            officer.shell(f"./ruta bulletin sign-off {made} {read}")
        told = officer.shell(line, BULLETIN_ID=made, **{"words.json": str(words)})  # type: ignore[arg-type]  # what the guide leaves open, not an option
        if " words " in line:
            read = told.split()[-1]
    assert "published" in officer.shell("./ruta bulletin list"), told


def test_the_guide_prepares_a_cluster(officer: Officer) -> None:
    """The test runs the commands before the first `kubectl apply`, and those for readers in other clusters."""
    secrets = officer.shell("./ruta k8s secrets --overlay production")
    assert "kind: Secret" in secrets
    officer.shell("./ruta k8s check")
    (line,) = re.findall(
        r"^\./ruta k8s nats-config .*$",
        _section("operate.md", "Events for other clusters"),
        re.MULTILINE,
    )
    made = officer.place / "nats.conf"
    officer.shell(line.replace("nats.conf", str(made)))
    assert "NATS_OUTSIDE_HEALTH_PASSWORD" in made.read_text()
