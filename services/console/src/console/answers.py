"""Answers of the API, and the calls by which a page asks. Pure: `calls` does the asking."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Upload:
    """The file that somebody chose."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """An answer of the API: `body` is its JSON, None without one; `version` is its ETag, which a change must name."""

    status: int
    body: Any
    request_id: str = ""
    version: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def answered(self) -> bool:
        """Whether the API answered, if only that the visitor may not know. Otherwise nothing is known, not even that
        a list is empty."""
        return self.status < 500 and self.status not in {401, 408, 429}

    @property
    def code(self) -> str:
        """The stable code of a refusal; empty where it is none."""
        if self.ok or not isinstance(self.body, dict):
            return ""
        return str(self.body.get("code", ""))

    @property
    def items(self) -> list[Any]:
        """The items of a list or of a page of one; empty without an answer."""
        found = self.body
        if isinstance(found, dict):
            found = found.get("items", found.get("contents"))
        return found if self.ok and isinstance(found, list) else []


@dataclass(frozen=True)
class FileAnswer:
    """A file that the API gave, or its refusal."""

    answer: Answer
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""
    policy: str = ""
    """Its content security policy: what a browser that shows it may do."""


class Api(Protocol):
    """The API as one person calls it, in the language that they read."""

    @property
    def request_id(self) -> str: ...

    @property
    def missed(self) -> bool:
        """Whether anything that was asked for until now was not answered (see `Answer.answered`)."""
        ...

    async def get(self, path: str, **params: Any) -> Answer: ...

    async def get_as_nobody(self, path: str) -> Answer:
        """Fetch as a person without an account; for nobody who has one."""
        ...

    async def post(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        """`key`: its `Idempotency-Key`: the same form sent again has no second effect."""
        ...

    async def batch(self, commands: Sequence[Mapping[str, Any]], *, answer: int = 0) -> Answer:
        """Commands of one form, all or none; the answer is that of the one that was refused, else of the one at
        the place `answer`."""
        ...

    async def put(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        """`version`: the version that this changes (`If-Match`): refused if somebody was faster."""
        ...

    async def patch(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer: ...

    async def delete(self, path: str, *, key: str | None = None) -> Answer: ...

    async def upload(
        self, path: str, content: bytes, *, key: str | None = None, **params: Any
    ) -> Answer:
        """The bytes of a file."""
        ...

    async def upload_form(
        self,
        path: str,
        upload: Upload,
        fields: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
        **params: Any,
    ) -> Answer:
        """A file in a form, where the API wants one, with what stands beside it."""
        ...

    async def file(self, path: str, **params: Any) -> FileAnswer: ...

    async def send(
        self, method: str, path: str, body: Any, *, key: str | None = None
    ) -> Answer: ...


AT_ONCE = 4


async def together(*calls: Awaitable[Answer]) -> list[Answer]:
    """All at once: a page waits for its slowest call only. At most four, or a page asks too much."""
    if len(calls) > AT_ONCE:
        raise ValueError("a page makes at most four calls at once")
    return list(await asyncio.gather(*calls))
