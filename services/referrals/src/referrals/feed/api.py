"""HTTP of the feed."""

from uuid import UUID

from common.errors import BAD_CURSOR
from common.paging import CursorText, Limit, decode_cursor, encode_cursor
from common.web import Session, router

from referrals.dependencies import Reader
from referrals.feed import queries
from referrals.feed.schemas import Feed, FeedItem

feed = router("/referrals/v1/feed", ["feed"])
_START = ("0", UUID(int=0))


@feed.get("")
async def read_feed(
    session: Session, caller: Reader, cursor: CursorText = None, limit: Limit = 100
) -> Feed:
    """What concerns your organisation since the cursor: ids to look up, nothing personal."""
    position, after = _position(cursor)
    rows = await queries.page(session, caller, position, after, limit)
    shown = rows[:limit]
    last = (shown[-1].position, shown[-1].id) if shown else (position, after)
    return Feed(
        items=[FeedItem.model_validate(row, from_attributes=True) for row in shown],
        next_cursor=encode_cursor(last[0], str(last[1])),
        more=len(rows) > limit,
    )


def _position(cursor: str | None) -> tuple[str, UUID]:
    keys = decode_cursor(cursor, 2)
    if keys is None:
        return _START
    try:
        position = int(keys[0])
        if not 0 <= position < 2**63:
            raise ValueError
        return str(position), UUID(str(keys[1]))
    except (ValueError, TypeError) as error:
        raise BAD_CURSOR.because("Take the cursor from 'next_cursor' unchanged.") from error
