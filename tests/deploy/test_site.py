"""One file contains all values that an operation sets for production."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from stack.operate.cluster import check as cluster_check
from stack.operate.cluster.check import Skipped, site_values

from tests.support.reference import ROOT

SITE = Path("deploy/k8s/overlays/production/site.yaml")
OWN = {
    "host": "ruta.one.org",
    "url": "https://ruta.one.org",
    "certificate": "one-tls",
    "gateway-class": "one",
    "oidc-provider": "https://sso.one.org",
    "vault": "https://vault.one.org",
}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the manifests, as an operation has it."""
    shutil.copytree(cluster_check.root() / "deploy", tmp_path / "deploy")
    monkeypatch.setattr(cluster_check, "root", lambda: tmp_path)
    return tmp_path


def test_the_check_asks_for_each_value_that_is_still_an_example(elsewhere: Path) -> None:
    asked = ", ".join(name for name in OWN if name != "certificate")
    with pytest.raises(Skipped, match=f"fill in {SITE}: {asked}$"):
        site_values()
    document = yaml.safe_load((elsewhere / SITE).read_text())
    assert set(document["data"]) == set(OWN)
    (elsewhere / SITE).write_text(yaml.safe_dump({**document, "data": OWN}))
    assert site_values() == []


def test_the_values_of_the_file_reach_everything(elsewhere: Path) -> None:
    document = yaml.safe_load((elsewhere / SITE).read_text())
    (elsewhere / SITE).write_text(yaml.safe_dump({**document, "data": OWN}))
    try:
        text = yaml.safe_dump_all(cluster_check.built("production"))
    except Skipped as reason:
        pytest.skip(str(reason))
    assert all(value in text for value in OWN.values())
    assert "name: site" not in text
    assert "ruta-tls" not in text
    left = [line for line in text.splitlines() if "example" in line and "registry." not in line]
    assert left == []


@pytest.mark.parametrize("page", ["k3s.md", "k3s.es.md"])
def test_the_line_of_the_guide_puts_the_name_of_the_server_everywhere(
    elsewhere: Path, page: str
) -> None:
    text = (ROOT / "docs" / page).read_text()
    (line,) = [each.strip() for each in text.splitlines() if each.strip().startswith("sed ")]
    subprocess.run(["bash", "-c", line], cwd=elsewhere, check=True)
    try:
        built = yaml.safe_dump_all(cluster_check.built("small"))
    except Skipped as reason:
        pytest.skip(str(reason))
    assert "example.org" not in built
    assert built.count("ruta.your-domain.org") == 6


def test_no_page_replaces_the_keys_of_a_deployment_that_runs() -> None:
    """`k8s secrets` prints new keys at each call, and `kubectl apply` would put them in the place of the old ones."""
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.*")]
    lines = [line for page in pages if page.is_file() for line in page.read_text().splitlines()]
    assert [each for each in lines if "secrets" in each and "kubectl apply -f" in each] == []
    assert [each.strip() for each in lines if "create -f /root/secrets.yaml" in each]
