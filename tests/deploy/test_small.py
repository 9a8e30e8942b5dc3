"""Settings of `small` and deploy/run-small, checked without containers."""

import subprocess
from pathlib import Path

import pytest
import yaml
from stack.embedded.layout import Layout
from stack.embedded.small import SmallDeployment
from stack.operate.cluster import secrets as cluster_secrets
from stack.operate.cluster.check import Skipped, built
from stack.private_files import write_private

from tests.support.leaving_out import left_out
from tests.support.rendered_world import documents_of

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "run-small"
_UNITS = {"Mi": 1, "Gi": 1024}


def test_the_limits_of_small_fit_two_gibibytes() -> None:
    try:
        documents = built("small")
    except Skipped as reason:
        left_out(str(reason))
    limits = [
        container["resources"]["limits"]["memory"]
        for document in documents
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
    ]
    assert len(limits) == 9
    assert sum(int(limit[:-2]) * _UNITS[limit[-2:]] for limit in limits) <= 2048


def test_no_server_of_small_on_podman_listens_beyond_its_machine() -> None:
    """The pods of `small` use the machine's own network, where no policy applies."""
    try:
        documents = built("podman")
    except Skipped as reason:
        left_out(str(reason))
    for document in documents:
        if document["kind"] != "Deployment":
            continue
        container, *beside = document["spec"]["template"]["spec"]["containers"]
        assert all("ports" not in each for each in beside)
        told = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
        loopback = "--listen=127.0.0.1" in container["args"]
        assert loopback or told["RUTA_HOST"] == "127.0.0.1", document["metadata"]["name"]


@pytest.mark.parametrize("overlay", ["small", "podman"])
def test_the_pods_read_what_a_restore_writes_about_its_losses(overlay: str, tmp_path: Path) -> None:
    """Otherwise a period is closed and rounded a second time, and nobody learns that erased people are back."""
    layout = Layout(tmp_path)
    write_private(layout.overlay_file, yaml.safe_dump_all(documents_of(overlay)))
    secrets = cluster_secrets.documents(cluster_secrets.target("small"))
    write_private(layout.overlay_secrets_file, cluster_secrets.as_yaml(secrets))
    pods = SmallDeployment(layout).pods()
    assert pods["reporting"].environment["RUTA_RECORD_LOST_FILE"] == str(layout.lost_record_file)
    missing = pods["console"].environment["RUTA_MISSING_LISTS_FILE"]
    assert missing == str(layout.missing_lists_file)


def test_the_script_is_well_formed() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


@pytest.mark.parametrize(
    "verb", ["backup", "restore", "doctor", "audit", "replay", "upgrade", "boot-unit"]
)
def test_the_script_and_the_guides_know_each_verb(verb: str) -> None:
    assert f"  {verb}" in SCRIPT.read_text() or f"| {verb}" in SCRIPT.read_text()
    for guide in ("operate.md", "operate.es.md"):
        assert verb in (ROOT / "docs" / guide).read_text()
