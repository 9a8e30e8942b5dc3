"""Hidden services change nothing in resolve, gaps, posters, endorsements and suggestions.

Each request is sent twice to the same directory, with and without confidential services. Every caller below their level
must get the same bytes.
"""

from typing import Any
from uuid import UUID

import pytest
from common.db.session import Database
from directory.ground.hsds.schemas import ServiceDocument
from directory.record.services.upsert import upsert_service
from httpx import AsyncClient

from tests.services.directory.conftest import as_
from tests.services.directory.pathways.scenario import document
from tests.support.principals import principal

V1 = "/directory/v1"
PROFILE = {
    "area": "VE2313", "age": 27, "sex": "female", "situations": ["sexual_violence", "trafficking"],
    "hours_since_incident": 20, "immediate_danger": True,
}  # fmt: skip
CHILD = {"area": "VE2313", "age": 12, "situations": ["child_separated"], "immediate_danger": True}
QUESTIONS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/pathways/resolve", PROFILE),
    ("POST", "/pathways/resolve", {**PROFILE, "area": "VE20"}),
    ("POST", "/pathways/resolve", {**PROFILE, "needs": ["GBV-SHELTER", "TIP-SAFE", "CVA"]}),
    ("POST", "/pathways/resolve", CHILD),
    ("POST", "/pathways/resolve/batch", {"profiles": [PROFILE, CHILD]}),
    ("GET", "/gaps?area=VE&level=1", None),
    ("GET", "/gaps?area=VE23&level=2&only_gaps=true", None),
    ("GET", "/gaps?area=VE23&level=2&need=GBV-SHELTER&need=GBV-PSS&group=woman", None),
    ("GET", "/gaps?area=VE23&level=1&format=hxl", None),
    ("GET", "/gaps?area=VE23&level=2&format=svg&need=GBV-SHELTER&need=GBV-PSS", None),
    ("GET", "/posters/VE2313/GBV?format=html", None),
    ("GET", "/posters/VE2313/TIP?format=html&language=en", None),
    ("GET", "/posters/VE23/CP?format=html", None),
    ("GET", "/endorsements?limit=500", None),
    ("GET", "/endorsements?aor=GBV", None),
]


def hidden(level: str) -> list[ServiceDocument]:
    """Enter confidential services that would change every response if they were visible."""
    made: dict[str, Any] = {"visibility": level, "phone": None, "organisation": "Oculta"}
    place = "VE23" if level == "restricted" else "VE2313"
    # The directory refuses a safe house at any level below "restricted".
    shelter = "GBV-SHELTER" if level == "restricted" else "GBV-WGSS"
    return [
        document(f"Oculto {level} abrigo", [shelter], place, ["VE23"], **made),
        document(f"Oculto {level} apoyo", ["GBV-PSS", "GBV-CMR", "CVA"], place, ["VE23"], **made),
        document(f"Oculto {level} lleno", ["GBV-LEGAL"], place, ["VE23"], capacity="full", **made),
        document(f"Oculto {level} cerrado", ["GBV-CM"], place, ["VE"], status="closed", **made),
        document(f"Oculto {level} lejos", ["GBV-PSS", "GBV-LIV"], place, ["VE23"], **made),
    ]


# Callers who must not notice services at a level: everybody whom access.py keeps below it.
OUTSIDERS = {
    "partners": ["anonymous"],
    "pathway": ["anonymous", "health-cluster", "cp-coordinator", "auditor"],
    "restricted": ["anonymous", "health-cluster", "cp-coordinator", "ngo-refugio", "ngo-salud"],
}
CASES = [(level, who) for level, callers in OUTSIDERS.items() for who in callers]


async def answers(api: AsyncClient, who: str) -> list[tuple[int, bytes, dict[str, str]]]:
    found = []
    for method, path, body in QUESTIONS:
        answer = await api.request(method, V1 + path, json=body, headers=as_(who))
        kept = {
            name: value
            for name, value in answer.headers.items()
            if name not in {"x-request-id", "date", "traceparent"}
        }
        found.append((answer.status_code, answer.content, kept))
    return found


async def hide(database: Database, level: str) -> None:
    async with database.transaction() as session:
        for each in hidden(level):
            done = await upsert_service(session, principal("gbv-coordinator"), each)
            assert done.state == "approved"


@pytest.mark.parametrize(("level", "who"), CASES)
async def test_answers_are_the_same_with_and_without_what_one_may_not_see(
    api: AsyncClient, database: Database, scenario: dict[str, UUID], level: str, who: str
) -> None:
    before = await answers(api, who)
    await hide(database, level)
    after = await answers(api, who)
    for (method, path, _), one, other in zip(QUESTIONS, before, after, strict=True):
        assert one == other, f"{method} {path}"
    assert b"Oculto" not in b"".join(content for _, content, _ in after)


@pytest.mark.parametrize("level", ["partners", "pathway", "restricted"])
async def test_the_coordinator_does_see_them_so_that_the_test_above_means_something(
    api: AsyncClient, database: Database, scenario: dict[str, UUID], level: str
) -> None:
    before = await answers(api, "gbv-coordinator")
    await hide(database, level)
    after = await answers(api, "gbv-coordinator")
    changed = {
        path.split("?", maxsplit=1)[0]
        for (_, path, _), one, other in zip(QUESTIONS, before, after, strict=True)
        if one != other
    }
    # A poster shows everybody only the public level, even its coordinator.
    assert changed == {"/pathways/resolve", "/pathways/resolve/batch", "/gaps", "/endorsements"}
