"""The package `ruta-client`: the wheel that openapi-python-client generates from the description, with `session.py`
inside. The generator runs in its own environment, because its command line needs another version of one of our
libraries."""

import copy
import json
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.operate.supply.materials import found_uv

GENERATOR = "openapi-python-client==0.29.1"
PACKAGE = "ruta_client"
# Media types of files, returned as bytes, because the generator creates classes only for JSON.
_FILES = (
    "application/x-ndjson",
    "application/fhir+ndjson",
    "application/atom+xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
_INIT = '''"""Client of the Ruta API: `with Ruta(address, client_id, client_secret) as ruta`."""

import httpx

from .client import AuthenticatedClient
from .session import RutaProblem, Session

__all__ = ("Ruta", "RutaProblem")


def Ruta(
    address: str, client_id: str = "", client_secret: str = "", *, token_url: str | None = None
) -> AuthenticatedClient:
    """The `client` of every operation. Without an id: as nobody. `token_url`: of an outside issuer."""
    session = Session(token_url or f"{address.rstrip('/')}/oauth/token", client_id, client_secret)
    return AuthenticatedClient(
        address, token="", prefix="", timeout=httpx.Timeout(60), httpx_args={"auth": session}
    )
'''
_README = """# ruta-client

Typed Python client of a Ruta deployment, made from its API description. How it is used: docs/partner-guide.md.
"""
_PROJECT = """[project]
name = "ruta-client"
version = "{version}"
description = "Typed client of the Ruta API"
requires-python = ">=3.11"
license = "Apache-2.0"
readme = "README.md"
dependencies = ["attrs>=22.2", "httpx>=0.23.1,<0.29"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""


def wheel(document: Mapping[str, Any], folder: Path) -> Path:
    """Write the wheel into `folder` and return its path. Its version is the version of the description."""
    version = str(document["info"]["version"])
    with tempfile.TemporaryDirectory(prefix="ruta-client-") as name:
        work = Path(name)
        (work / "openapi.json").write_text(json.dumps(reduced(document)), encoding="utf-8")
        settings = {
            "package_name_override": PACKAGE,
            "content_type_overrides": dict.fromkeys(_FILES, "application/octet-stream"),
            "post_hooks": [],
        }
        (work / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        _run(
            *("run", "--isolated", "--no-project", "--with", GENERATOR, "openapi-python-client"),
            *("generate", "--path", "openapi.json", "--config", "settings.json"),
            *("--output-path", "made", "--meta", "uv", "--fail-on-warning"),
            cwd=work,
        )
        made = work / "made"
        (made / "pyproject.toml").write_text(_PROJECT.format(version=version), encoding="utf-8")
        (made / "README.md").write_text(_README, encoding="utf-8")
        (made / PACKAGE / "__init__.py").write_text(_INIT, encoding="utf-8")
        session = files("stack.reference") / "session.py"
        (made / PACKAGE / "session.py").write_bytes(session.read_bytes())
        _run("build", "--wheel", "--quiet", "--out-dir", str(folder.absolute()), cwd=made)
    return folder / f"{PACKAGE}-{version}-py3-none-any.whl"


def reduced(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of the description that the client needs. The session raises error responses and creates
    idempotency keys, so this part contains no error responses and the keys are optional."""
    found = copy.deepcopy(dict(document))
    for operation in (each for item in found["paths"].values() for each in item.values()):
        answers = operation["responses"]
        operation["responses"] = {s: each for s, each in answers.items() if s.startswith("2")}
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "Idempotency-Key":
                parameter["required"] = False
    return found


def _run(*arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [found_uv(), *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise StackError.passed_on(f"uv {arguments[0]}: {said[-2000:]}")
