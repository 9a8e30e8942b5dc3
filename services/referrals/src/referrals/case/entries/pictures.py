"""Pictures and PDFs of documents: checked by their first bytes, then redrawn in a process without secrets.

Redrawing removes metadata, scripts and hidden second files. The pages of a PDF become one picture, stacked vertically.
"""

import asyncio
import io
import subprocess
import sys
from pathlib import PurePosixPath
from typing import Any

from common.errors import INVALID, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE
from starlette.formparsers import MultiPartParser

MAX_BYTES = 8 * 1024 * 1024
_MAX_PIXELS = 50_000_000
_LONGEST_SIDE = 2000
_SECONDS = 30
_MEMORY = 1024 * 1024 * 1024
_NAMES = frozenset({"", ".jpg", ".jpeg", ".png", ".webp", ".pdf"})
_PDF = b"%PDF-"
_MOST_PAGES = 10
_PAGE = (1000, 1500)
"""Width and height within which a page is drawn: small print stays legible."""
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif")
_AT_ONCE = asyncio.Semaphore(2)


def keep_uploads_in_memory() -> None:
    """Keep Starlette from writing an uploaded picture unsealed to a temporary file."""
    MultiPartParser.spool_max_size = MAX_BYTES


def refuse_unless_picture(content: bytes, name: str) -> None:
    """Raise 413 or 415 with the remedy. A file name can cause a refusal but never an acceptance."""
    if not content:
        raise INVALID.because("file_is_empty", pointer="/file")
    if len(content) > MAX_BYTES:
        raise TOO_LARGE.because("picture_is_too_large", pointer="/file")
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        raise UNSUPPORTED_MEDIA_TYPE.because("picture_is_heic", pointer="/file")
    known = (
        content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", _PDF))
        or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")
    )  # fmt: skip
    if not known or PurePosixPath(name.lower()).suffix not in _NAMES:
        raise UNSUPPORTED_MEDIA_TYPE.because("picture_is_of_another_kind", pointer="/file")


async def drawn_again(content: bytes) -> bytes:
    """Return an upright JPEG; raise 422 if the file is unreadable. Scale it down to at most 2,000 pixels wide or
    high."""
    async with _AT_ONCE:
        done = await asyncio.to_thread(_apart, content)
    if done is None:
        raise INVALID.because("picture_cannot_be_read", pointer="/file")
    return done


def _apart(content: bytes) -> bytes | None:
    try:
        done = subprocess.run(  # noqa: S603 - this Python, this module
            [sys.executable, "-I", "-m", __name__],
            input=content,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={},
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def _pages(content: bytes) -> list[Any]:
    """Draw each page of a PDF. Its scripts cannot run, because the engine has no interpreter."""
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # noqa: PLC0415 - ships no types

    document = PdfDocument(content)
    if len(document) > _MOST_PAGES:
        raise ValueError("too many pages")
    document.init_forms()  # also draw the text typed into form fields
    width, height = _PAGE
    return [
        page.render(scale=min(width / page.get_width(), height / page.get_height()))
        .to_pil()
        .convert("RGB")
        for page in document
    ]


def _draw() -> None:
    """Redraw one picture or PDF; runs in the separate process."""
    import resource  # noqa: PLC0415 - only the process that draws needs these

    from PIL import Image, ImageOps  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    content = sys.stdin.buffer.read()
    if content.startswith(_PDF):
        pages = _pages(content)
    else:
        Image.MAX_IMAGE_PIXELS = _MAX_PIXELS // 2  # Pillow raises an error at twice this number
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as given:
            upright = ImageOps.exif_transpose(given).convert("RGB")
        upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        pages = [upright]
    height = sum(page.height for page in pages)
    clean = Image.new("RGB", (max(page.width for page in pages), height), "white")
    top = 0
    for page in pages:
        clean.paste(page, (0, top))
        top += page.height
    clean.save(sys.stdout.buffer, "JPEG", quality=80, optimize=True)


if __name__ == "__main__":
    _draw()
