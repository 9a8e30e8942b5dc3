"""Proves with a canary that events, logs, traces, metrics, error texts and files contain no survivor data.

The test enters a recognisable person wherever people are entered, and wherever a careless client may enter one by
mistake. Then it searches everything that leaves the stack or stays behind.
"""

import base64
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common import clock
from stack.embedded.plan import DATABASES
from stack.embedded.postgres import SUPERUSER, binaries
from stack.operate.service_commands import attached_postgres

from tests.services.referrals.screening_words import workbook
from tests.support.collector import Collector
from tests.support.patience import PATIENCE
from tests.support.system import System, until

pytestmark = pytest.mark.system

NAME = "Kwyjibonia Zanzolqui"
DOCUMENT = "V98761234QX"
PHONE = "+584127770137913"
STORY = "plumbagoviolaceo"
REPORTER, FORWARDED = "127.77.13.9", "203.0.113.77"
"""The address that an anonymous report comes from, and the one that a proxy claims for it."""
CANARIES = (
    *("kwyjibonia", "zanzolqui", "v98761234qx", "584127770137913", "plumbagoviolaceo"),
    *(REPORTER, FORWARDED),
)
PROCESSES = ("gateway", "issuer", "directory", "referrals", "reporting", "console")
REFUGIO, SALUD = "ngo-refugio", "ngo-salud"
TEXT = f"{NAME} {DOCUMENT} {PHONE} {STORY}"


@dataclass
class Played:
    """What the canary left behind: its ids, and every error text."""

    case: dict[str, Any] = field(default_factory=dict)
    referral: str = ""
    receipt: str = ""
    errors: list[str] = field(default_factory=list)
    webhooks: list[bytes] = field(default_factory=list)
    told: str = ""


def forms(word: str) -> Iterator[bytes]:
    """Yield the word's possible byte forms: any case, hexadecimal, base64 at each alignment, and UTF-16."""
    raw = word.encode()
    yield raw
    yield raw.hex().encode()
    yield word.encode("utf-16-le")
    for spelling in (raw, word.upper().encode(), word.capitalize().encode()):
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + spelling)
            yield coded[4:-4].lower()  # The ends depend on the neighbouring bytes.


NEEDLES = [form for word in CANARIES for form in forms(word)]


def found_in(content: bytes, *more: str) -> list[bytes]:
    lowered = content.lower()
    needles = [*NEEDLES, *(word.encode() for word in more)]
    return [around(lowered, needle) for needle in needles if needle in lowered]


def around(content: bytes, needle: bytes) -> bytes:
    """Return the match with its context, so that a failure shows where it leaked."""
    at = content.index(needle)
    return content[max(0, at - 150) : at + 80]


