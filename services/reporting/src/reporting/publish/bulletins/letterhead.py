"""The letterhead of the operation's bulletins, and its logos: PNG files without anything but the picture."""

import binascii
import struct
import zlib
from base64 import b64decode, b64encode

from common import clock
from common.auth import Principal
from common.errors import INVALID
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.publish.bulletins.document.content import Letterhead
from reporting.publish.bulletins.models import bulletin_letterheads

MOST_BYTES = 40_000
MOST_PIXELS = 2_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""The chunks that make the picture; others hold words, places and dates."""


def bare(logo: str) -> str | None:
    """Return a PNG in base64 without its metadata; None if it is none, damaged or too large."""
    try:
        content = b64decode(logo, validate=True)
    except binascii.Error:
        return None
    if not content.startswith(_SIGNATURE) or len(content) > MOST_BYTES:
        return None
    kept, at, names = [_SIGNATURE], len(_SIGNATURE), []
    while at + 12 <= len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        chunk = content[at : at + 12 + size]
        if len(chunk) < 12 + size or zlib.crc32(chunk[4:-4]) != struct.unpack(">I", chunk[-4:])[0]:
            return None
        if name in _PICTURE:
            kept.append(chunk)
            names.append(name)
        at += len(chunk)
        if name == b"IEND":
            break
    if names[:1] != [b"IHDR"] or names[-1] != b"IEND" or b"IDAT" not in names:
        return None
    width, height = struct.unpack(">II", kept[1][8:16])
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        return None
    return b64encode(b"".join(kept)).decode()


async def read(session: AsyncSession) -> Letterhead | None:
    found = await session.scalar(
        bulletin_letterheads.select().with_only_columns(bulletin_letterheads.c.letterhead)
    )
    return Letterhead.model_validate(found) if found else None


async def write(session: AsyncSession, caller: Principal, wanted: Letterhead) -> Letterhead:
    """Replace the letterhead. Later drafts have it; drafts and bulletins that exist stay as they are."""
    clean = []
    for number, each in enumerate(wanted.organisations):
        logo = bare(each.logo) if each.logo else None
        if each.logo and logo is None:
            pointer = f"/organisations/{number}/logo"
            raise INVALID.because("logo_is_a_small_png", MOST_BYTES, MOST_PIXELS, pointer=pointer)
        clean.append(each.model_copy(update={"logo": logo}))
    kept = wanted.model_copy(update={"organisations": tuple(clean)})
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
    return kept
