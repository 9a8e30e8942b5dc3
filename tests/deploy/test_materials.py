"""Each image's bill of materials is valid CycloneDX, is complete and contains no development tools."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import cyclonedx.schema
import jsonschema
import pytest
from referencing import Registry, Resource
from stack.operate.supply.materials import DISTRIBUTIONS

pytestmark = pytest.mark.laborious

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(cyclonedx.schema.__file__).parent / "_res"


@pytest.fixture(scope="module")
def strict() -> jsonschema.Draft7Validator:
    """Return the CycloneDX 1.5 validator without format checks, because checking one address takes a second."""
    loaded = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")]
    registry: Registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in loaded if "$id" in schema
    )
    bom = json.loads((SCHEMAS / "bom-1.5.SNAPSHOT.schema.json").read_text())
    return jsonschema.Draft7Validator(bom, registry=registry)


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the path: run by ./ruta test")
@pytest.mark.parametrize("image", DISTRIBUTIONS)
def test_a_bill_of_materials_is_valid_and_names_what_the_lock_has(
    strict: jsonschema.Draft7Validator, image: str
) -> None:
    done = subprocess.run(
        [str(ROOT / "ruta"), "k8s", "sbom", image], capture_output=True, text=True, check=True
    )
    bill = json.loads(done.stdout)
    strict.validate(bill)
    listed = {(c["name"], c["version"]) for c in bill["components"]}
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert listed <= {(package["name"], package["version"]) for package in locked}
    names = {name for name, _ in listed}
    drawing = image == "ruta-drawing"
    assert ({"typst", "vl-convert-python"} if drawing else {"cryptography", "pydantic"}) <= names
    # Only the drawing container contains a drawing engine; services that call it contain none.
    assert drawing or "vl-convert-python" not in names
    assert ("numpy" in names) == (image in {"ruta-reporting", "ruta-stack"})
    assert not names & {"pytest", "mypy", "ruff"}
    inside = {each["name"] for c in bill["components"] for each in c.get("components", [])}
    # Libraries inside wheels, found in the wheel's own bill of materials or as shared libraries.
    assert ("scipy_openblas64_" in inside) == ("numpy" in names)
    assert drawing or {"pyo3", "openssl"} <= inside


def test_each_image_of_the_dockerfile_has_one() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert all(name in text for name in DISTRIBUTIONS)


def test_an_unknown_image_is_refused_by_name() -> None:
    done = subprocess.run(
        [str(ROOT / "ruta"), "k8s", "sbom", "ruta-x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the images are: ruta-console" in done.stderr
