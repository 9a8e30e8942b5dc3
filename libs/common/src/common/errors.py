"""Problem details (RFC 9457) for every error response in Ruta. Each type is a row of `words/data/problems.csv`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.words.details import MOST_SHOWN, Detail
from common.words.tables import rows


@dataclass(frozen=True)
class FieldError:
    """One invalid part of a request. `pointer` is a JSON pointer (RFC 6901). `params` are values for the code, such as
    the largest allowed number, so that a page can use its own sentence. They never contain the value in the request.
    `said` is the row of `details.csv`, if `detail` has one."""

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
"""The most fields that a problem lists; nobody reads a thousand."""


class Problem(Exception):
    """An error raised anywhere below the API, which becomes an `application/problem+json` response. `said` is the row
    of `details.csv`; None for a text from elsewhere."""

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
        """Return the detail in `language`, if available."""
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
    """A problem type: its stable `code`, HTTP status, short title, and advice for clients."""

    code: str
    status: int
    title: str
    remedy: str = ""

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
        """Return the exception to raise. `code` names a row of `details.csv`. `params` fill its placeholders, and
        `extra` members are added to the body."""
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
        """Return the exception as `because` does, but with a text from elsewhere that has no code."""
        text = text[:MOST_SHOWN]
        if pointer is not None:
            errors = (FieldError(pointer, text, self.code), *errors)
        return Problem(self, text, errors=errors, headers=headers, extra=extra)

    def listing(self, errors: Sequence[FieldError], **extra: Any) -> Problem:
        """Return the exception as `because` does, but with errors in several places. The first one becomes the
        detail."""
        first = errors[0]
        return Problem(self, first.detail, said=first.said, errors=errors, extra=extra)


PROBLEMS: Mapping[str, ProblemType] = {
    row["code"]: ProblemType(row["code"], int(row["status"]), row["title_en"], row["remedy_en"])
    for row in rows("common.words", "data/problems")
}

BAD_REQUEST = PROBLEMS["bad_request"]
UNAUTHENTICATED = PROBLEMS["unauthenticated"]
STEP_UP = PROBLEMS["insufficient_user_authentication"]
FORBIDDEN = PROBLEMS["forbidden"]
CSRF = PROBLEMS["csrf"]
NOT_FOUND = PROBLEMS["not_found"]
METHOD_NOT_ALLOWED = PROBLEMS["method_not_allowed"]
NOT_ACCEPTABLE = PROBLEMS["not_acceptable"]
SECOND_PERSON = PROBLEMS["second_person_needed"]
CONFLICT = PROBLEMS["conflict"]
VERSION_CONFLICT = PROBLEMS["version_conflict"]
STALE = PROBLEMS["stale"]
PRECONDITION_REQUIRED = PROBLEMS["precondition_required"]
TOO_LARGE = PROBLEMS["too_large"]
UNSUPPORTED_MEDIA_TYPE = PROBLEMS["unsupported_media_type"]
UNKNOWN_PARAMETER = PROBLEMS["unknown_parameter"]
INVALID = PROBLEMS["invalid"]
TOO_MANY_REQUESTS = PROBLEMS["too_many_requests"]
INTERNAL = PROBLEMS["internal"]
UNAVAILABLE = PROBLEMS["unavailable"]
IDEMPOTENCY_KEY_MISSING = PROBLEMS["idempotency_key_missing"]
IDEMPOTENCY_KEY_INVALID = PROBLEMS["idempotency_key_invalid"]
IDEMPOTENCY_KEY_REUSED = PROBLEMS["idempotency_key_reused"]
IDEMPOTENCY_IN_FLIGHT = PROBLEMS["idempotency_in_flight"]
ANSWER_GONE = PROBLEMS["answer_gone"]
BAD_CURSOR = PROBLEMS["bad_cursor"]


def unknown_parameter(name: str, known: Iterable[str], **extra: Any) -> Problem:
    """Refuse an unknown filter, because the unfiltered response would look filtered."""
    shown, names = name[:60], ", ".join(sorted(known)) or "none"
    detail = f"no such parameter; known: {names}"
    return UNKNOWN_PARAMETER.saying(
        f"{shown}: {detail}", errors=[FieldError(f"/{shown}", detail)], **extra
    )
