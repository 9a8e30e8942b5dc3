"""Helpers for stories: a case, a consent, a referral, and the callers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from common.db.session import Database
from common.events.directory import CapacityChanged, ServicePublished
from common.events.envelope import Envelope
from common.ids import new_id
from httpx import AsyncClient, Response
from referrals.ground.directory.consumers import SUBSCRIPTION

from tests.support.principals import bearer, keyed, organisation

AUDIENCE = "ruta-referrals"
REFUGIO, SALUD, LEGAL = organisation(1), organisation(2), organisation(3)
ITEMS = ["name", "age", "contact", "situation"]
BODIES: dict[str, dict[str, Any]] = {
    "acknowledge": {},
    "request-information": {"question": "?"},
    "answer-information": {"payload": {"situation": "more"}},
    "waitlist": {"expected_on": "2099-01-01", "person_agrees": True},
    "accept": {"focal_point": "x"},
    "decline": {"reason": "capacity"},
    "schedule": {"appointment_at": "2099-01-01T10:00:00Z"},
    "start": {},
    "hold": {"reason": "other", "review_on": "2099-01-01"},
    "resume": {},
    "complete": {"outcome": "delivered"},
    "report-not-delivered": {"reason": "no_show"},
    "recall": {"reason": "other"},
    "withdraw": {},
    "enter-in-error": {"reason": "test"},
}


class Story:
    """Calls as demo clients; each helper that creates something checks the response."""

    def __init__(self, client: AsyncClient, database: Database) -> None:
        self.client = client
        self.database = database

    async def call(
        self,
        who: str,
        method: str,
        path: str,
        json: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> Response:
        headers = {**(headers or {}), **bearer(who, audience=AUDIENCE, **claims)}
        if method != "GET":
            headers = keyed(headers, key)
        return await self.client.request(method, f"/referrals/v1{path}", json=json, headers=headers)

    async def get(self, who: str, path: str, **claims: Any) -> Response:
        return await self.call(who, "GET", path, **claims)

    async def post(self, who: str, path: str, json: Any = None, **more: Any) -> Response:
        return await self.call(who, "POST", path, {} if json is None else json, **more)

    async def made(self, who: str, path: str, json: Any, **more: Any) -> dict[str, Any]:
        response = await self.post(who, path, json, **more)
        assert response.status_code in (200, 201), response.text
        body: dict[str, Any] = response.json()
        return body

    async def service(
        self,
        owner: UUID = SALUD,
        categories: tuple[str, ...] = ("HLT",),
        areas: tuple[str, ...] = ("VE23",),
        *,
        service_id: UUID | None = None,
        version: int = 1,
        **changes: Any,
    ) -> str:
        """Publish a service as the directory would; return its id."""
        event = ServicePublished(
            service_id=service_id or new_id(),
            organisation_id=owner,
            version=version,
            categories=categories,
            areas=areas,
            **{"aors": (), "visibility": "partners", "referable": True, **changes},
        )
        await self.told(event)
        return str(event.service_id)

    async def any_service(self) -> str:
        """Return a health service of Salud, for stories that need no particular one."""
        return await self.service()

    async def told(self, *events: Any) -> None:
        """Handle directory events in one batch, as the consumer does."""
        from common import clock

        received = [
            (
                event,
                Envelope(
                    id=new_id(),
                    source="/ruta/directory",
                    type=event.SUBJECT,
                    subject=str(new_id()),
                    time=clock.now(),
                    data=event.model_dump(mode="json"),
                ),
            )
            for event in events
        ]
        assert {SUBSCRIPTION.kind_of(e.SUBJECT) for e in events} == {type(e) for e in events}
        async with self.database.transaction() as session:
            await SUBSCRIPTION.apply(session, received)

    async def suspended(self, service_id: str, owner: UUID = SALUD) -> None:
        """Suspend a service as the directory would."""
        event = CapacityChanged(
            service_id=UUID(service_id),
            organisation_id=owner,
            version=2,
            functional_status="suspended",
            referable=False,
        )
        await self.told(event)

    async def eventually(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Check the condition at once, because all effects are immediate here. Through the gateway they take time."""
        assert await holds()

    async def told_to(self, who: str, subject_id: str) -> list[str]:
        """Return the kinds of an organisation's notices about one subject, in order."""
        kinds, cursor = [], ""
        while True:
            page = (await self.get(who, f"/feed?limit=500{cursor}")).json()
            kinds += [i["kind"] for i in page["items"] if i["subject_id"] == subject_id]
            cursor = f"&cursor={page['next_cursor']}"
            if not page["more"]:
                return kinds

    async def form(self, path: str, fields: dict[str, str]) -> Response:
        """Send a page's form as a browser without an account."""
        headers = bearer("anonymous", audience=AUDIENCE)
        return await self.client.post(f"/referrals/v1{path}", data=fields, headers=headers)

    async def case(self, who: str = "ngo-refugio", **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "identity": {
                "name": "Yolimar Canaria Perdomo",
                "age": 29,
                "contact": {"phone": "+58 412 5550199", "safe_way": "call in the morning"},
            },
            "attributes": {"sex": "female", "nationality": "VE", "populations": ["MIG"]},
            "area": "VE2313",
        }
        body.update(changes)
        return await self.made(who, "/cases", body)

    async def child(self, age: int, who: str = "ngo-refugio", **changes: Any) -> dict[str, Any]:
        identity = {
            "name": "Ana Canaria",
            "age": age,
            "caregiver": {"name": "Luis Canaria", "relation": "father"},
            **changes.pop("identity", {}),
        }
        return await self.case(who, identity=identity, **changes)

    def consent_body(self, case_id: str, service_id: str, **changes: Any) -> dict[str, Any]:
        return {
            "case_id": case_id,
            "service_id": service_id,
            "purpose": "HLT",
            "items": ITEMS,
            "method": "verbal",
            **changes,
        }

    async def consent(
        self, case_id: str, service_id: str, who: str = "ngo-refugio", **changes: Any
    ) -> dict[str, Any]:
        return await self.made(who, "/consents", self.consent_body(case_id, service_id, **changes))

    async def draft(
        self, case_id: str, service_id: str, who: str = "ngo-refugio", **changes: Any
    ) -> dict[str, Any]:
        body = {
            "case_id": case_id,
            "service_id": service_id,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": "needs a consultation"},
            "from_case": ["name", "contact"],
            **changes,
        }
        shared = {*body["payload"], *body["from_case"]}
        reached = bool(shared & {"contact", "address", "caregiver_contact"})
        body.setdefault("safe_contact", {"rule": "contact_directly" if reached else "person_comes"})
        return await self.made(who, "/referrals", body)

    async def sent(self, **changes: Any) -> dict[str, Any]:
        """Send a referral from Refugio to a health service of Salud under its own consent, and return it."""
        service_id = changes.pop("service_id", None) or await self.any_service()
        given = changes.pop("case_id", None)
        case_id = given or (await self.case())["id"]
        body = {"in_addition": True} if given else {}
        grant = await self.consent(case_id, service_id, **changes.pop("consent", {}))
        draft = await self.draft(case_id, service_id, **changes)
        return await self.made(
            "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"], **body}
        )

    async def accepted(self, **changes: Any) -> dict[str, Any]:
        referral = await self.sent(**changes)
        return await self.made(
            "ngo-salud", f"/referrals/{referral['id']}/accept", {"focal_point": "Dra. M."}
        )

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Return rows as the service itself sees them."""
        import sqlalchemy as sa
        from referrals.ground.row_security import act_as_service

        async with self.database.transaction() as session:
            await act_as_service(session)
            return list((await session.execute(sa.text(statement), values)).all())


def photo(**saved: Any) -> bytes:
    """Return a small photo like one from a phone."""
    import io

    from PIL import Image

    taken = io.BytesIO()
    Image.new("RGB", (60, 40), "navy").save(taken, saved.pop("format", "JPEG"), **saved)
    return taken.getvalue()


async def attach(
    story: Story, case: str, content: bytes, name: str = "photo.jpg", **fields: str
) -> Response:
    """Attach a file on behalf of Refugio."""
    headers = keyed(bearer("ngo-refugio", audience=AUDIENCE))
    return await story.client.post(
        f"/referrals/v1/cases/{case}/attachments",
        files={"file": (name, content)},
        data={"document": "signed_consent", **fields},
        headers=headers,
    )


async def attached(story: Story, case: str, **fields: str) -> dict[str, Any]:
    answer = await attach(story, case, photo(), **fields)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body
