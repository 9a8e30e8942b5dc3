"""PostgreSQL plans a list query again for each set of values. A query that determines its index uses one plan for all
values."""

import sqlalchemy as sa
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_

OFTEN = 8
"""After five executions PostgreSQL chooses by itself, and chooses the kept plan here: no rows, no difference."""


async def plans(database: Database, part: str) -> dict[str, tuple[int, int]]:
    """Return the numbers of (generic, custom) plans for each statement that contains `part`."""
    told = sa.text(
        "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements"
        " WHERE position(:part IN statement) > 0"
    )
    async with database.transaction() as session:
        found = await session.execute(told, {"part": part})
    return {name: (kept, made) for name, kept, made in found}


async def test_a_plan_for_any_words_is_kept_for_no_search(
    api: AsyncClient, database: Database, publish: Publish
) -> None:
    await publish()
    # Count from here, because other tests used this connection too.
    before = await plans(database, "service_documents")
    for path in ("services", "service_at_locations", "organizations"):
        for number in range(OFTEN):
            params: dict[str, str | int] = {"search": "consultas", "per_page": 5 + number}
            answer = await api.get(f"{V1}/{path}", params=params, headers=as_("anonymous"))
            assert answer.status_code == 200, answer.text
    after = await plans(database, "service_documents")
    asked = {
        name: (kept - before.get(name, (0, 0))[0], made - before.get(name, (0, 0))[1])
        for name, (kept, made) in after.items()
    }
    assert [name for name, (_, made) in asked.items() if made >= OFTEN]
    assert [name for name, (kept, _) in asked.items() if kept] == []
