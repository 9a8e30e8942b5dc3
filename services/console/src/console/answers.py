"""API responses, and the interface for API calls. Pure; `calls` sends the requests."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Upload:
    """A file that a visitor chose."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """An API response. `body` is its JSON, or None if empty. `version` is its ETag, which an update must include."""

    status: int
    body: Any
    request_id: str = ""
    version: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def answered(self) -> bool:
        """Return whether the API responded, even with a refusal. Otherwise nothing is known, not even that a list is
        empty."""
        return self.status < 500 and self.status not in {401, 408, 429}

    @property
    def code(self) -> str:
        """Return the stable error code of a refusal; empty for other responses."""
        if self.ok or not isinstance(self.body, dict):
            return ""
        return str(self.body.get("code", ""))

    @property
    def items(self) -> list[Any]:
        """Return the items of a list or page; empty without a response."""
        found = self.body
        if isinstance(found, dict):
            found = found.get("items", found.get("contents"))
        return found if self.ok and isinstance(found, list) else []


def no_file() -> Answer:
    """Return the refusal for a form that lacks its required file."""
    errors = [{"pointer": "/file", "code": "missing", "detail": "No file was chosen."}]
    return Answer(422, {"code": "invalid", "errors": errors})


@dataclass(frozen=True)
class FileAnswer:
    """A file from the API, or the API's error response."""

    answer: Answer
    content: bytes = field(default=b"", repr=False)
    media_type: str = ""
    policy: str = ""
    """The file's content security policy, which limits what a browser may do with it."""


class Api(Protocol):
    """The API as one person calls it, in that person's language."""

    @property
    def request_id(self) -> str: ...

    @property
    def missed(self) -> bool:
        """Return whether any call so far got no response (see `Answer.answered`)."""
        ...

    async def get(self, path: str, **params: Any) -> Answer: ...

    async def get_as_nobody(self, path: str) -> Answer:
        """Fetch without a signed-in account, for data that only anonymous visitors may see."""
        ...

    async def post(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        """Send a command. `key` is its `Idempotency-Key`: resubmitting the form has no second effect."""
        ...

    async def batch(self, commands: Sequence[Mapping[str, Any]], *, answer: int = 0) -> Answer:
        """Send the commands of one form, all or none. Return the response to the refused command, or else the response
        at index `answer`."""
        ...

    async def put(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer:
        """Replace a record. `version` is the version that the form shows (`If-Match`); the API refuses if the record
        has changed."""
        ...

    async def patch(
        self, path: str, body: Any, *, key: str | None = None, version: str | None = None
    ) -> Answer: ...

    async def delete(
        self, path: str, *, key: str | None = None, version: str | None = None
    ) -> Answer: ...

    async def upload(
        self, path: str, content: bytes, *, key: str | None = None, **params: Any
    ) -> Answer: ...

    async def upload_form(
        self,
        path: str,
        upload: Upload,
        fields: Mapping[str, str] | None = None,
        *,
        key: str | None = None,
        **params: Any,
    ) -> Answer:
        """Send a file and further fields as a multipart form, for endpoints that require one."""
        ...

    async def file(self, path: str, **params: Any) -> FileAnswer: ...

    async def send(
        self, method: str, path: str, body: Any, *, key: str | None = None
    ) -> Answer: ...


AT_ONCE = 4


async def together(*calls: Awaitable[Answer]) -> list[Answer]:
    """Run calls concurrently, at most four at once, so that a page waits only for its slowest call."""
    if len(calls) > AT_ONCE:
        raise ValueError("a page makes at most four calls at once")
    return list(await asyncio.gather(*calls))
