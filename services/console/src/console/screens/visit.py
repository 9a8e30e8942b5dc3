"""A page request, as its screen sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from console.answers import Answer, Api, FileAnswer, Upload
from console.commands import Command
from console.conflicts import Say, Versions, is_conflict, now_and_typed
from console.forms import Fault, Typed, faults
from console.moments import Moments
from console.texts import Wording
from console.visitors import Visitor


@dataclass(frozen=True)
class Visit:
    """A request. `ids` are parts of the path, `query` the screen's parameters.

    `typed` and `refusal` are what somebody submitted and why it failed; a page shows both, so that nobody types
    anything twice. `key` is the command's idempotency key, which stays the same when the form appears again. `command`
    is the refused form and `sent` the address that received it.
    """

    visitor: Visitor
    calls: Api
    language: str
    say: Wording
    moments: Moments
    path: str
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    typed: Typed = field(default_factory=Typed)
    refusal: Answer | None = None
    key: str = field(default_factory=lambda: str(uuid4()))
    command: Command | None = None
    country: str = "VE"
    upload: Upload | None = None
    lacks_lists: bool = False
    sent: str = ""

    def asked(self, name: str) -> str:
        """Return a query parameter; empty if it is missing."""
        return next(iter(self.query.get(name, ())), "")

    def again(self, refusal: Answer | None = None) -> "Visit":
        """Return the same visit, so that the page appears again with its text."""
        return replace(self, refusal=refusal)

    def beside(
        self,
        now: Mapping[str, Any],
        names: Iterable[str],
        *,
        worded: Say | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Versions | None:
        """Return the stored and typed values of these fields after an edit conflict."""
        if not is_conflict(self.refusal):
            return None
        return now_and_typed(now, self.typed, names, self.say, worded=worded, labels=labels)

    def faults(self, names: tuple[str, ...], within: str = "") -> list[Fault]:
        body = self.refusal.body if self.refusal is not None else None
        return faults(body if isinstance(body, dict) else None, names, within=within)


@dataclass(frozen=True)
class Page:
    """A screen's response: a template, the key of its neutral title, and its values.

    `fields` are the names of the form's fields, used to place the errors; `within` is their prefix on a page with
    several forms. `labels` name fields that only this page knows. `address` is the page's own URL, if its form is sent
    elsewhere. `refusal` is why the requested content is not shown; it appears at the fields that request the content.
    `versions` are both versions after a conflict.
    """

    template: str
    title: str
    values: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    within: str = ""
    address: str = ""
    status: int = 200
    refusal: Answer | None = None
    versions: Versions | None = None


@dataclass(frozen=True)
class Download:
    """A file to download, with only codes in its name. With a `policy`, the browser displays the file under that
    content policy."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    policy: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """A redirect to the next page after success."""

    path: str


@dataclass(frozen=True)
class Refused:
    """The API refused the command: show the form again with its text and the reason."""

    answer: Answer


@dataclass(frozen=True)
class Again:
    """No command was sent yet: show the page for the typed values."""


Outcome = Page | Elsewhere | Refused | Again


NOT_THERE = Answer(404, {"code": "not_found"})
"""The API's answer for a missing item; pages give it themselves for items of a list."""


class NotShown(Exception):
    """The page cannot be shown; the API's response gives the reason."""

    def __init__(self, answer: Answer = NOT_THERE) -> None:
        super().__init__(answer.code)
        self.answer = answer


def downloaded(found: FileAnswer, name: str) -> Download:
    """Return a file from the API. Raise NotShown if the API refused it."""
    shown(found.answer)
    return Download(name, found.media_type, found.content)


def looked_at(found: FileAnswer, name: str) -> Download:
    """Return a file for the browser to display, under the API's policy; without a policy, block its content."""
    return replace(downloaded(found, name), policy=found.policy or "default-src 'none'")


def shown(answer: Answer) -> Any:
    """Return the body of a response that the page requires. Raise NotShown otherwise."""
    if not answer.ok:
        raise NotShown(answer)
    return answer.body


def one_of(listed: Answer, identifier: str) -> Any:
    """Return one item of a list, because the API cannot return a single item. Raise NotShown if it is missing."""
    shown(listed)
    for one in listed.items:
        if one["id"] == identifier:
            return one
    raise NotShown
