"""`If-Match` (RFC 9110 §13.1.1): two editors must not overwrite each other."""

from typing import Annotated

from fastapi import Header

from common.errors import PRECONDITION_REQUIRED, STALE

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=200, description="ETag of what you read.")
]


def etag_of(version: int | str) -> str:
    return f'"{version}"'


def check_if_match(if_match: str | None, current: str) -> None:
    """Raise 428 if the header is missing, and 412 if none of its tags equals `current` (a quoted ETag)."""
    if if_match is None:
        raise PRECONDITION_REQUIRED.because("read_entry_first_and_send_its_etag")
    tags = {tag.strip() for tag in if_match.split(",")}
    if "*" not in tags and current not in tags:
        raise STALE.because("entry_has_changed_read_it_again", headers={"ETag": current})
