"""The Flux and Argo CD examples apply each object of an overlay once, in three ordered waves."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack.operate.cluster.check import Skipped, built

from tests.support.leaving_out import left_out

ROOT = Path(__file__).resolve().parents[2]
GITOPS = ROOT / "deploy" / "gitops"
GUIDES = ("gitops.md", "gitops.es.md")
WAVES = ("ruta-needed", "ruta-migrations", "ruta")
Document = dict[str, Any]


def _examples(name: str) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for document in yaml.safe_load_all((GITOPS / name).read_text(encoding="utf-8")):
        found.setdefault(document["kind"], []).append(document)
    return found


@pytest.fixture(scope="module")
def production() -> list[Document]:
    try:
        return built("production")
    except Skipped as reason:
        left_out(str(reason))


def _identity(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


@pytest.fixture(scope="module")
def applied(
    production: list[Document], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Document]]:
    """Return the objects that each Flux Kustomization applies: the overlay with its patches."""
    kustomize = shutil.which("kustomize")
    if kustomize is None:
        left_out("no kustomize (Debian: kustomize)")
    folder = tmp_path_factory.mktemp("flux")
    made = {}
    for wave in _examples("flux/ruta.yaml")["Kustomization"]:
        place = folder / wave["metadata"]["name"]
        place.mkdir()
        (place / "overlay.yaml").write_text(yaml.safe_dump_all(production), encoding="utf-8")
        text = {"resources": ["overlay.yaml"], "patches": wave["spec"]["patches"]}
        (place / "kustomization.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
        done = subprocess.run([kustomize, "build", str(place)], capture_output=True, check=True)
        made[wave["metadata"]["name"]] = [
            d for d in yaml.load_all(done.stdout, yaml.CSafeLoader) if d
        ]
    return made


def test_the_waves_of_flux_are_the_overlay_each_thing_once(
    applied: dict[str, list[Document]], production: list[Document]
) -> None:
    assert tuple(applied) == WAVES
    counted = Counter(_identity(d) for documents in applied.values() for d in documents)
    assert counted == Counter(map(_identity, production))


def test_each_wave_waits_for_the_former() -> None:
    known = {d["metadata"]["name"]: d["spec"] for d in _examples("flux/ruta.yaml")["Kustomization"]}
    needs = [[needed["name"] for needed in known[name].get("dependsOn", [])] for name in WAVES]
    assert needs == [[], [WAVES[0]], [WAVES[1]]]
    assert all(known[name]["wait"] for name in WAVES)
    assert known["ruta-migrations"]["force"]  # A Job cannot be changed.
    assert not known["ruta-needed"]["prune"]  # Removing a line in git must not delete records.
    assert {spec["path"] for spec in known.values()} == {"./deploy/k8s/overlays/pinned"}


def test_nothing_that_waits_for_a_process_is_in_a_wave_before_it(
    applied: dict[str, list[Document]],
) -> None:
    """No wave contains an object that waits for a process of a later wave. A claim that its first pod binds, a
    disruption budget or a Deployment's autoscaler would keep the wave from finishing."""
    last = {_identity(d) for d in applied["ruta"]}
    first = applied["ruta-needed"]
    processes = {name for kind, name in last if kind == "Deployment"}
    for document in first:
        kind, name = _identity(document)
        assert kind not in {"HorizontalPodAutoscaler", "PersistentVolumeClaim"}, name
        if kind == "PodDisruptionBudget":
            selected = document["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]
            assert selected not in processes
    assert ("PersistentVolumeClaim", "referrals-evidence") in last


def test_migrations_stand_alone_between_what_they_need_and_what_needs_them(
    applied: dict[str, list[Document]],
) -> None:
    assert {kind for kind, _ in map(_identity, applied["ruta-migrations"])} == {"Job"}
    needed = {kind for kind, _ in map(_identity, applied["ruta-needed"])}
    assert {"ExternalSecret", "Cluster", "Database", "StatefulSet", "NetworkPolicy"} <= needed


def test_argo_takes_one_repository_into_one_namespace_and_waits_for_a_person() -> None:
    known = _examples("argocd/application.yaml")
    (project,), (application,) = known["AppProject"], known["Application"]
    source = application["spec"]["source"]
    assert application["spec"]["project"] == project["metadata"]["name"]
    assert project["spec"]["sourceRepos"] == [source["repoURL"]]
    assert project["spec"]["destinations"] == [application["spec"]["destination"]]
    assert "automated" not in application["spec"]["syncPolicy"]
    whitelisted = {entry["kind"] for entry in project["spec"]["clusterResourceWhitelist"]}
    assert whitelisted == {"Namespace"}


def test_what_argo_may_make_is_all_that_the_overlay_has(production: list[Document]) -> None:
    """The only cluster-wide object in the overlay is the namespace itself."""
    without = {d["kind"] for d in production if "namespace" not in d["metadata"]}
    assert without == {"Namespace"}


def _versions(guide: str) -> Iterator[tuple[str, str]]:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    return iter(re.findall(r"^\| ([^|]+?) \| ≥ ([0-9.]+)[^|]*\|", text, re.MULTILINE))


def test_both_guides_ask_for_the_same_versions_and_name_every_api(
    production: list[Document],
) -> None:
    spanish, english = (list(_versions(guide)) for guide in reversed(GUIDES))
    assert [version for _, version in spanish] == [version for _, version in english]
    assert len(english) >= 9
    for guide in GUIDES:
        text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
        for document in production:
            group = document["apiVersion"]
            if "." in group and not group.startswith("networking.k8s.io/"):
                assert f"`{group}`" in text, f"{guide}: {group}"
