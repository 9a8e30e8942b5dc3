"""From an XLSForm and a form tool's submission to draft referrals, through the gateway.

Real processes with real tokens run scenarios 1, 2 and 6 of screening. tests/services/referrals/test_screening*.py tests
the rules.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from common import clock
from stack.demo.history import quarter_before
from stack.operate.service_commands import attached_postgres

from tests.services.referrals.screening_words import workbook
from tests.services.referrals.test_intake import KOBO
from tests.support.system import System, until

pytestmark = pytest.mark.system

REFUGIO, SUPERVISOR, SALUD = "ngo-refugio", "ngo-refugio-supervisor", "ngo-salud"
RATIONALE = "Dice que le retienen los documentos y que debe el viaje."


class Field:
    """Calls the gateway as one organisation's staff."""

    def __init__(self, system: System) -> None:
        self._running = system.running
        self.url = system.running.url

    def call(
        self, who: str | None, method: str, path: str, json: Any = None, **more: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": f'"{uuid4()}"', **more.pop("headers", {})}
        if json is not None:
            more["json"] = json
        return self._running.request(who, method, path, headers=headers, **more)

    def made(self, who: str | None, path: str, json: Any = None, **more: Any) -> Any:
        answer = self.call(who, "POST", path, {} if json is None else json, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def read(self, who: str | None, path: str, **more: Any) -> Any:
        answer = self.call(who, "GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def field(system: System) -> Field:
    return Field(system)


@pytest.fixture(scope="module")
def instrument(field: Field) -> str:
    """Upload a field team's own XLSForm as a file."""
    files = {"file": ("frontera.xlsx", workbook(), "application/vnd.ms-excel")}
    made = field.call(SUPERVISOR, "POST", "/referrals/v1/instruments", files=files)
    assert made.status_code == 201, made.text
    identifier: str = made.json()["id"]
    return identifier


@pytest.fixture(scope="module")
def certificate(field: Field) -> dict[str, Any]:
    today = clock.today()
    made: dict[str, Any] = field.made(
        SUPERVISOR,
        "/referrals/v1/certificates",
        {
            "holder": REFUGIO,
            "certified_on": str(today - timedelta(days=30)),
            "valid_until": str(today + timedelta(days=40)),
        },
    )
    return made


@pytest.fixture(scope="module")
def form(field: Field, instrument: str) -> dict[str, Any]:
    made: dict[str, Any] = field.made(
        SUPERVISOR,
        "/referrals/v1/intake/forms",
        {"name": "Puente", "instrument_id": instrument, "mapping": {"fixed_area": "VE2313"}},
    )
    return made


def send(form: dict[str, Any], body: Any, **headers: str) -> httpx.Response:
    """Send the submission as KoboToolbox's REST service does: one POST without an account."""
    return httpx.post(
        form["address"],
        content=orjson.dumps(body),
        headers={"Content-Type": "application/json", **headers},
        timeout=30,
    )


def test_a_kobotoolbox_submission_leads_to_referral_drafts(
    field: Field, form: dict[str, Any], certificate: dict[str, Any]
) -> None:
    """The path is XLSForm → submission → screening → judgement → resolved pathway → drafts."""
    submission = {**KOBO, "_uuid": str(uuid4()), "q/signs": "moved lied work"}
    taken = send(form, submission, **{"X-Form-Secret": form["secret"]})
    assert (taken.status_code, taken.json()["status"]) == (202, "taken"), taken.text
    assert send(form, submission, **{"X-Form-Secret": form["secret"]}).json()["repeated"] is True
    listed = field.read(REFUGIO, "/referrals/v1/intake/submissions")["items"]
    path = f"/referrals/v1/screenings/{listed[0]['screening_id']}"
    screening = field.read(REFUGIO, path)
    assert [each["strength"] for each in screening["summary"]["elements"]] == [
        *("some", "strong", "some")
    ]
    assert field.call(SALUD, "GET", path).status_code == 404
    judged = field.made(
        REFUGIO,
        f"{path}/conclude",
        {"judgement": "possible_victim", "rationale": RATIONALE},
    )
    assert judged["conclusion"]["screener"] == certificate["holder"]
    asked = {**judged["profile"], "moment": {"weekday": 2, "time": "10:00"}}
    plan = field.made(REFUGIO, "/directory/v1/pathways/resolve", asked)
    chosen = [
        {"service_id": step["services"][0]["service_id"], "need": step["need"]}
        for step in plan["steps"]
        if step["services"] and step["need"] in {"HLT", "CP-CM", "GP-PSS", "CP-MHPSS", "TIP-ASSIST"}
    ]
    assert chosen, [step["need"] for step in plan["steps"]]
    case = field.made(
        REFUGIO,
        "/referrals/v1/cases",
        {"identity": {"age": 16}, "attributes": {"sex": "female"}, "area": "VE2313"},
    )
    field.made(REFUGIO, f"{path}/case", {"case_id": case["id"]})
    drafts = field.made(REFUGIO, f"{path}/drafts", {"choices": chosen})
    assert [each["state"] for each in drafts["drafts"]] == ["draft"] * len(chosen)
    again = field.made(REFUGIO, f"{path}/drafts")
    assert len(again["plan"]) >= len(again["drafts"]) > 0, "by the service's own copy as well"
    assert (
        field.call(SALUD, "GET", f"/referrals/v1/referrals/{drafts['drafts'][0]['id']}").status_code
        == 404
    )


def test_a_training_is_a_5w_activity_and_certificates_run_out(
    field: Field, certificate: dict[str, Any]
) -> None:
    day = date.today() - timedelta(days=1)  # noqa: DTZ011 - any past day will do
    made = field.made(
        REFUGIO,
        "/referrals/v1/trainings",
        {
            "topic": "screening",
            "area": "VE2313",
            "starts_on": str(day),
            "ends_on": str(day),
            "sessions": 2,
            "women": 9,
            "men": 4,
        },
    )
    found: list[dict[str, Any]] = []

    def reported() -> bool:
        rows = field.read("im-officer", "/reports/v1/activities", params={"from": str(day)})
        found[:] = [r for r in rows["items"] if r["external_id"] == f"training-{made['id']}"]
        return bool(found)

    until(reported, "the training is an activity")
    row = found[0]
    assert (row["activity_code"], row["quantity"], row["reached"]) == ("TIP/TRN", 2, 13)
    soon = field.read(
        "tip-coordinator", "/referrals/v1/certificates", params={"expiring_within_days": 60}
    )
    assert certificate["id"] in [each["id"] for each in soon["items"]]


PERSONS = 24


def test_the_funnel_is_published_in_protected_numbers_only(system: System, field: Field) -> None:
    """Screenings of a past quarter become a release that counts only consenting people.

    The test uses the quarter before the last, because the last one belongs to the demo's history.
    """
    last = quarter_before(clock.utc_day(clock.now()))
    end = datetime(last.year, last.month, 1, tzinfo=UTC) - timedelta(days=1)
    shipped = next(
        each for each in field.read(REFUGIO, "/referrals/v1/instruments") if each["shipped"]
    )
    agreed = {"safe_to_talk": "yes", "consent": "yes", "consent_statistics": "yes"}
    commands: list[dict[str, Any]] = [
        {
            "key": f"f{number}",
            "path": "/referrals/v1/screenings",
            "body": {
                "instrument_id": shipped["id"],
                "held_at": end.isoformat(),
                "area": "VE2313",
                "answers": agreed if number < PERSONS else {**agreed, "consent_statistics": "no"},
            },
        }
        for number in range(PERSONS + 12)
    ]
    batch = field.made(REFUGIO, "/referrals/v1/bulk", {"commands": commands})
    assert {each["status"] for each in batch["results"]} == {201}
    period = f"{end.year}-Q{(end.month + 2) // 3}"
    read = (
        "SELECT count(*) FROM projection.identification_facts"
        f" WHERE kind = 'screening-opened' AND counted_on = '{end:%Y-%m-%d}'"
    )
    server = attached_postgres(system.layout, system.state)
    until(
        lambda: int(server.psql(read, database="reporting")) >= len(commands),
        "reporting has read them",
    )
    release = field.made(
        "im-officer", "/reports/v1/releases", {"programme": "screening", "period": period}
    )
    path = f"/reports/v1/releases/{release['id']}"
    field.made(REFUGIO, f"{path}/sign-offs")
    field.made("im-officer", f"{path}/publish")
    answer = field.read(None, f"{path}/query", params={"by": "stage"})
    rows = {row["at"]["stage"]: row["count"] for row in answer["rows"]}
    assert rows.keys() == {"opened"}
    assert rows["opened"] in {22, 33}
    assert field.call("auditor", "POST", f"{path}/publish").status_code == 403
