"""Postman's converter creates a collection of every operation, and its runner newman sends the read requests."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway.front.description.document import operations

from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent
OPTIONS = (
    "folderStrategy=Tags,requestParametersResolution=Example,enableOptionalParameters=false,"
    "includeAuthInfoInExample=false"
)
# The checks that Postman runs on each response.
AS_DESCRIBED = """
pm.test("a response that the description names", () =>
  pm.expect(%s).to.include(String(pm.response.code)));
pm.test("JSON where it says JSON", () => {
  if (/^application\\/([\\w.-]+\\+)?json\\b/.test(pm.response.headers.get("Content-Type"))) pm.response.json();
});
"""
LEAST_ANSWERED = 80


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


@pytest.fixture(scope="module")
def postman(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the converter and the runner."""
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: neither the converter nor newman can run")
    folder = tmp_path_factory.mktemp("postman")
    shutil.copy(HERE / "postman" / "package.json", folder)
    installed = run(folder, npm, "install", "--no-audit", "--no-fund", "--ignore-scripts")
    if installed.returncode != 0:
        left_out(f"newman cannot be installed here: {installed.stderr[-200:]}")
    return folder


def requests_of(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "request" in item:
        yield item
    for inner in item.get("item", ()):
        yield from requests_of(inner)


def test_newman_reads_by_the_collection_of_the_description(system: System, postman: Path) -> None:
    document = system.description()
    (postman / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    bin_ = postman / "node_modules" / ".bin"
    made = run(
        postman,
        *(str(bin_ / "openapi2postmanv2"), "-s", "openapi.json", "-o", "made.json", "-O", OPTIONS),
    )
    assert made.returncode == 0, made.stdout + made.stderr
    collection = json.loads((postman / "made.json").read_text(encoding="utf-8"))
    every = list(requests_of(collection))
    described = {
        (method.upper(), path): sorted(operation["responses"])
        for path, method, operation in operations(document)
    }
    assert len(every) == len(described)
    collection["item"] = [
        {**each, "event": [checked(described["GET", path])], "response": []}
        for each in every
        if (path := as_read(each["request"])) is not None
    ]
    collection["auth"] = {"type": "noauth"}
    for each in collection["item"]:
        each["request"]["auth"] = {
            "type": "bearer",
            "bearer": [{"key": "token", "value": "{{token}}"}],
        }
    (postman / "reading.json").write_text(json.dumps(collection), encoding="utf-8")
    values = {"baseUrl": system.running.url, "token": system.running.token("im-officer")}
    variables = [part for pair in values.items() for part in ("--env-var", "=".join(pair))]
    report = ("--reporters", "json", "--reporter-json-export", "report.json")
    done = run(postman, str(bin_ / "newman"), "run", "reading.json", *variables, *report)
    told = json.loads((postman / "report.json").read_text(encoding="utf-8"))["run"]
    failed = [(each["source"]["name"], each["error"]["message"]) for each in told["failures"]]
    assert (done.returncode, failed) == (0, [])
    codes = Counter(each["response"]["code"] for each in told["executions"])
    assert codes[200] >= LEAST_ANSWERED, codes


def as_read(request: dict[str, Any]) -> str | None:
    """Return the path of a read request without an id, or None for any other request."""
    path = "/" + "/".join(request["url"]["path"])
    return path if request["method"] == "GET" and not {":", "{"} & set(path) else None


def checked(responses: list[str]) -> dict[str, Any]:
    script = AS_DESCRIBED % json.dumps(responses)
    return {"listen": "test", "script": {"type": "text/javascript", "exec": script.splitlines()}}
