"""The operations that ignore unknown parameters, each with its reason. Both tests that call all operations share the
list."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

UNKNOWN = "nobody_knows_it"

_PAGE = "people come to it by a link, which a messenger or a mailer may have made longer"
_FORM = "a form of such a page, which a browser may send to that link"
_OAUTH = "RFC 6749, 3.1 and 3.2: unrecognized parameters are ignored"
_FOUND = "looked up by the libraries of others, in their own ways"
_CALLED = "called by a system of others, to which nobody here can say how"

LEFT_ALONE: Mapping[tuple[str, str], str] = {
    ("get", "/directory/v1/help"): _PAGE,
    ("post", "/directory/v1/help"): _FORM,
    ("get", "/directory/v1/gaps/page"): _PAGE,
    ("get", "/directory/v1/posters"): _PAGE,
    ("get", "/directory/v1/posters/{area}/{aor}"): _PAGE,
    ("get", "/directory/v1/risk-messages/page"): _PAGE,
    ("get", "/directory/v1/risk-messages/snippet"): _PAGE,
    ("post", "/directory/v1/help/sms"): _CALLED,
    ("get", "/referrals/v1/line"): _PAGE,
    ("post", "/referrals/v1/line"): _FORM,
    ("get", "/referrals/v1/line/thread"): _PAGE,
    ("post", "/referrals/v1/line/thread"): _FORM,
    ("get", "/referrals/v1/withdraw"): _PAGE,
    ("post", "/referrals/v1/withdraw"): _FORM,
    ("get", "/referrals/v1/answer/{token}"): _PAGE,
    ("post", "/referrals/v1/answer/{token}"): _FORM,
    ("get", "/account/invitations/{token}"): _PAGE,
    ("post", "/account/invitations/{token}"): _FORM,
    ("post", "/referrals/v1/intake/forms/{form_id}/submissions"): _CALLED,
    ("get", "/reports/v1/bulletins/page"): _PAGE,
    ("get", "/reports/v1/bulletins/{bulletin_id}/files/{language}/{name}"): _PAGE,
    ("get", "/reports/v1/exports/page"): _PAGE,
    ("get", "/reports/v1/subscriptions"): _PAGE,
    ("post", "/reports/v1/subscriptions"): _FORM,
    ("get", "/reports/v1/subscriptions/confirm"): _PAGE,
    ("post", "/reports/v1/subscriptions/confirm"): _FORM,
    ("get", "/reports/v1/subscriptions/leave"): _PAGE,
    ("post", "/reports/v1/subscriptions/leave"): _FORM,
    ("get", "/.well-known/jwks.json"): _FOUND,
    ("get", "/.well-known/openid-configuration"): _FOUND,
    ("get", "/.well-known/oauth-authorization-server"): _FOUND,
    ("get", "/oauth/authorize"): _OAUTH,
    ("post", "/oauth/authorize"): _OAUTH,
    ("post", "/oauth/token"): _OAUTH,
    ("post", "/oauth/revoke"): _OAUTH,
}

SEEN_FIRST = {
    ("get", "/reports/v1/exports/counts"),
    ("get", "/reports/v1/programmes/{programme_id}/query"),
    ("get", "/reports/v1/releases/{release_id}/query"),
}
"""What of a release is a parameter, its dimensions say: these refuse once they have looked for it."""

# One plausible value for each path parameter that is not an id.
_VALUES = {
    "aor": "GBV",
    "area": "VE23",
    "language": "es",
    "period": "2026-11",
    "number": "1",
    "programme_id": "referrals",
}


def target(path: str) -> str:
    """Return the path with a value for each parameter; no record has these ids."""
    return "/".join(_value(part) if part.startswith("{") else part for part in path.split("/"))


def _value(part: str) -> str:
    name, _, rest = part[1:].partition("}")
    return _VALUES.get(name, str(UUID(int=1))) + rest


def asked_of(parameters: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the operation's required query parameters and one unknown parameter, so that the unknown one is the only
    mistake."""
    needed = {each["name"]: _example(each) for each in parameters if _is_asked(each)}
    return {**needed, UNKNOWN: "1"}


def unnamed(parameters: Iterable[Mapping[str, Any]], text: str) -> list[str]:
    """Return the known and unknown parameters that a refusal does not name."""
    known = [each["name"] for each in parameters if each["in"] == "query"]
    return [name for name in (UNKNOWN, *known) if name not in text]


def _is_asked(parameter: Mapping[str, Any]) -> bool:
    return parameter["in"] == "query" and bool(parameter.get("required"))


def _example(parameter: Mapping[str, Any]) -> str:
    given = parameter.get("examples") or parameter.get("schema", {}).get("examples") or ["1"]
    if isinstance(given, Mapping):
        return str(next(iter(given.values()))["value"])
    return str(given[0])