class Passage:
    """Calls as partners do, and stores the text of every refusal."""

    def __init__(self, system: System, played: Played) -> None:
        self._system = system
        self._played = played

    def do(self, client: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Idempotency-Key": f'"{uuid4()}"', **options.pop("headers", {})}
        answer = self._system.running.request(client, method, path, headers=headers, **options)
        assert answer.status_code < 500, f"{method} {path}: {answer.text}"
        if answer.status_code >= 400:
            self._played.errors.append(f"{answer.headers} {answer.text}")
        return answer

    def must(self, client: str | None, method: str, path: str, **options: Any) -> Any:
        answer = self.do(client, method, path, **options)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None


@pytest.fixture(scope="module")
def partner() -> Iterator[Collector]:
    """Start a partner's own server, which receives webhooks."""
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def push_service() -> Iterator[Collector]:
    """Start the push service for a browser of the sender's staff."""
    listening = Collector()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def played(system: System, partner: Collector, push_service: Collector) -> Played:
    played = Played(webhooks=partner.received)
    passage = Passage(system, played)
    for client in (REFUGIO, SALUD):
        hook = {"url": f"{partner.url}/{client}"}
        passage.must(client, "POST", "/referrals/v1/webhooks", json=hook)
        passage.must(client, "POST", "/directory/v1/webhooks", json=hook)
    browser = {
        "kind": "push",
        "endpoint": f"{push_service.url}/send/abc",
        "keys": {"p256dh": "BPcMbnWQL5GOYX_5LKZXT6sLmHiMsJSiEvIFvfcDvX7I", "auth": "x1y2z3"},
    }
    passage.must(REFUGIO, "POST", "/referrals/v1/channels", json=browser)
    played.told = _listening(system, passage)
    _ordinary_life(system, passage, played)
    _screened(passage, played)
    _anonymous_report(system, played)
    _asked_by_text_message(system, passage)
    _careless_clients(passage, played)
    _until_published(system)
    return played


def _are(codes: Callable[[], list[str]], number: int) -> bool:
    return len(codes()) == number


def _listening(system: System, passage: Passage) -> str:
    """Subscribe the sender's staff by e-mail and SMS; return the address of the caught messages."""
    caught = f"http://127.0.0.1:{system.state.ports['mailbox']}/messages"

    def codes() -> list[str]:
        texts = [each["text"] for each in httpx.get(caught, timeout=PATIENCE).json()]
        return [found for text in texts for found in re.findall(r"[0-9]{8}", text)]

    addresses = {"email": "guardia@example.org", "sms": "+58 412 5550101"}
    for number, (kind, address) in enumerate(addresses.items(), start=1):
        channel = passage.must(
            REFUGIO, "POST", "/referrals/v1/channels", json={"kind": kind, "address": address}
        )
        until(partial(_are, codes, number), "a code was sent")
        passage.must(
            REFUGIO,
            "POST",
            f"/referrals/v1/channels/{channel['id']}/confirm",
            json={"code": codes()[0]},
        )
    return caught


def _asked_by_text_message(system: System, passage: Passage) -> None:
    """Ask by SMS with a person's number and words; the response goes to the mailbox."""
    file = system.layout.root / "sms-questions.json"
    known = {"secret": json.loads(file.read_text(encoding="utf-8"))["secret"]}
    path, asked = "/directory/v1/help/sms", {"from": PHONE, "text": f"Zulia 2 {TEXT}"}
    passage.must(None, "POST", path, json=known | asked)
    passage.do(None, "POST", path, json=asked | {"secret": TEXT})
    passage.do(None, "POST", path, json=known | asked | {"from": TEXT})
    passage.do(None, "POST", path, json=known | {"from": PHONE, "text": [TEXT]})


def _ordinary_life(system: System, passage: Passage, played: Played) -> None:
    contact = {"phone": PHONE, "email": f"{STORY}@example.org", "safe_way": TEXT}
    caregiver = {"name": NAME, "relation": STORY, "contact": contact}
    played.case = passage.must(
        REFUGIO,
        "POST",
        "/referrals/v1/cases",
        json={
            "identity": {
                "name": NAME,
                "other_names": [f"{NAME} de {STORY}"],
                "age": 33,
                "document": {"kind": STORY, "number": DOCUMENT, "country": "VE"},
                "own_reference": STORY,
                "contact": contact,
                "address": TEXT,
                "caregiver": caregiver,
            },
            "attributes": {"sex": "female", "nationality": "VE"},
            "area": "VE2313",
        },
    )
    case = played.case["id"]
    for search in ({"name": NAME}, {"document": DOCUMENT}, {"own_reference": STORY}):
        assert passage.must(REFUGIO, "POST", "/referrals/v1/cases/search", json=search)
    service = system.running.request(
        REFUGIO,
        "GET",
        "/directory/v1/services",
        params={
            "organization_id": "0190a000-0000-7000-8000-000000000002",
            "referable": "true",
            "full": "true",
        },
    ).json()["contents"][0]
    passage.must(
        REFUGIO,
        "POST",
        "/referrals/v1/consents",
        json={"case_id": case, "kind": "reporting", "method": "verbal"},
    )
    consent = passage.must(
        REFUGIO,
        "POST",
        "/referrals/v1/consents",
        json={
            "case_id": case,
            "service_id": service["id"],
            "purpose": service["categories"][0],
            "items": ["name", "document", "contact", "address", "situation", "safety", "health"],
            "method": "signed",
        },
    )
    until(lambda: _draft(passage, played, service).status_code == 201, "the service is choosable")
    _handle(passage, f"/referrals/v1/referrals/{played.referral}", consent["id"])
    passage.do(
        REFUGIO,
        "POST",
        "/referrals/v1/exceptions",
        json={
            "case_id": case,
            "service_id": service["id"],
            "purpose": service["categories"][0],
            "basis": "vital_interest",
            "rationale": TEXT,
            "person_informed": True,
            "items": ["name"],
        },
    )


def _anonymous_report(system: System, played: Played) -> None:
    """Use the line from a known address: a report, a wrong number, an answer and an addition."""
    transport = httpx.HTTPTransport(local_address=REPORTER)
    headers = {"X-Forwarded-For": FORWARDED, "Forwarded": f"for={FORWARDED}", "User-Agent": TEXT}
    with httpx.Client(
        base_url=system.running.url, transport=transport, headers=headers, timeout=PATIENCE
    ) as phone:
        form = phone.get("/referrals/v1/line/form").json()["form"]
        report = {"form": form, "kind": "trafficking", "text": TEXT, "area": "VE2313"}
        sent = phone.post("/referrals/v1/line/reports", json=report)
        assert sent.status_code == 201, sent.text
        played.receipt = sent.json()["receipt"]
        wrong = phone.post("/referrals/v1/line/threads/open", json={"receipt": "7" * 20})
        assert wrong.status_code == 404, wrong.text
        played.errors.append(f"{wrong.headers} {wrong.text}")
        fields = {"receipt": played.receipt, "action": "add", "text": f"{TEXT} {TEXT}"}
        page = phone.post("/referrals/v1/line/thread", data=fields)
        assert NAME in page.text, "the reporter cannot read the thread: nothing is proved"


def _screened(passage: Passage, played: Played) -> None:
    """Screen a person: their answers, the reason for a judgement, and a form tool's submission."""
    supervisor = "ngo-refugio-supervisor"
    today = clock.today()
    passage.must(
        supervisor,
        "POST",
        "/referrals/v1/certificates",
        json={
            "holder": REFUGIO,
            "certified_on": str(today - timedelta(days=30)),
            "valid_until": str(today + timedelta(days=30)),
        },
    )
    files = {"file": ("form.xlsx", workbook())}
    own = passage.must(supervisor, "POST", "/referrals/v1/instruments", files=files)["id"]
    answers = {"safe": "1", "agree": "1", "years": 33, "signs": ["work"], "work": TEXT}
    screening = passage.must(
        REFUGIO,
        "POST",
        "/referrals/v1/screenings",
        json={"instrument_id": own, "case_id": played.case["id"], "answers": answers},
    )
    path = f"/referrals/v1/screenings/{screening['id']}"
    passage.must(
        REFUGIO,
        "POST",
        f"{path}/conclude",
        json={"judgement": "possible_victim", "rationale": TEXT},
    )
    assert NAME in str(passage.must(REFUGIO, "GET", path)), "the screener cannot read it"
    form = passage.must(
        supervisor,
        "POST",
        "/referrals/v1/intake/forms",
        json={"name": "form", "instrument_id": own},
    )
    address = f"/referrals/v1/intake/forms/{form['id']}/submissions"
    secret = {"X-Form-Secret": form["secret"]}
    submission = {"_uuid": str(uuid4()), "safe": "1", "agree": "1", "nombre": TEXT, "years": TEXT}
    kept = passage.do(None, "POST", address, json=submission, headers=secret)
    assert kept.json()["status"] == "quarantined", kept.text
    rows = passage.must(REFUGIO, "GET", "/referrals/v1/intake/submissions?status=quarantined")
    read = passage.must(
        REFUGIO, "GET", f"/referrals/v1/intake/submissions/{rows['items'][0]['id']}"
    )
    assert NAME in str(read), "what waits cannot be read"
    passage.do(None, "POST", address, json=submission, headers={"X-Form-Secret": STORY})
    passage.do(None, "POST", address, json={"_uuid": TEXT, NAME: TEXT}, headers=secret)
    passage.do(None, "POST", address, content=TEXT.encode(), headers=secret)
    wrong = {"answers": {"years": TEXT, NAME: TEXT, "work": TEXT * 100}}
    passage.do(REFUGIO, "POST", f"{path}/answers", json=wrong)
    body = {"instrument_id": own, "answers": {"safe": TEXT, "agree": "1"}}
    passage.do(REFUGIO, "POST", "/referrals/v1/screenings", json=body)
    passage.do(REFUGIO, "POST", f"{path}/conclude", json={"judgement": TEXT, "rationale": TEXT})
    passage.do(supervisor, "POST", "/referrals/v1/certificates", json={"holder": NAME})


def _draft(passage: Passage, played: Played, service: dict[str, Any]) -> httpx.Response:
    answer = passage.do(
        REFUGIO,
        "POST",
        "/referrals/v1/referrals",
        json={
            "case_id": played.case["id"],
            "service_id": service["id"],
            "category": service["categories"][0],
            "urgency": "urgent",
            "payload": {"situation": TEXT, "safety": TEXT, "health": TEXT},
            "from_case": ["name", "document", "contact", "address"],
            "safe_contact": {"rule": "contact_directly", "instructions": TEXT},
        },
    )
    if answer.status_code == 201:
        played.referral = answer.json()["id"]
    return answer


def _handle(passage: Passage, path: str, grant: str) -> None:
    passage.must(REFUGIO, "POST", f"{path}/send", json={"grant_id": grant})
    passage.must(SALUD, "POST", f"{path}/acknowledge", json={})
    passage.must(SALUD, "POST", f"{path}/request-information", json={"question": TEXT})
    passage.must(REFUGIO, "POST", f"{path}/answer-information", json={"payload": {"safety": TEXT}})
    disclosed = passage.must(SALUD, "GET", f"{path}/disclosure")
    assert NAME in str(disclosed), (
        "the recipient could not read what was granted: nothing is proved"
    )
    passage.must(SALUD, "POST", f"{path}/accept", json={"focal_point": NAME, "note": TEXT})
    passage.must(SALUD, "POST", f"{path}/start", json={})
    passage.must(SALUD, "POST", f"{path}/complete", json={"outcome": "delivered", "note": TEXT})
    passage.must(REFUGIO, "GET", f"{path}/history")


def _careless_clients(passage: Passage, played: Played) -> None:
    """Send people's names where no names belong; the refusals must not repeat them."""
    referral = f"/referrals/v1/referrals/{played.referral}"
    passage.do(REFUGIO, "POST", "/referrals/v1/cases", json={NAME: NAME, "area": TEXT})
    passage.do(REFUGIO, "POST", "/referrals/v1/cases", json={"identity": {"age": TEXT, NAME: 1}})
    passage.do(REFUGIO, "POST", "/referrals/v1/cases", content=f'{{"identity": "{TEXT}'.encode())
    passage.do(REFUGIO, "POST", f"{referral}/decline", json={"reason": TEXT})
    passage.do(REFUGIO, "POST", f"{referral}/accept", json={"focal_point": TEXT})
    passage.do(SALUD, "POST", f"{referral}/accept", json={"focal_point": TEXT})
    passage.do(REFUGIO, "GET", f"/referrals/v1/cases/{STORY}")
    passage.do(REFUGIO, "GET", "/referrals/v1/cases", params={"name": NAME, PHONE: DOCUMENT})
    passage.do(None, "GET", "/directory/v1/services", params={"search": TEXT})
    passage.do(None, "GET", "/directory/v1/services", params={"area": STORY, NAME: PHONE})
    passage.do(None, "GET", f"/{STORY}/{DOCUMENT}")
    passage.do("gbv-coordinator", "GET", "/reports/v1/indicators", params={"area": STORY})
    passage.do(None, "GET", "/reports/v1/releases", params={"programme": STORY})
    passage.do(None, "GET", "/referrals/v1/cases", headers={"Authorization": f"Bearer {STORY}"})
    passage.do(
        None, "GET", "/directory/v1/services", headers={"X-Person": TEXT, "User-Agent": TEXT}
    )


def _until_published(system: System) -> None:
    def drained() -> bool:
        server = attached_postgres(system.layout, system.state)
        unpublished = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        return all(
            server.psql(unpublished, database=name).strip() == "0"
            for name in ("directory", "referrals", "reporting")
        )

    until(drained, "all events are published")
    time.sleep(6)  # Spans are exported in batches every five seconds.


def dump(system: System, database: str) -> bytes:
    server = attached_postgres(system.layout, system.state)
    url = server.url(database, SUPERUSER, server.password(SUPERUSER), driver="postgresql")
    return subprocess.run(
        [str(binaries() / "pg_dump"), "--dbname", url],
        check=True,
        capture_output=True,
        env={**os.environ},
    ).stdout


def test_the_search_would_find_a_canary(system: System, played: Played) -> None:
    """As a control, the search must find a planted canary, because a broken search would find nothing and pass."""
    for word in CANARIES:
        assert found_in(b"..." + word.upper().encode() + b"...")
        assert found_in(base64.b64encode(b"ab" + word.encode() + b"cdef"))
    assert played.case["id"].encode() in dump(system, "referrals")
    assert played.referral.encode() in (
        b"".join(path.read_bytes() for path in (system.layout.nats / "jetstream").rglob("*.blk"))
    ), "the event store holds the ids of the referral in clear"


@pytest.mark.parametrize("database", DATABASES)
def test_no_database_holds_it_in_clear(system: System, played: Played, database: str) -> None:
    assert played.referral
    assert found_in(dump(system, database)) == []


def test_no_file_of_the_stack_holds_it_in_clear(system: System, played: Played) -> None:
    """The test searches logs, the event store, table files and the write-ahead log on disk."""
    assert played.referral
    leaks = {
        str(path.relative_to(system.layout.root)): found
        for path in _files(system.layout.root)
        if (found := found_in(path.read_bytes(), played.receipt))
    }
    assert leaks == {}


def test_no_event_on_the_streams_carries_it(system: System, played: Played) -> None:
    blocks = b"".join(p.read_bytes() for p in (system.layout.nats / "jetstream").rglob("*.blk"))
    assert b"ruta.referrals.referral.completed.v1" in blocks, "nothing is proved"
    assert found_in(blocks, played.receipt) == []


def test_no_webhook_body_carries_it(played: Played) -> None:
    until(lambda: b"referral.completed" in b"".join(played.webhooks), "the partner was called")
    bodies = b"".join(played.webhooks)
    assert played.referral.encode() in bodies
    assert found_in(bodies) == []


def test_no_message_to_a_person_carries_it(played: Played, push_service: Collector) -> None:
    """The test also searches everything that a relay, a gateway or a push service would log: envelope, request and
    headers."""

    def caught() -> list[dict[str, str]]:
        found: list[dict[str, str]] = httpx.get(played.told, timeout=PATIENCE).json()
        return found

    def ways() -> set[str]:
        return {each["by"] for each in caught() if "Hay algo nuevo" in each["text"]}

    until(lambda: ways() == {"mail", "sms"}, "both were told")
    answers = [each for each in caught() if each["to"] == PHONE]
    assert answers, "whoever asked by text message was not answered: nothing is proved"
    # The response goes to the number that asked, and the number must appear nowhere else.
    sources = "".join(each["source"].replace(f'"{each["to"]}"', "") for each in caught())
    assert "RCPT TO:<guardia@example.org>" in sources
    assert "POST /sms" in sources
    assert found_in(sources.encode()) == []
    assert played.referral not in sources
    until(lambda: bool(push_service.heads), "the browser was told")
    assert set(push_service.received) == {b""}
    heads = "".join(push_service.heads)
    assert "vapid t=" in heads.lower()
    assert found_in(heads.encode()) == []
    assert played.referral not in heads


def test_no_trace_carries_it(system: System, collector: Collector, played: Played) -> None:
    spans = b"".join(collector.received)
    assert b"ruta-referrals" in spans, "no traces were exported: nothing is proved"
    assert played.referral
    assert found_in(spans) == []


@pytest.mark.parametrize("process", PROCESSES)
def test_no_metric_carries_it(system: System, played: Played, process: str) -> None:
    assert played.referral
    metrics = system.measured(process).encode()
    assert b"ruta_" in metrics
    assert found_in(metrics) == []


def test_no_refusal_repeats_it(played: Played) -> None:
    assert len(played.errors) >= 10
    assert [leak for text in played.errors for leak in found_in(text.encode())] == []


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
