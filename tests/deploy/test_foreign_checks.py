"""Independent linters of manifests and Dockerfiles find nothing in ours, and they find planted errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stack.operate.cluster import check as cluster_check
from stack.operate.cluster.check import Finding, Skipped

from tests.support.rendered_world import documents_of

pytestmark = pytest.mark.slow


def _looked(check: Callable[..., list[Finding]], *arguments: Any) -> list[Finding]:
    try:
        return check(*arguments)
    except Skipped as reason:
        # The check downloads the linter. If the package index is down, our change can still be merged.
        pytest.skip(str(reason))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository root without a Dockerfile."""
    (tmp_path / ".ruta-env").symlink_to(cluster_check.root() / ".ruta-env")
    monkeypatch.setattr(cluster_check, "root", lambda: tmp_path)
    return tmp_path


def test_manifests_are_clean(overlay: str) -> None:
    assert _looked(cluster_check.core_schemas, overlay) == []
    assert _looked(cluster_check.checkov, overlay) == []


def test_the_dockerfile_is_clean() -> None:
    assert _looked(cluster_check.hadolint) == []


def test_an_unknown_field_and_a_privileged_container_are_found(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmed = documents_of("small")
    request.getfixturevalue("elsewhere")
    pod = next(d for d in harmed if d["kind"] == "Deployment")["spec"]["template"]["spec"]
    pod["hostNetwrk"] = False
    pod["containers"][0]["securityContext"] = {"privileged": True}
    monkeypatch.setattr(cluster_check, "built", lambda _overlay: harmed)
    assert any("hostNetwrk" in str(f) for f in _looked(cluster_check.core_schemas, "small"))
    assert any("CKV_K8S_16" in str(f) for f in _looked(cluster_check.checkov, "small"))


def test_a_dockerfile_that_takes_what_it_did_not_ask_for_is_found(elsewhere: Path) -> None:
    (elsewhere / "deploy").mkdir()
    (elsewhere / "deploy/Dockerfile").write_text("FROM debian:13\nRUN apt-get install curl\n")
    assert any("DL3015" in str(f) for f in _looked(cluster_check.hadolint))


@pytest.mark.usefixtures("elsewhere")
def test_who_fails_without_a_finding_has_not_looked() -> None:
    """A linter that fails without a finding counts as not run. Here the linter has no Dockerfile to check."""
    with pytest.raises(Skipped):
        cluster_check.hadolint()
