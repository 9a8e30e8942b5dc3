"""The partner guide's recipes for systems that cannot call others, run as a timer does. The responses of ODK Central
and DHIS2 follow their own API descriptions (Central's docs/api.yaml and lib/data/odata.js; DHIS2's
developer/web-api/tracker.md)."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.test_bridges import DHIS2, ODK, OTHERS
from tests.support.reference import ROOT
from tests.support.system import System
from tests.system.gateway_story import GatewayStory

pytestmark = [pytest.mark.system, pytest.mark.slow]
EXAMPLES = ROOT / "docs" / "examples"
MAPPINGS = {peer: mapping for peer, _, mapping in OTHERS}
Answer = Callable[[str, str, dict[str, str], str], Any]
"""What a peer answers to (its address, path, query, authorization); None: it knows no such thing."""


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    class Peer(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            known = self.headers.get("Authorization", "")
            found = answer(f"http://{self.headers['Host']}", asked.path, query, known)
            content = json.dumps(found).encode()
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Peer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def form_for(story: GatewayStory, peer: str) -> dict[str, Any]:
    mapping = {**MAPPINGS[peer], "fixed_area": "VE2313"}
    body = {"name": peer, "peer": peer, "makes": "case", "mapping": mapping}
    return await story.made(SUPERVISOR, "/intake/forms", body)


async def run(recipe: str, system: System, form: dict[str, Any], **more: str) -> tuple[int, str]:
    address = f"{system.running.url}/referrals/v1/intake/forms/{form['id']}/submissions"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(EXAMPLES / recipe)],
        env={**os.environ, "FORM_ADDRESS": address, "FORM_SECRET": form["secret"], **more},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


async def taken(story: GatewayStory, form: dict[str, Any]) -> int:
    found = (await story.get("ngo-refugio", "/intake/submissions?status=taken&limit=500")).json()
    return sum(one["form_id"] == form["id"] for one in found["items"])


async def test_submissions_of_odk_central_come_once_over_all_its_pages(
    system: System, story: GatewayStory, tmp_path: Path
) -> None:
    def row(number: int, **more: Any) -> dict[str, Any]:
        at = f"2026-11-10T06:{number // 60:02d}:{number % 60:02d}.154Z"
        instance = f"uuid:{uuid4()}"
        own = {"__id": instance, "meta": {"instanceID": instance, "instanceName": None}}
        return {
            **deepcopy(ODK),
            **own,
            "__system": {**ODK["__system"], "submissionDate": at},
            **more,
        }

    rows = [row(number) for number in range(255)]
    encrypted = row(255)
    encrypted = {
        "__id": encrypted["__id"],
        "__system": {**encrypted["__system"], "status": "notDecrypted"},
    }
    known = "Basic " + base64.b64encode(b"ruta@example.org:theirs").decode()
    asked: list[dict[str, str]] = []

    def central(base: str, path: str, query: dict[str, str], authorization: str) -> Any:
        if (path, authorization) != ("/v1/projects/1/forms/intake.svc/Submissions", known):
            return None
        asked.append(query)
        since = query["$filter"].removeprefix("__system/submissionDate ge ")
        there = [each for each in rows if each["__system"]["submissionDate"] >= since]
        begin, most = int(query.get("$skiptoken", 0)), int(query["$top"])
        page: dict[str, Any] = {
            "@odata.context": f"{base}/v1/projects/1/forms/intake.svc/$metadata#Submissions",
            "value": there[begin : begin + most],
        }
        if begin + most < len(there):
            after = f"%24top={most}&%24filter={query['$filter'].replace(' ', '%20')}"
            page["@odata.nextLink"] = f"{base}{path}?{after}&%24skiptoken={begin + most}"
        return page

    form = await form_for(story, "odk_central")
    with answering(central) as base:
        settings = {
            "CENTRAL_FORM": f"{base}/v1/projects/1/forms/intake",
            "CENTRAL_USER": "ruta@example.org",
            "CENTRAL_PASSWORD": "theirs",
            "CURSOR_FILE": str(tmp_path / "cursor"),
        }
        assert await run("odk_submissions.py", system, form, **settings) == (0, "")
        assert (await taken(story, form), len(asked)) == (255, 2)
        rows.append(encrypted)
        code, told = await run("odk_submissions.py", system, form, **settings)
    assert (code, await taken(story, form)) == (1, 255), "the last hour again, and nothing twice"
    assert told.startswith(f"{encrypted['__id']}: ")
    assert "/__system/status" in told
    assert asked[-1]["$filter"] == "__system/submissionDate ge 2026-11-10T05:04:14.154Z"


@pytest.mark.parametrize("listed", ["trackedEntities", "instances"])
async def test_entities_of_dhis2_come_as_often_as_they_change(
    system: System, story: GatewayStory, tmp_path: Path, listed: str
) -> None:
    entities = []
    for number in range(55):
        entity = deepcopy(DHIS2["trackedEntities"][0])
        entity |= {"trackedEntity": f"PQ{uuid4().hex[:9]}", "updatedAt": f"2026-11-10T10:{number:02d}:28.258"}  # fmt: skip
        entities.append(entity)
    asked: list[dict[str, str]] = []

    def dhis2(_: str, path: str, query: dict[str, str], authorization: str) -> Any:
        if (path, authorization) != ("/api/tracker/trackedEntities", "ApiToken d2pat_theirs"):
            return None
        asked.append(query)
        there = [each for each in entities if each["updatedAt"] >= query["updatedAfter"]]
        # DHIS2 returns pages of fifty unless paging is off.
        return {listed: there if query.get("paging") == "false" else there[:50]}

    form = await form_for(story, "dhis2")
    with answering(dhis2) as base:
        settings = {
            "DHIS2": base,
            "DHIS2_TOKEN": "d2pat_theirs",
            "PROGRAM": "IpHINAT79UW",
            "ORG_UNIT": "ImspTQPwCqd",
            "CURSOR_FILE": str(tmp_path / "cursor"),
        }
        assert await run("dhis2_entities.py", system, form, **settings) == (0, "")
        assert await taken(story, form) == 55
        event = entities[3]["enrollments"][0]["events"][0]
        event["dataValues"][0]["value"] = "medical,psychosocial"
        entities[3]["updatedAt"] = "2026-11-12T08:00:00.000"
        assert await run("dhis2_entities.py", system, form, **settings) == (0, "")
    assert await taken(story, form) == 56
    assert asked[-1]["updatedAfter"] == "2026-11-10T09:54:28.258"
    assert (asked[-1]["program"], asked[-1]["orgUnitMode"]) == ("IpHINAT79UW", "DESCENDANTS")
