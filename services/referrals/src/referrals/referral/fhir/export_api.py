"""HTTP routes for the bulk export (FHIR Bulk Data Access 2.0) of everything that the caller could find by searching.

Nothing is stored between requests: the status URL contains the query, and each file is read again.
"""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from common import clock
from common.auth import Principal
from common.auth.smart import ANY, covers
from common.errors import BAD_REQUEST
from common.http import Session, answered_as, check_fhir, router
from fastapi import Query, Request, Response

from referrals.errors import SEARCH_NOT_UNDERSTOOD
from referrals.ground.dependencies import ServiceSettingsOf
from referrals.referral.fhir import queries
from referrals.referral.fhir.parameters import KINDS, MOST, Condition, Search, Within
from referrals.referral.fhir.replies import PREFIX, as_json, base_of, reads
from referrals.referral.fhir.search_api import resources_of
from referrals.referral.referrals.schemas import Moment

fhir_export = router(PREFIX, ["fhir"])
NDJSON = "application/fhir+ndjson"
MOST_LINES = 10 * MOST
_ASYNCHRONOUS = "Prefer: respond-async"
_TYPES = f"Some of {', '.join(KINDS)}, with commas between; absent: all that your token allows."
Exporter = Annotated[Principal, reads(ANY, "s")]
Types = Annotated[str | None, Query(alias="_type", max_length=200, description=_TYPES)]
Since = Annotated[
    Moment | None,
    Query(alias="_since", description="Only what changed since; what has no date comes whole."),
]
Format = Annotated[
    str | None, Query(alias="_outputFormat", max_length=60, description=f"Only `{NDJSON}`.")
]


@fhir_export.get("/$export", status_code=202, response_class=Response)
async def begin_export(
    request: Request,
    caller: Exporter,
    settings: ServiceSettingsOf,
    types: Types = None,
    since: Since = None,
    output: Format = None,
) -> Response:
    """Begin an export of what you could find by searching. `Content-Location` names its files."""
    _asked(caller, types)
    if "respond-async" not in request.headers.get("prefer", "").lower():
        raise BAD_REQUEST.because("export_is_asynchronous", _ASYNCHRONOUS)
    if output not in (None, NDJSON, "application/ndjson", "ndjson"):
        raise _refused("_outputFormat", f"only {NDJSON}")
    asked = {"_type": types, "_since": _text(since), "at": _text(clock.now())}
    status = f"{base_of(settings)}/$export-status?{_query(asked)}"
    return Response(status_code=202, headers={"Content-Location": status})


@fhir_export.get("/$export-status", **answered_as("application/json"))
async def read_export_status(
    session: Session,
    caller: Exporter,
    settings: ServiceSettingsOf,
    at: Moment,
    types: Types = None,
    since: Since = None,
) -> Response:
    """The files of an export; an empty kind has none."""
    base, output = base_of(settings), []
    for name in _asked(caller, types):
        search = _search(name, since, None)
        for count, after in await queries.parts(session, caller, KINDS[name], search, MOST_LINES):
            asked = {"_since": _text(since), "cursor": after}
            url = f"{base}/$export-file/{name}?{_query(asked)}".rstrip("?")
            output.append({"type": name, "url": url, "count": count})
    manifest = {
        "transactionTime": _text(at),
        "request": f"{base}/$export",
        "requiresAccessToken": True,
        "output": output,
        "error": [],
    }
    return Response(orjson.dumps(manifest), media_type="application/json")


@fhir_export.get("/$export-file/{kind}", **answered_as(NDJSON))
async def read_export_file(
    kind: str,
    session: Session,
    caller: Exporter,
    since: Since = None,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Response:
    """One file: a resource in each line, as a search shows it now."""
    if kind not in KINDS:
        raise _refused("_type", _TYPES)
    check_fhir(caller, kind, "s")
    now, lines = clock.now(), list[bytes]()
    while len(lines) < MOST_LINES:
        search = _search(kind, since, cursor)
        found = await queries.find(session, caller, KINDS[kind], search, now)
        lines += map(as_json, await resources_of(kind, session, caller, found.rows, now))
        cursor = found.following
        if cursor is None:
            break
    return Response(b"".join(line + b"\n" for line in lines), media_type=NDJSON)


def _asked(caller: Principal, types: str | None) -> list[str]:
    """Return the requested kinds, or else all kinds that the token allows."""
    if types is None:
        return [name for name in KINDS if covers(caller.scopes, name, "s")]
    asked = types.split(",")
    if unknown := [name[:60] for name in asked if name not in KINDS]:
        raise _refused("_type", f"no {unknown[0]}. {_TYPES}")
    for name in asked:
        check_fhir(caller, name, "s")
    return list(dict.fromkeys(asked))


def _search(name: str, since: datetime | None, cursor: str | None) -> Search:
    changed = KINDS[name].parameters.get("_lastUpdated")
    spans = (Within(low=since),) if since is not None else ()
    conditions = (Condition(changed.column, spans=spans),) if changed and spans else ()
    return Search(conditions, descending=False, count=MOST, totals=False, cursor=cursor)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _query(asked: dict[str, str | None]) -> str:
    return urlencode({name: value for name, value in asked.items() if value is not None})


def _refused(name: str, says: str) -> Any:
    return SEARCH_NOT_UNDERSTOOD.saying(f"{name}: {says}", pointer=f"/query/{name}")
