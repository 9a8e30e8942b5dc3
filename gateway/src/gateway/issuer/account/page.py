"""HTML of the account pages, in Spanish and English. `texts.json` contains the texts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import segno
from common.http import drawn

from gateway.issuer.changes.sentences import moment as _moment
from gateway.issuer.changes.sentences import parts, told
from gateway.issuer.people.factors import provisioning_uri
from gateway.issuer.people.own_service import Changes, News
from gateway.issuer.secrets import LONGEST_PASSWORD, SHORTEST_PASSWORD

Token = Callable[[str], str]
"""Returns the CSRF token of a form, from the path to which it posts."""


def account_page(
    *,
    language: str,
    csrf: Token,
    person: Any,
    codes: Sequence[Any],
    passkeys: int,
    sign_ins: Sequence[Any],
    recent: Sequence[Any],
    unread: News,
    last: Changes,
    own: str | None,
    fresh: str | None,
    error: str | None,
    done: str | None,
) -> str:
    """Return the account page. `passkeys` is their number, `sign_ins` contains the active sign-ins, `recent` contains
    those of the last weeks, and `own` is the id of the current one. `fresh` is the address of a new sign-in, which
    changes of credentials need; None if the sign-in is recent. `error` and `done` are keys of texts."""
    used = [code["used_at"] for code in codes if code["used_at"] is not None]
    return _page(
        "account",
        language,
        csrf=csrf,
        person=person,
        codes=len(codes),
        passkeys=passkeys,
        left=len(codes) - len(used),
        used=[_moment(at, language) for at in used],
        sign_ins=[
            {
                "id": row["id"],
                "through": row["client_id"],
                "since": _moment(row["signed_in_at"], language),
                "is_own": own is not None and row["id"] == UUID(own),
            }
            for row in sign_ins
        ],
        recent=[
            (_moment(row["signed_in_at"], language), row["client_id"], row["factor"])
            for row in recent
        ],
        news=told(unread.lines, unread.names, language),
        parts=parts(last[0], last[1], language),
        fresh=fresh,
        error=error,
        done=done,
        least=SHORTEST_PASSWORD,
        most=LONGEST_PASSWORD,
    )


def enrolment_page(
    *, language: str, csrf: Token, ticket: str, secret: str, uri: str, error: str | None
) -> str:
    """Return the page with the QR code for a new second factor and the field for its first code."""
    return _page(
        "enrolment",
        language,
        csrf=csrf,
        ticket=ticket,
        **_scanned(secret, uri),
        error=error,
    )


def invitation_page(
    *,
    language: str,
    person: Any | None = None,
    ticket: str = "",
    secret: str = "",
    error: str | None = None,
    accepted: bool = False,
) -> str:
    """Return the page of an invitation: the form, the next step once `accepted`, or without a `person` why the link does
    not work."""
    uri = provisioning_uri(secret, person["sign_in_name"]) if person and secret else ""
    return _page(
        "invitation",
        language,
        person=person,
        until=_moment(person["invited_until"], language) if person else "",
        ticket=ticket,
        **_scanned(secret, uri),
        error=error,
        accepted=accepted,
        least=SHORTEST_PASSWORD,
        most=LONGEST_PASSWORD,
    )


def _scanned(secret: str, uri: str) -> dict[str, str]:
    """Return the second factor as a QR code, as a link, and in groups of four letters for entering it by hand."""
    return {
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "uri": uri,
        "qr": segno.make(uri, error="m").svg_inline(scale=4, border=4) if uri else "",
    }


def passkeys_page(
    *,
    language: str,
    csrf: Token,
    keys: Sequence[Any],
    offered: bool,
    fresh: str | None,
    adding: Mapping[str, Any] | None,
    most_name: int,
    error: str | None,
    done: str | None,
) -> str:
    """Return the passkey page. `fresh` is the address of a new sign-in, or None if the sign-in is recent. `adding`
    contains the values of the form that adds a passkey."""
    return _page(
        "passkeys",
        language,
        csrf=csrf,
        keys=[
            {
                "id": key["id"],
                "name": key["name"],
                "made": _moment(key["made_at"], language),
                "used": _moment(key["used_at"], language) if key["used_at"] else None,
            }
            for key in keys
        ],
        offered=offered,
        fresh=fresh,
        adding=adding,
        most_name=most_name,
        error=error,
        done=done,
    )


def again_page(
    *, language: str, action: str, hidden: Mapping[str, str], name: str, path: str
) -> str:
    """Return a page that resends a form which arrived after the session ended. Ruta does not store the form. The
    sign-in leads back to `path`."""
    return _page("again", language, action=action, hidden=hidden, name=name, path=path, error=None)


def codes_page(language: str, codes: Sequence[str]) -> str:
    return _page("codes", language, codes=codes, error=None)


def _page(template: str, language: str, **values: Any) -> str:
    return drawn("gateway.issuer.account", f"{template}.html", language, **values)
