"""Manifests reference images by digest, and builds work on x86-64 and ARM."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from stack.embedded.ports import LOOPBACK, answers, free_port
from stack.errors import StackError
from stack.operate.cluster import check as cluster_check
from stack.operate.cluster import images as cluster_images
from stack.operate.supply.bundle import commit
from stack.operate.supply.shipment import Shipment, ship

from tests.support.leaving_out import left_out
from tests.support.rendered_world import documents_of
from tests.support.system import until

ROOT = Path(__file__).resolve().parents[2]
_DIGEST = "sha256:" + "0" * 64


def test_the_images_of_others_stand_by_their_digest(documents: list[dict[str, Any]]) -> None:
    assert cluster_images.without_digest(documents) == []
    known = set(cluster_images.images(documents))
    loose = set(cluster_images.without_digest(documents, strictly=True))
    assert all(map(cluster_images.is_ours, loose))
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in known - loose)


def test_a_tag_alone_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = [{"kind": "Cluster", "spec": {"imageName": "ghcr.io/somebody/postgresql:18"}}]
    monkeypatch.setattr(cluster_check, "built", lambda _overlay: moved)
    found = [finding.what for finding in cluster_check.images_by_digest("production")]
    assert [what.partition(" ")[0] for what in found] == ["ghcr.io/somebody/postgresql:18"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Run Debian's container registry on this machine."""
    program = shutil.which("docker-registry")
    if program is None or shutil.which("skopeo") is None:
        left_out("no registry here (Debian: docker-registry, skopeo)")
    port = free_port()
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "store")}},
        "http": {"addr": f"{LOOPBACK}:{port}"},
        "log": {"accesslog": {"disabled": True}},
    }
    config = tmp_path / "registry.yaml"
    config.write_text(yaml.safe_dump(settings))
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
        try:
            until(lambda: answers(port), "the registry answers")
            yield f"{LOOPBACK}:{port}"
        finally:
            process.terminate()
            process.wait()


def _image(folder: Path, content: str) -> Path:
    """Create an image without layers, identified by a label."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(text: str) -> dict[str, Any]:
        name = hashlib.sha256(text.encode()).hexdigest()
        (blobs / name).write_text(text)
        return {"digest": f"sha256:{name}", "size": len(text.encode())}

    kind = "application/vnd.oci.image"
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []},
        "config": {"Labels": {"is": content}},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", **blob(json.dumps(config))},
        "layers": [],
    }
    entry = {"mediaType": f"{kind}.manifest.v1+json", **blob(json.dumps(manifest))}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def test_pinning_asks_the_registry_and_what_is_pinned_is_that_content(
    registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/ruta/gateway"
    for content in ("first", "second"):  # The tag moves.
        subprocess.run(
            ["skopeo", "copy", "--quiet", "--dest-tls-verify=false",
             f"oci:{_image(tmp_path / content, content)}", f"docker://{name}:0.1.0"],
            check=True,
        )  # fmt: skip
        index = json.loads((tmp_path / content / "index.json").read_text())
        digest = index["manifests"][0]["digest"]
        told = cluster_images.pinned("small", [{"image": f"{name}:0.1.0"}], insecure=True)
        assert yaml.safe_load(told)["images"] == [{"name": name, "digest": digest}]
        assert yaml.safe_load(told)["resources"] == ["../small"]


_SIGNED = "registry.example.org/ruta/referrals@sha256:…"
_WITHOUT_TLS = ("--allow-http-registry", "--allow-insecure-registry")


def _shown(page: str) -> list[list[str]]:
    """Return the cosign commands on a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line.startswith("cosign ")]


