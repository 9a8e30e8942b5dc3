"""The partner guide's recipe for Primero in both directions: a case arrives, and the referral's result goes back."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from tests.services.referrals.screening_words import SUPERVISOR
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING
from tests.support.reference import ROOT
from tests.support.system import System
from tests.system.gateway_story import GatewayStory

pytestmark = pytest.mark.system
RECIPE = ROOT / "docs" / "examples" / "primero_statuses.py"


class Peer(BaseHTTPRequestHandler):
    """Primero's API v2 as its documentation describes it: tokens, one case, and merged subforms."""

    case: ClassVar[dict[str, Any]] = {}
    patches: ClassVar[list[dict[str, Any]]] = []

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: Any, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _is_case(self) -> bool:
        if self.headers.get("Authorization") != "Bearer theirs":
            self._answer(401, {"error": "You need to sign in"})
        elif self.path != f"/api/v2/cases/{self.case['record_id']}":
            self._answer(404, {"errors": [{"code": 404}]})
        else:
            return True
        return False

    def do_POST(self) -> None:
        known = {"user": {"user_name": "ruta", "password": "theirs"}}
        assert (self.path, self._body()) == ("/api/v2/tokens", known)
        self._answer(200, {"user_name": "ruta"}, Authorization="Bearer theirs")

    def do_GET(self) -> None:
        if self._is_case():
            self._answer(200, {"data": self.case})

    def do_PATCH(self) -> None:
        if not self._is_case():
            return
        changed = self._body()["data"]
        self.patches.append(changed)
        for sent in changed["services_section"]:
            own = [s for s in self.case["services_section"] if s["unique_id"] == sent["unique_id"]]
            assert own, "an unknown one would be appended"
            own[0].update(sent)
        self._answer(200, {"data": changed})


@pytest.fixture
def primero() -> Iterator[str]:
    grown = {"record_id": str(uuid4()), "age": 30, "date_of_birth": "1996-03-01"}
    Peer.case, Peer.patches = {**deepcopy(PRIMERO["data"]), **grown}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Peer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_what_became_of_a_referral_is_written_back_to_primero(
    system: System, story: GatewayStory, primero: str, tmp_path: Path
) -> None:
    fields = {
        path: part for path, part in PRIMERO_MAPPING["fields"].items() if part != "own_reference"
    }
    mapping = {
        **PRIMERO_MAPPING,
        "fields": {**fields, "_uuid": "own_reference"},
        "ignore": [*PRIMERO_MAPPING["ignore"], "case_id_display"],
        "drafts": {},
    }
    body = {"name": "Primero", "peer": "primero", "makes": "case", "mapping": mapping}
    form = await story.made(SUPERVISOR, "/intake/forms", body)
    kept = {k: v for k, v in Peer.case.items() if k != "services_section"}
    sent = {**kept, "services_section": PRIMERO["data"]["services_section"]}
    taken = await story.client.post(
        f"/referrals/v1/intake/forms/{form['id']}/submissions",
        json={"data": sent},
        headers={"X-Form-Secret": form["secret"]},
    )
    assert taken.json()["status"] == "taken", taken.text
    listed = (await story.get("ngo-refugio", "/intake/submissions?status=taken")).json()["items"]
    case_id = next(one["case_id"] for one in listed if one["form_id"] == form["id"])
    service_id = await story.any_service()
    referral = await story.sent(service_id=service_id, case_id=case_id, from_case=["name"])

    def run() -> str:
        """Run the recipe as a timer does."""
        secrets = json.loads((system.layout.root / "clients.json").read_text())
        environment = {
            "RUTA": system.running.url,
            "PRIMERO": primero,
            "FORM": form["id"],
            "RUTA_CLIENT": "ngo-refugio",
            "RUTA_SECRET": secrets["ngo-refugio"],
            "PRIMERO_USER": "ruta",
            "PRIMERO_PASSWORD": "theirs",
            "CURSOR_FILE": str(tmp_path / "cursor"),
        }
        done = subprocess.run(
            [sys.executable, str(RECIPE)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    await asyncio.to_thread(run)
    assert Peer.patches == [], "nothing has become of it yet"
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/accept", {"focal_point": "Dra. M."})
    await story.made("ngo-salud", f"{path}/start", {})
    done = await story.made("ngo-salud", f"{path}/complete", {"outcome": "delivered"})
    for _ in range(2):
        (tmp_path / "cursor").unlink(missing_ok=True)
        await asyncio.to_thread(run)
    health = next(s for s in Peer.case["services_section"] if s["unique_id"] == "6b2")
    assert health["service_implemented"] == "implemented"
    assert health["service_implemented_day_time"] == done["changed_at"]
    assert len(Peer.patches) == 1, "what stands there already is not written again"
    others = [s for s in Peer.case["services_section"] if s["unique_id"] != "6b2"]
    assert others == [s for s in PRIMERO["data"]["services_section"] if s["unique_id"] != "6b2"]
