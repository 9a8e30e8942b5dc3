"""Reads the file in an import request: the raw body, or the `file` part of a multipart form."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from common.errors import BAD_REQUEST, INVALID, Problem
from starlette.datastructures import UploadFile
from starlette.requests import Request

from directory.files.imports.errors import EMPTY_FILE

MAX_BYTES = 64 * 1024 * 1024
"""A CSV of 100,000 services has about 50 MB, a workbook a fifth of that."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    content: bytes


async def upload_of(request: Request, name: str | None) -> Upload:
    """Return the upload. Raise 422 for an empty file, 400 for an unreadable form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        upload = await _from_form(request)
    else:
        upload = Upload("upload", await request.body())
    if not upload.content:
        raise EMPTY_FILE.because("file_is_empty")
    return Upload(_plain(name or upload.name), upload.content)


async def _from_form(request: Request) -> Upload:
    try:
        form = await request.form(max_files=1, max_fields=10, max_part_size=MAX_BYTES)
    except Problem:
        raise  # a body over the size limit has its own error
    except Exception as error:
        raise BAD_REQUEST.because("multipart_form_cannot_be_read") from error
    try:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise INVALID.because("send_file_in_form_part_named_file", pointer="/file")
        return Upload(part.filename or "upload", await part.read())
    finally:
        await form.close()


def _plain(name: str) -> str:
    """Return the last part of a path, without control characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(char for char in last if char.isprintable())
    return kept[:_LONGEST_NAME] or "upload"
