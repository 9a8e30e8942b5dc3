"""Problem details (RFC 9457): every way in which Ruta says no.

A `ProblemType` is declared once as a module constant; the catalogue in the partner guide is made
from all declared types.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.words.details import MOST_SHOWN, Detail

CATALOGUE: dict[str, "ProblemType"] = {}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one part of the request; `pointer` is a JSON pointer (RFC 6901). `params`: what the
    code speaks of, such as the most that is taken, so that whoever shows it says it in words of their own; never
    what was sent. `said`: the row of `details.csv` that `detail` is, if it is one."""

    pointer: str
    detail: str
    code: str = "invalid"
    params: Mapping[str, int | float | str] = field(default_factory=dict)
    said: Detail | None = None

    @classmethod
    def of(cls, pointer: str, detail: Detail, code: str = "invalid") -> "FieldError":
        return cls(pointer, detail.text(), code, said=detail)

    def body(self) -> dict[str, Any]:
        said = {
            "pointer": self.pointer,
            "detail": self.detail[:MOST_SHOWN],
            "code": self.code,
            **(self.said.body() if self.said else {}),
        }
        return {**said, "params": dict(self.params)} if self.params else said


MOST_ERRORS = 50
"""A problem tells of so many fields at most: who sent a thousand wrong ones reads no more of them."""


class Problem(Exception):
    """Raised anywhere below the API; becomes an `application/problem+json` answer. `said`: the row of `details.csv`;
    None for a text from elsewhere."""

    def __init__(
        self,
        kind: "ProblemType",
        detail: str,
        *,
        said: Detail | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.said = said
        self.errors = tuple(errors[:MOST_ERRORS])
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def in_(self, language: str) -> str:
        """The detail in a language, if it has a sentence there."""
        return self.said.text(language) if self.said else self.detail

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"urn:ruta:problem:{self.kind.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.kind.code,
            "detail": self.detail,
            **(self.said.body() if self.said else {}),
            **self.extra,
        }
        if self.errors:
            body["errors"] = [e.body() for e in self.errors]
            if len(self.errors) == 1:
                body["pointer"] = self.errors[0].pointer
        return body


@dataclass(frozen=True)
class ProblemType:
    """A stable `code`, its HTTP status, a short title and what a client should do about it."""

    code: str
    status: int
    title: str
    remedy: str = ""

    def __post_init__(self) -> None:
        known = CATALOGUE.setdefault(self.code, self)
        if known != self:
            raise ValueError(f"problem code {self.code!r} is declared twice with different meaning")

    def because(
        self,
        code: str | Detail,
        /,
        *params: object,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> Problem:
        """The exception to raise: `code` of a row in `details.csv`, and what is filled in there. `extra` members are
        added to the body as they are."""
        said = code if isinstance(code, Detail) else Detail.of(code, *params)
        if pointer is not None:
            errors = (FieldError.of(pointer, said, self.code), *errors)
        return Problem(self, said.text(), said=said, errors=errors, headers=headers, extra=extra)

    def saying(
        self,
        text: str,
        /,
        *,
        pointer: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> Problem:
        """The same with a text from elsewhere, which has no code."""
        text = text[:MOST_SHOWN]
        if pointer is not None:
            errors = (FieldError(pointer, text, self.code), *errors)
        return Problem(self, text, errors=errors, headers=headers, extra=extra)

    def listing(self, errors: Sequence[FieldError], **extra: Any) -> Problem:
        """The same for what is wrong in several places: the first one is said."""
        first = errors[0]
        return Problem(self, first.detail, said=first.said, errors=errors, extra=extra)


BAD_REQUEST = ProblemType("bad_request", 400, "The request cannot be read")
UNAUTHENTICATED = ProblemType(
    "unauthenticated",
    401,
    "A valid access token is needed",
    "Get a token at /oauth/token and send it as 'Authorization: Bearer …'.",
)
STEP_UP = ProblemType(
    "insufficient_user_authentication",
    401,
    "This needs a recent sign-in",
    "Nothing was changed. Sign in again (a browser at /session/start?fresh=true) and repeat it within"
    " the seconds of max_age.",
)
FORBIDDEN = ProblemType(
    "forbidden",
    403,
    "Your client may not do this",
    "Ask your IM team for the scope or role that the detail names.",
)
CSRF = ProblemType(
    "csrf",
    403,
    "This request did not come from Ruta's own pages",
    "Send the X-CSRF-Token that GET /session gave you, from the same site.",
)
NOT_FOUND = ProblemType(
    "not_found",
    404,
    "There is nothing here that you may see",
    "Check the id. An entry of another organisation gives the same answer.",
)
METHOD_NOT_ALLOWED = ProblemType("method_not_allowed", 405, "This method is not offered here")
SECOND_PERSON = ProblemType(
    "second_person_needed", 403, "Somebody other than the requester has to decide this"
)
CONFLICT = ProblemType("conflict", 409, "The present state does not allow this")
VERSION_CONFLICT = ProblemType(
    "version_conflict", 409, "It was changed since you read it", "Read it again, then decide again."
)
STALE = ProblemType(
    "stale",
    412,
    "It was changed since you read it",
    "Read it again, apply your change to what you find, send it with the new ETag.",
)
PRECONDITION_REQUIRED = ProblemType(
    "precondition_required", 428, "Say which version you are changing (If-Match)"
)
TOO_LARGE = ProblemType("too_large", 413, "The body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported_media_type", 415, "This content type is not read here"
)
UNKNOWN_PARAMETER = ProblemType(
    "unknown_parameter",
    422,
    "A parameter or its value is not known",
    "The detail names those that are.",
)
INVALID = ProblemType(
    "invalid", 422, "Some of the data is not valid", "Each error points to its place."
)
TOO_MANY_REQUESTS = ProblemType(
    "too_many_requests", 429, "Too many requests", "Wait as long as Retry-After says."
)
INTERNAL = ProblemType(
    "internal", 500, "Ruta made a mistake", "Tell the IM team the request id; nothing was changed."
)
UNAVAILABLE = ProblemType(
    "unavailable",
    503,
    "A part that this needs is not available now",
    "Repeat after Retry-After with the same Idempotency-Key.",
)
IDEMPOTENCY_KEY_MISSING = ProblemType(
    "idempotency_key_missing",
    400,
    "Idempotency-Key is needed here",
    "Send a new random key with each new command and the same key when you repeat it.",
)
IDEMPOTENCY_KEY_INVALID = ProblemType(
    "idempotency_key_invalid", 400, "Idempotency-Key is not well formed"
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    "idempotency_key_reused",
    422,
    "This Idempotency-Key was used for a different request",
    "Use a new key for a new command.",
)
IDEMPOTENCY_IN_FLIGHT = ProblemType(
    "idempotency_in_flight",
    409,
    "The first request with this key is still being worked on",
    "Repeat after Retry-After with the same key.",
)
ANSWER_GONE = ProblemType(
    "answer_gone",
    410,
    "The answer to this command is no longer kept",
    "Do not send it again with another key. Read what it changed, or find it in the lists.",
)
BAD_CURSOR = ProblemType(
    "bad_cursor", 400, "This cursor was not given by Ruta", "Start again without a cursor."
)


def unknown_parameter(name: str, known: Iterable[str], **extra: Any) -> Problem:
    """A filter that nobody knows would give everything, and be taken for what was asked."""
    shown, names = name[:60], ", ".join(sorted(known)) or "none"
    detail = f"no such parameter; known: {names}"
    return UNKNOWN_PARAMETER.saying(
        f"{shown}: {detail}", errors=[FieldError(f"/{shown}", detail)], **extra
    )
