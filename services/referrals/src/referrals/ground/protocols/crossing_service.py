"""Whether what is told of a person may cross a border now.

Asked wherever it would: at sending and at each answer, at each reading by the recipient, when a
case is offered and taken over, and when a report of the line is handed on. A protocol that ended
meanwhile ends the reading, too: each reading carries it over the border once more.
"""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from referrals.errors import CROSS_BORDER
from referrals.ground.protocols.queries import covered


async def refuse_uncovered(
    session: AsyncSession,
    *,
    from_country: str,
    to_countries: Collection[str],
    from_organisation: UUID,
    to_organisation: UUID,
    on: date,
    category: str | None = None,
) -> None:
    """409 unless one of the countries is the same, or a protocol covers it today. `category` None:
    it is everything, and only a protocol for everything covers it."""
    if from_country in to_countries:
        return
    if not await covered(
        session,
        from_country=from_country,
        to_countries=sorted(to_countries),
        from_organisation=from_organisation,
        to_organisation=to_organisation,
        category=category,
        on=on,
    ):
        raise CROSS_BORDER.because(
            "from_to_ask_your_im_team_whether", from_country, ", ".join(sorted(to_countries))
        )
