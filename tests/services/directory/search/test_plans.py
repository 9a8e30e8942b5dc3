"""A list is planned for its values, each time; what names its index is planned once for all values."""

import sqlalchemy as sa
from common.db.session import Database
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_

OFTEN = 8
"""After five executions PostgreSQL chooses by itself, and chooses the kept plan here: no rows, no difference."""


async def plans(database: Database, part: str) -> list[tuple[int, int]]:
    """(kept, made for its values) of each statement that holds `part` and was asked often."""
    told = sa.text(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
        " WHERE position(:part IN statement) > 0 AND generic_plans + custom_plans >= :often"
    )
    async with database.transaction() as session:
        found = await session.execute(told, {"part": part, "often": OFTEN})
    return [(kept, made) for kept, made in found]


async def test_a_plan_for_any_words_is_kept_for_no_search(
    api: AsyncClient, database: Database, publish: Publish
) -> None:
    await publish()
    for path in ("services", "service_at_locations", "organizations"):
        for number in range(OFTEN):
            params: dict[str, str | int] = {"search": "consultas", "per_page": 5 + number}
            answer = await api.get(f"{V1}/{path}", params=params, headers=as_("anonymous"))
            assert answer.status_code == 200, answer.text
    found = await plans(database, "service_documents")
    assert found
    assert [kept for kept, _ in found if kept] == []
