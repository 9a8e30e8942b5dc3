"""The officer's commands for `small` reach what deploy/run-small runs."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from common.crypto import new_key
from stack.embedded.connection import SECRET_VARIABLE, RunningStack
from stack.private_files import write_private

from drills.restarts.small import Small
from drills.restarts.test_backup import NOTHING_SINCE, hashes, name_of, new_case
from tests.support import kubectl
from tests.support.system import until

pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    played = Small(tmp_path_factory.mktemp("small"))
    played.make_secrets()
    played.start()
    yield played
    played.stop()


def test_small_is_looked_after_and_survives_the_loss_of_its_machine(
    small: Small, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = new_case(small, "Persona Guardada")
    found = small.ruta("doctor").stdout
    assert "process referrals" in found
    assert "outbox of referrals" in found
    assert "0 findings" in small.ruta("audit", "verify").stdout
    small.ruta("events", "replay", "--from", "outbox")

    folder, key = tmp_path / "backup", tmp_path / "key"
    before = hashes(small)
    small.ruta("backup", str(folder), "--key-file", str(key))
    assert small.running.request(None, "GET", "/readyz").status_code == 200
    running = small.ruta("restore", str(folder), "--key-file", str(key), check=False)
    assert "containers are running on" in running.stderr
    small.stop()

    other = Small(tmp_path_factory.mktemp("other-machine"), small.ports)
    other.ruta("restore", str(folder), "--key-file", str(key), *NOTHING_SINCE)
    other.start()
    try:
        assert name_of(other, kept) == "Persona Guardada"
        after = hashes(other)
        del (
            before["referrals.audit_entries"],
            after["referrals.audit_entries"],
        )  # The restore reads it.
        assert after == before
        audited = other.ruta("audit", "verify").stdout
        assert "restored" in audited
        assert "0 findings" in audited
    finally:
        other.stop()
        small.start()


def test_a_cluster_backs_itself_up_and_is_restored_by_a_job(
    small: Small, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The test follows the overlay's CronJob and Job, with folders as the claims."""
    kept = new_case(small, "Persona Respaldada")
    other = Small(tmp_path_factory.mktemp("other-cluster"), small.ports)
    mounted, folder, key = tmp_path / "secrets", tmp_path / "backups", tmp_path / "backup.key"
    for document in yaml.safe_load_all(small.layout.overlay_secrets_file.read_text()):
        for name, text in (document.get("stringData") or document["data"]).items():
            write_private(mounted / document["metadata"]["name"] / name, text)
    write_private(key, base64.b64encode(new_key()))
    work = Small(tmp_path_factory.mktemp("work"), small.ports)
    work.layout.overlay_file.unlink()  # a backup needs no overlay
    for claim in ("anchors", "keys"):
        (work.layout.root / claim).symlink_to(small.layout.root / claim)
    mounts = ("--folder", str(folder), "--secrets", str(mounted), "--key-file", str(key))
    there = ("--data", str(other.layout.root))
    here = ("--host", "127.0.0.1", "--port", small.ports["5432"], "--keep", "1")
    for _ in range(2):
        work.ruta("serve", "backup", "--data", str(work.layout.root), *mounts, *here)
    (made,) = folder.iterdir()
    lists = ("serve", "lists", "--data", str(work.layout.root), "--folder", str(folder))
    until(small.layout.anchor_file.exists, "the audit is anchored")
    work.ruta(*lists)
    before = hashes(small)
    small.stop()

    unknown = other.ruta("serve", "restore", "2020", *mounts, *there, check=False)
    assert f"the backups are: {made.name}" in unknown.stderr
    other.ruta("serve", "restore", "last", *mounts, *there)
    assert not other.layout.missing_lists_file.exists()
    assert not (other.layout.postgres / "restore-incomplete").exists()
    shutil.copy(
        small.layout.clients_file, other.layout.clients_file
    )  # the file is the officer's, not the cluster's
    other.start()
    try:
        assert name_of(other, kept) == "Persona Respaldada"
        period = {"programme": "referrals", "period": "2020-01a"}
        closing = other.running.request("im-officer", "POST", "/reports/v1/releases", json=period)
        assert closing.json()["code"] == "period_maybe_published", closing.text
        after = hashes(other)
        del before["referrals.audit_entries"], after["referrals.audit_entries"]
        assert after == before
    finally:
        other.stop()
        small.start()


def test_the_same_commands_reach_it_through_kubectl_and_by_its_address(
    small: Small, tmp_path: Path
) -> None:
    """The machine that runs the commands knows only a namespace, or an address and a secret."""
    secret = RunningStack(small.state.url, small.layout).secret("im-officer")
    known = kubectl.install(tmp_path / "bin", small.layout.root) | {
        "RUTA_DATA": str(tmp_path / "elsewhere"),
        SECRET_VARIABLE: secret,
    }

    def typed(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stack", *words],
            env={**os.environ, **known},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "0 findings" in typed("audit", "verify", "--kube", "ruta")
    assert "equal" in typed("events", "replay", "--from", "outbox", "--kube", "ruta")
    examined = json.loads(typed("doctor", "--kube", "ruta", "--json"))
    found = {each["check"]: each["found"] for each in examined}
    services = ("issuer", "directory", "referrals", "reporting", "console", "gateway")
    assert {found[f"pod {name}-0"] for name in services} == {"ready"}
    assert found["dead letters of referrals-0"] == "0"
    ring = json.loads(typed("k8s", "run", "referrals", "key-ring-add"))
    assert len(ring["keys"]) == 2
    assert "im-officer" in typed("client", "list", "--url", small.state.url)


def test_the_demo_ends_here_too_where_two_people_are_asked_for(small: Small) -> None:
    """`deploy/run-small demo` runs the demo this way. Nobody may publish alone what they closed."""
    played = small.ruta("demo", "--load", "--url", small.state.url).stdout
    assert "A second person publishes it" in played
    assert "Every step succeeded" in played
