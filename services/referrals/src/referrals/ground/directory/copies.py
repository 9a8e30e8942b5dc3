"""The copy of the directory after a restored backup: as restricted as the directory is, before it says so itself."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from common.sight import LEVELS, NAMES
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from referrals.ground.directory.models import DirectoryService


async def restrict_copies(session: AsyncSession, words: Mapping[UUID, Mapping[str, Any]]) -> None:
    """`words`: of the directory, see `restrictions.words`. Its events say the rest, and take nothing of it back."""
    rows = await session.scalars(
        sa.select(DirectoryService)
        .where(col(DirectoryService.service_id) == sa.any_(sa.literal([*words], sa.ARRAY(sa.Uuid))))
        .order_by(col(DirectoryService.service_id))
        .with_for_update()
    )
    for copy in rows.all():
        word = words[copy.service_id]
        least = word.get("hidden", {}).get(str(copy.service_id), 0)
        copy.visibility = NAMES[max(LEVELS[copy.visibility], least)]
        copy.withdrawn = copy.withdrawn or bool(word.get("withdrawn"))
        if word.get("withdrawn") or word.get("closed"):
            copy.referable = False
