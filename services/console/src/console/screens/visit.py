"""One request for a page, as its screen sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from console.answers import Answer, Api, FileAnswer, Upload
from console.commands import Command
from console.conflicts import Say, Versions, is_conflict, now_and_typed
from console.forms import Fault, Typed, faults
from console.moments import Moments
from console.visitors import Visitor
from console.wording import Wording


@dataclass(frozen=True)
class Visit:
    """`ids` are the parts of the path, `query` the parameters that the screen knows. `typed` and `refusal`
    are what somebody sent and why it was not done: a page shows both, so that nothing is typed twice.
    `key` is the command's idempotency key: the same in a form that is shown again. `command`: which of the
    page's forms was refused, `sent`: the address that it was sent to."""

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
        """A parameter of the address, empty if it is not there."""
        return next(iter(self.query.get(name, ())), "")

    def again(self, refusal: Answer | None = None) -> "Visit":
        """The same visit, to show the page again with its text."""
        return replace(self, refusal=refusal)

    def beside(
        self,
        now: Mapping[str, Any],
        names: Iterable[str],
        *,
        worded: Say | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Versions | None:
        """Stored and typed values of these fields, if somebody else was faster."""
        if not is_conflict(self.refusal):
            return None
        return now_and_typed(now, self.typed, names, self.say, worded=worded, labels=labels)

    def faults(self, names: tuple[str, ...], within: str = "") -> list[Fault]:
        body = self.refusal.body if self.refusal is not None else None
        return faults(body if isinstance(body, dict) else None, names, within=within)


@dataclass(frozen=True)
class Page:
    """What a screen answers: a template, the key of its neutral title, and what the template shows.

    `labels`: what fields are called whose names only this page knows. `fields`: names of its form, by which errors find their place; `within`: what they begin with where
    a page has several forms. `address`: where the page itself is, if a form of it is sent elsewhere.
    `refusal`: why what the address asks for is not shown, at the fields that ask for it. `versions`: both, where
    somebody else was faster."""

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
    """A file to keep. Its name holds codes only. `policy`: it is looked at, under its own policy."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    policy: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """The next page, after something was done."""

    path: str


@dataclass(frozen=True)
class Refused:
    """The command was refused: show the form again with its text and the reason."""

    answer: Answer


@dataclass(frozen=True)
class Again:
    """No command yet: show the page for the typed values."""


Outcome = Page | Elsewhere | Refused | Again


NOT_THERE = Answer(404, {"code": "not_found"})
"""What the API says of a single thing; of what is read from a list, the page says it itself."""


class NotShown(Exception):
    """The page cannot be shown: the API's answer says why."""

    def __init__(self, answer: Answer = NOT_THERE) -> None:
        super().__init__(answer.code)
        self.answer = answer


def downloaded(found: FileAnswer, name: str) -> Download:
    """A file of the API; NotShown where it was refused."""
    shown(found.answer)
    return Download(name, found.media_type, found.content)


def looked_at(found: FileAnswer, name: str) -> Download:
    """The same, to be looked at in the browser: under the policy that the API gave it, or not at all."""
    return replace(downloaded(found, name), policy=found.policy or "default-src 'none'")


def shown(answer: Answer) -> Any:
    """The body of an answer without which there is no page; NotShown else."""
    if not answer.ok:
        raise NotShown(answer)
    return answer.body


def one_of(listed: Answer, identifier: str) -> Any:
    """One of a list, where there is no asking for one alone; NotShown if it is not there."""
    shown(listed)
    for one in listed.items:
        if one["id"] == identifier:
            return one
    raise NotShown
