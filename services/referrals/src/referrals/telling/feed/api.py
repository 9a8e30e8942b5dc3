"""HTTP routes for the feed."""

from uuid import UUID

from common.http import Session, router
from common.paging import CursorText, Limit, encode_cursor, id_in, keys_in, numeral_in

from referrals.ground.dependencies import Reader
from referrals.telling.feed import queries
from referrals.telling.feed.schemas import Feed, FeedItem

feed = router("/referrals/v1/feed", ["feed"])
_START = ("0", UUID(int=0))


@feed.get("")
async def read_feed(
    session: Session, caller: Reader, cursor: CursorText = None, limit: Limit = 100
) -> Feed:
    """Return changes that concern your organisation since the cursor: ids to look up, no personal data."""
    position, after = keys_in(cursor, numeral_in, id_in) or _START
    rows = await queries.page(session, caller, position, after, limit)
    shown = rows[:limit]
    last = (shown[-1].position, shown[-1].id) if shown else (position, after)
    return Feed(
        items=[FeedItem.model_validate(row, from_attributes=True) for row in shown],
        next_cursor=encode_cursor(last[0], str(last[1])),
        more=len(rows) > limit,
    )
