"""How clients, people and organisations are answered: in pages, and each under the version that a change
must name."""

from typing import Annotated, Any

from common.http import IfMatch, check_if_match, etag_of
from common.paging import CursorText, keys_in
from fastapi import Depends, Response

Row = Any
"""A mapping of one record with its `version`."""


async def _after(cursor: CursorText = None) -> str | None:
    (after,) = keys_in(cursor, str) or (None,)
    return after


After = Annotated[str | None, Depends(_after)]
"""What the page before ended with; None for the first."""


class Answer:
    """The answer's headers about one record."""

    def __init__(self, response: Response) -> None:
        self._headers = response.headers

    def of(self, row: Row) -> Row:
        """The row, whose version is in the ETag."""
        self._headers["ETag"] = etag_of(row["version"])
        return row

    def made(self, row: Row, collection: str) -> Row:
        """The row of a new record, and where it is from now on."""
        self._headers["Location"] = f"{collection}/{row['id']}"
        return self.of(row)

    def once(self, row: Row) -> Row:
        """The row, beside a secret that is shown once and kept nowhere on the way."""
        self._headers["Cache-Control"] = "no-store"
        return self.of(row)


async def _answer(response: Response) -> Answer:
    return Answer(response)


class Change:
    """A change of the version that the caller has read."""

    def __init__(self, if_match: str | None) -> None:
        self._if_match = if_match

    def of(self, row: Row) -> Row:
        """The row; 412 if another version was read, 428 if none."""
        check_if_match(self._if_match, etag_of(row["version"]))
        return row


async def _change(if_match: IfMatch = None) -> Change:
    return Change(if_match)


Answered = Annotated[Answer, Depends(_answer)]
Changing = Annotated[Change, Depends(_change)]
