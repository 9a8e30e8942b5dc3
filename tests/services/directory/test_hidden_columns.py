"""Hiding a service hides it: every column that any of it reaches is found by itself.

`hidden_columns.csv` says of each column what keeps it from them. The service has its own words in
every field that takes words; whatever column of whatever table then holds one of them, or its id, is
asked for its rule.
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
    "event",  # ids and codes, for services that know who may see what
    "level",  # a row per level: none is left below the service's own
    "own row",  # counted by the visibility that stands beside it
    "record",  # read by those alone who may edit the record
    "trace",  # that an id is gone, for copies that had it
    "words",  # words without whose they are: only what is seen by its level is found by them
}
WORDS = ("zzyzx", "ocult", "287 000 0001", "2870000001")
CHANGED = {("history", "old"), ("services", "restricted")}
"""Reached where a change is recorded, and where parts are named that are hidden: a withdrawal changes no word."""


def service(level: str) -> dict[str, Any]:
    """One whose every word is its own; its organisation is known to all."""
    made = lists.hidden(level)
    made["organization"] = {"id": str(organisation(2)), "name": "Salud", "description": "x"}
    del made["attributes"]  # a term is a word of everybody's
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
    """The public service is made restricted, or is withdrawn."""
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
