"""Files that people send with a form: read into memory, passed on to the API, kept nowhere."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from console.answers import Upload
from console.forms import MOST_FIELDS, BadForm, Typed

MAX_BYTES = 16 * 1024 * 1024
"""A workbook of 100,000 services has about ten megabytes. Whatever is larger goes the API's own way."""
PART = "file"


class _InMemory(MultiPartParser):
    """Never on a disk: a row of it may be about somebody."""

    spool_max_size = MAX_BYTES


async def read_upload(request: Request) -> tuple[Typed, Upload | None]:
    """The fields of a multipart form, and its file if one was chosen; BadForm if it cannot be read."""
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
