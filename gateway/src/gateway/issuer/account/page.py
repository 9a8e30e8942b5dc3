"""How the account page looks, in Spanish and English; what it says is in `texts.json`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

import segno
from common.languages import next_language
from common.look import PAGE_STYLE
from common.web import day_in_words
from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.issuer.people.passwords import LEAST, MOST

_ENVIRONMENT = Environment(
    loader=PackageLoader("gateway.issuer.account"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def account_page(
    *,
    language: str,
    csrf: str,
    person: Any,
    codes: Sequence[Any],
    passkeys: int,
    sign_ins: Sequence[Any],
    own: str | None,
    error: str | None,
    done: str | None,
) -> str:
    """`passkeys`: how many. `own`: the id of the sign-in that asks. `error`, `done`: names of texts."""
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
        error=error,
        done=done,
        least=LEAST,
        most=MOST,
    )


def enrolment_page(
    *, language: str, csrf: str, ticket: str, secret: str, uri: str, error: str | None
) -> str:
    """The QR code of a second factor, and the field for a code of it. `secret` for who types it."""
    return _page(
        "enrolment",
        language,
        csrf=csrf,
        ticket=ticket,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        uri=uri,
        qr=segno.make(uri, error="m").svg_inline(scale=4, border=4),
        error=error,
    )


def passkeys_page(
    *,
    language: str,
    csrf: str,
    keys: Sequence[Any],
    offered: bool,
    fresh: str | None,
    adding: Mapping[str, Any] | None,
    most_name: int,
    error: str | None,
    done: str | None,
) -> str:
    """`fresh`: where to sign in again first; None if that was a moment ago. `adding`: what the form needs
    that adds one."""
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


def codes_page(language: str, codes: Sequence[str]) -> str:
    return _page("codes", language, codes=codes, error=None)


def _page(name: str, language: str, **values: Any) -> str:
    return _ENVIRONMENT.get_template(f"{name}.html").render(
        t=texts()[language],
        language=language,
        other=next_language(language),
        style=PAGE_STYLE,
        **values,
    )


def _moment(at: datetime, language: str) -> str:
    moment = at.astimezone(UTC)
    return f"{day_in_words(moment.date(), language)}, {moment:%H:%M} UTC"


@cache
def texts() -> dict[str, dict[str, str]]:
    text = files("gateway.issuer.account").joinpath("texts.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str]] = json.loads(text)
    return loaded
