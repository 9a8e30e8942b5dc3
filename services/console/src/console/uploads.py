"""Files that people submit with a form; they are read into memory, forwarded to the API, and never stored."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from console.answers import Upload
from console.forms import MOST_FIELDS, BadForm, Typed

MAX_BYTES = 16 * 1024 * 1024
"""A workbook of 100,000 services has about ten megabytes. Larger files must be sent to the API directly."""
PART = "file"


class _InMemory(MultiPartParser):
    """Keeps files in memory, never on disk, because they may contain personal data."""

    spool_max_size = MAX_BYTES


async def read_upload(request: Request) -> tuple[Typed, Upload | None]:
    """Parse the fields of a multipart form, and its file if the visitor chose one. Raise BadForm if that fails."""
    parser = _InMemory(
        request.headers, request.stream(), max_files=1, max_fields=MOST_FIELDS, max_part_size=64_000
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadForm("not a form of these pages") from error
    try:
        typed = Typed(
            [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        )
        part = form.get(PART)
        if not isinstance(part, UploadFile) or not part.filename:
            return typed, None
        return typed, Upload(part.filename, await part.read())
    finally:
        await form.close()