def test_an_image_is_signed_as_the_page_says_and_no_other_is_taken_for_it(
    registry: str, tmp_path: Path
) -> None:
    if shutil.which("cosign") is None:
        left_out("no cosign here (Debian: cosign)")
    assert _shown("supply.es.md") == _shown("supply.md")
    made, sign, verify = _shown("supply.md")
    images = {}
    for content in ("signed", "other"):
        folder = _image(tmp_path / content, content)
        subprocess.run(
            ["skopeo", "copy", "--quiet", "--dest-tls-verify=false",
             f"oci:{folder}", f"docker://{registry}/ruta/referrals:{content}"],
            check=True,
        )  # fmt: skip
        digest = json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]
        images[content] = f"{registry}/ruta/referrals@{digest}"

    def typed(command: list[str], image: str = "", key_of: str = "ours") -> bool:
        place = tmp_path / key_of
        place.mkdir(exist_ok=True)
        return not subprocess.run(
            [image if word == _SIGNED else word for word in command]
            + (list(_WITHOUT_TLS) if image else []),
            cwd=place,
            env={**os.environ, "COSIGN_PASSWORD": "", "COSIGN_YES": "true"},
            capture_output=True,
            check=False,
        ).returncode

    assert typed(made)
    assert typed(made, key_of="theirs")
    assert typed(sign, images["signed"])
    assert typed(verify, images["signed"])
    assert not typed(verify, images["signed"], key_of="theirs")
    assert not typed(verify, images["other"])


# Stands in for the builder, which only a machine with kernel namespaces can run. The registry is real.
_BUILDER = """#!{python}
import json, os, subprocess, sys
from pathlib import Path
said, place = sys.argv[1:], Path({place!r})
with (place / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps([said, sorted(os.listdir())]) + chr(10))
if "push" in said:
    subprocess.run(
        ["skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", "--digestfile",
         said[said.index("--digestfile") + 1], "oci:" + str(place / "image"),
         "docker://" + said[-1].removeprefix("docker://")],
        check=True,
    )
"""


def test_what_is_sent_carries_what_is_in_it_and_where_it_comes_from(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cosign") is None or shutil.which("uv") is None:
        left_out("no cosign here (Debian: cosign), or not called by ./ruta")
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    subprocess.run(["cosign", "generate-key-pair"], cwd=tmp_path, check=True, capture_output=True)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    _image(tmp_path / "image", "sent")
    builder = tmp_path / "builder"
    builder.write_text(_BUILDER.format(python=sys.executable, place=str(tmp_path)))
    builder.chmod(0o755)
    key, pub = tmp_path / "cosign.key", str(tmp_path / "cosign.pub")
    wanted = Shipment(f"{registry}/ruta", key, "python@sha256:1", str(builder), plain_http=True)
    image = ship(clone, "ruta-referrals", wanted)

    revision = commit(clone)
    _, built, _ = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert {"SERVICE=ruta-referrals", f"REVISION={revision}"} < set(built[0])
    assert {"deploy", "libs", "stack", "uv.lock"} < set(built[1])

    def attested(kind: str) -> dict[str, Any]:
        done = subprocess.run(
            ["cosign", "verify-attestation", "--key", pub, "--insecure-ignore-tlog",
             "--type", kind, *_WITHOUT_TLS, image],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        told: dict[str, Any] = json.loads(b64decode(json.loads(done.stdout)["payload"]))
        assert told["subject"][0]["digest"] == {"sha256": image.rpartition(":")[2]}
        return told

    definition = attested("slsaprovenance1")["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["SERVICE"] == "ruta-referrals"
    assert definition["externalParameters"]["BASE"] == "python@sha256:1"
    come_from = {each["name"]: each["digest"] for each in definition["resolvedDependencies"]}
    lock = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    assert come_from["source"] == {"gitCommit": revision}
    assert come_from["uv.lock"] == {"sha256": lock}
    inside = {each["name"] for each in attested("cyclonedx")["predicate"]["components"]}
    assert {"cryptography", "pydantic"} <= inside

    # One list covers both architectures. The list and each of its images are signed.
    _both_kinds(tmp_path / "image")
    both = replace(wanted, platforms=("linux/amd64", "linux/arm64"))
    of_both = ship(clone, "ruta-referrals", both)
    last = [json.loads(line)[0] for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert "linux/amd64,linux/arm64" in last[-2]
    assert last[-1][:3] == ["manifest", "push", "--all"]
    raw = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{of_both}"],
        capture_output=True, check=True,
    )  # fmt: skip
    listed = json.loads(raw.stdout)["manifests"]
    assert {each["platform"]["architecture"] for each in listed} == {"amd64", "arm64"}
    for digest in (of_both.rpartition("@")[2], *(each["digest"] for each in listed)):
        subprocess.run(
            ["cosign", "verify", "--key", pub, "--insecure-ignore-tlog", *_WITHOUT_TLS,
             f"{registry}/ruta/referrals@{digest}"],
            capture_output=True, check=True,
        )  # fmt: skip

    (clone / "README.md").write_text("changed")
    with pytest.raises(StackError, match="only committed files"):
        ship(clone, "ruta-referrals", wanted)


def _both_kinds(folder: Path) -> None:
    """Replace the image with a list of two images, as a builder creates it."""
    blobs = folder / "blobs" / "sha256"
    index = json.loads((folder / "index.json").read_text())
    (former,) = index["manifests"]
    manifest = json.loads((blobs / former["digest"].partition(":")[2]).read_text())
    config = json.loads((blobs / manifest["config"]["digest"].partition(":")[2]).read_text())

    def blob(kind: str, content: Any) -> dict[str, Any]:
        text = json.dumps(content).encode()
        name = hashlib.sha256(text).hexdigest()
        (blobs / name).write_bytes(text)
        return {"mediaType": kind, "digest": f"sha256:{name}", "size": len(text)}

    images = []
    for kind in ("amd64", "arm64"):
        own = blob(manifest["config"]["mediaType"], {**config, "architecture": kind})
        entry = blob(manifest["mediaType"], {**manifest, "config": own})
        images.append({**entry, "platform": {"os": "linux", "architecture": kind}})
    kind = "application/vnd.oci.image.index.v1+json"
    both = blob(kind, {"schemaVersion": 2, "mediaType": kind, "manifests": images})
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [both]}))


