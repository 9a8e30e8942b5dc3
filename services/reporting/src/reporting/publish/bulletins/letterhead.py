"""The letterhead of the deployment's bulletins, and its logos: PNG files that contain only the picture."""

import io
from base64 import b64decode, b64encode

from common import clock
from common.auth import Principal
from common.errors import INVALID
from PIL import Image
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.bulletins.document.content import Borders, Letterhead
from reporting.publish.bulletins.models import bulletin_letterheads

MOST_BYTES = 40_000
MOST_PIXELS = 2_000


def bare(logo: str) -> str | None:
    """Return a base64-encoded PNG without its metadata. Return None if it is not a PNG, is damaged or is too large."""
    made = io.BytesIO()
    try:
        content = b64decode(logo, validate=True)
        picture = Image.open(io.BytesIO(content), formats=("PNG",))
        if len(content) > MOST_BYTES or max(picture.size) > MOST_PIXELS:
            return None
        picture.load()
        # All other `info` entries contain words, places and dates.
        clear = picture.info.get("transparency")
        picture.info = {} if clear is None else {"transparency": clear}
        picture.save(made, "PNG", optimize=True)
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        return None
    return b64encode(made.getvalue()).decode()


async def read(session: AsyncSession, *, lock: bool = False) -> Letterhead | None:
    asked = bulletin_letterheads.select().with_only_columns(bulletin_letterheads.c.letterhead)
    found = await session.scalar(asked.with_for_update() if lock else asked)
    return Letterhead.model_validate(found) if found else None


async def write(session: AsyncSession, caller: Principal, wanted: Letterhead) -> Letterhead:
    """Replace the letterhead for later drafts. Existing drafts and bulletins keep theirs."""
    clean = []
    for number, each in enumerate(wanted.organisations):
        logo = bare(each.logo) if each.logo else None
        if each.logo and logo is None:
            pointer = f"/organisations/{number}/logo"
            raise INVALID.because("logo_is_a_small_png", MOST_BYTES, MOST_PIXELS, pointer=pointer)
        clean.append(each.model_copy(update={"logo": logo}))
    before = await read(session, lock=True)
    kept = wanted.model_copy(
        update={"organisations": tuple(clean), "borders": before.borders if before else None}
    )
    await _store(session, caller, kept)
    return kept


async def draw(
    session: AsyncSession, caller: Principal, borders: Borders | None
) -> Letterhead | None:
    """Replace the map borders for later drafts; return None if there is no letterhead."""
    head = await read(session, lock=True)
    if head is not None:
        head = head.model_copy(update={"borders": borders})
        await _store(session, caller, head)
    return head


async def _store(session: AsyncSession, caller: Principal, kept: Letterhead) -> None:
    values = {
        "letterhead": kept.model_dump(mode="json"),
        "changed_at": clock.now(),
        "changed_by": caller.subject,
    }
    await session.execute(
        pg.insert(bulletin_letterheads)
        .values(id=1, **values)
        .on_conflict_do_update(index_elements=["id"], set_=values)
    )
