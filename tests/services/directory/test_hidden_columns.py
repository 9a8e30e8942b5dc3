"""Hiding a service hides it in every column.

`hidden_columns.csv` states each column's protection. The service has unique words in every text field. The file must
list every column that then contains one of them, or the service's id.
"""

from typing import Any

import pytest
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory import test_leaks as lists
from tests.services.directory.conftest import V1, reads_everything
from tests.support.hidden_columns import Columns, holding, listed
from tests.support.principals import organisation

RULES = {
    "event",  # Ids and codes, for services that know each person's access.
    "level",  # One row per level, none below the service's own level.
    "own row",  # Counted by the visibility in the same row.
    "record",  # Read only by people who may edit the record.
    "trace",  # A deleted id, for copies that contained it.
    "words",  # Words without services: each level finds only words that it sees.
}
WORDS = ("zzyzx", "ocult", "287 000 0001", "2870000001")
CHANGED = {("history", "old"), ("services", "restricted")}
"""Reached where a change is recorded, and where parts are named that are hidden: a withdrawal changes no word."""


def service(level: str) -> dict[str, Any]:
    """Return a service with unique texts; its organisation is public."""
    made = lists.hidden(level)
    made["organization"] = {"id": str(organisation(2)), "name": "Salud", "description": "x"}
    del made["attributes"]  # Other services share a term's text.
    return made | {
        "alternate_name": "Zzyzx dos",
        "alert": "Zzyzx tres",
        "eligibility_description": "Zzyzx cuatro",
        "fees_description": "Zzyzx cinco",
        "application_process": "Zzyzx seis",
        "url": "https://zzyzx.example/",
        "email": "zzyzx@zzyzx.example",
        "contacts": [{"name": "Zzyzx siete", "email": "siete@zzyzx.example"}],
        "translations": {"en": {"name": "Zzyzx centre", "description": "Hidden zzyzx"}},
    }


async def reached_by(database: Database, *said: str) -> Columns:
    async with database.transaction() as session:
        return await holding(session, said)


async def hide(api: AsyncClient, way: str) -> None:
    """Restrict or withdraw the public service."""
    path, headers = f"{V1}/records/services/{lists.OWN}", reads_everything()
    headers["If-Match"] = (await api.get(path, headers=headers)).headers["etag"]
    if way == "withdrawn":
        answer = await api.post(f"{path}/withdraw", json={"reason": "moved"}, headers=headers)
    else:
        answer = await api.put(path, json=service("restricted"), headers=headers)
    assert answer.status_code == 200, answer.text


async def enter(api: AsyncClient) -> None:
    answer = await api.post(
        f"{V1}/records/services", json=service("public"), headers=reads_everything()
    )
    assert answer.json().get("state") == "approved", answer.text


@pytest.mark.parametrize("way", ["restricted", "withdrawn"])
async def test_every_column_that_a_hidden_service_reaches_has_its_rule(
    api: AsyncClient, database: Database, way: str
) -> None:
    rules = listed("directory")
    await enter(api)
    reached = {**await reached_by(database, *WORDS), **await reached_by(database, lists.OWN)}
    assert all(0 in reached[at] for at in reached if rules.get(at) == "level")

    await hide(api, way)
    words, named = await reached_by(database, *WORDS), await reached_by(database, lists.OWN)
    assert {*reached, *words, *named} | CHANGED == rules.keys()
    assert set(rules.values()) == RULES
    assert {rules[at] for at in words} <= {"level", "record", "words"}
    left = {"level": {3}, "withdrawn": set()}["level" if way == "restricted" else way]
    for found in (words, named):
        levels = [found[at] for at in found if rules[at] == "level"]
        assert all(of <= left for of in levels), found