def test_the_recipe_names_no_kind_of_machine() -> None:
    """The recipe downloads nothing that fits only one architecture. pip and uv choose the files during the build."""
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    assert (
        re.findall(r"(?i)amd64|x86|arm64|aarch64|--platform|TARGETARCH|curl |wget ", recipe) == []
    )


def test_what_is_pinned_is_what_is_deployed(tmp_path: Path) -> None:
    if shutil.which("kustomize") is None:
        left_out("no kustomize (Debian: kustomize)")
    tree = tmp_path / "k8s"
    shutil.copytree(ROOT / "deploy" / "k8s", tree)
    loose = cluster_images.without_digest(documents_of("production"), strictly=True)
    pinned = tree / "overlays" / "pinned"
    pinned.mkdir()
    entries = [{"name": image.rpartition(":")[0], "digest": _DIGEST} for image in loose]
    text = {"resources": ["../production"], "images": entries}
    (pinned / "kustomization.yaml").write_text(yaml.safe_dump(text))
    done = subprocess.run(["kustomize", "build", str(pinned)], capture_output=True, check=True)
    deployed = [d for d in yaml.load_all(done.stdout, yaml.CSafeLoader) if d]
    assert len(loose) == 6
    assert cluster_images.without_digest(deployed, strictly=True) == []


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_everything_that_runs_has_a_wheel_for_both_kinds_of_machine(architecture: str) -> None:
    """Wheels exist for CPython 3.13 on Debian 13, as in the images, so neither a build nor an office compiles
    anything."""
    platforms = [f"manylinux_2_{minor}_{architecture}" for minor in range(41, 16, -1)]
    platforms += [f"manylinux2014_{architecture}", f"manylinux2010_{architecture}"]
    usable: set[Tag] = {
        *cpython_tags((3, 13), platforms=platforms),
        *compatible_tags((3, 13), "cp313", platforms),
    }
    lacking = [
        name
        for name, files in _wheels_of_what_runs()
        if not any(parse_wheel_filename(file)[3] & usable for file in files)
    ]
    assert lacking == []


def _wheels_of_what_runs() -> Iterator[tuple[str, list[str]]]:
    """Yield the wheels of each direct or indirect dependency of our packages, from the lock file."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    wanted = [p["name"] for p in packages if "editable" in p["source"]]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for package in packages:
            if package["name"] == name:
                wanted += [
                    d["name"]
                    for d in package.get("dependencies", [])
                    if "win32" not in d.get("marker", "")
                ]
                if "registry" in package["source"] and not _before_3_12(package):
                    files = [w["url"].rpartition("/")[2] for w in package.get("wheels", [])]
                    yield f"{name} {package['version']}", files


def _before_3_12(package: dict[str, Any]) -> bool:
    markers = package.get("resolution-markers", [])
    return bool(markers) and all("< '3.12'" in marker for marker in markers)
