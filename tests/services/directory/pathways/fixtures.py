"""What the tests of pathways, gaps and posters share beside the directory's own fixtures."""

from uuid import UUID

import pytest
from common.database import Database

from tests.services.directory.pathways.scenario import load


@pytest.fixture
async def scenario(database: Database) -> dict[str, UUID]:
    """The fictional services of scenario.py; ids by name."""
    async with database.transaction() as session:
        return await load(session)
