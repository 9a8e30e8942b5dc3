"""Consent pages: content, withdrawal, and the slip with the withdrawal code."""

from collections.abc import Mapping
from typing import Any

from console.codes import Codes
from console.forms import body
from console.screens.routing import Screens
from console.screens.visit import Outcome, Page, Refused, Visit, shown

screens = Screens()
_METHODS = ("in_person", "phone", "message", "other")
_FIELDS = ("method",)


@screens.page("/consents/{grant_id:uuid}")
async def consent(visit: Visit) -> Page:
    return await _consent(visit)


async def _consent(visit: Visit, ended: Mapping[str, Any] | None = None) -> Page:
    grant = shown(await visit.calls.get(f"/referrals/v1/consents/{visit.ids['grant_id']}"))
    names = await visit.calls.post(
        "/directory/v1/names", {"service_id": [grant["service_id"]] if grant["service_id"] else []}
    )
    named = names.body["services"] if names.ok else []
    say, moments = visit.say, visit.moments
    return Page(
        "consents/templates/consent.html",
        "title.consent",
        {
            "grant": grant,
            "service": named[0] if named else None,
            "need": Codes(visit.language).need(grant["purpose"]),
            "items": [say(f"item.{item}") for item in grant["items"]],
            "status": say.known(f"consent.status.{grant['status']}", "consent.status.other"),
            "given": moments.at(grant["given_at"]),
            "until": moments.at(grant["valid_until"]),
            "withdrawn": moments.at(grant["withdrawn_at"]),
            "methods": [(code, say(f"withdrawal.{code}")) for code in _METHODS],
            "may_withdraw": grant["withdrawn_at"] is None and visit.visitor.may("referrals:write"),
            "read": _read(ended, visit) if ended else None,
        },
        fields=_FIELDS,
        address=f"/console/consents/{grant['id']}",
    )


def _read(ended: Mapping[str, Any], visit: Visit) -> list[str]:
    """List who read the data before the consent ended, and any organisation that may continue to read. The person must
    hear both."""
    say, at = visit.say, visit.moments.at
    lines = [say("consent.goes_on")] if ended["goes_on_reading"] else []
    for one in ended["already_read"]:
        items = ", ".join(say(f"item.{item}") for item in one["items"])
        lines.append(say("consent.was_read", at=at(one["at"]), items=items))
    whole = ended["record_read"]
    lines += [say(f"consent.record_read.{one['road']}", at=at(one["at"])) for one in whole]
    lines += [
        say("consent.readings_missing", since=at(gap["since"]), until=at(gap["until"]))
        for gap in ended["readings_missing"]
    ]
    return list(dict.fromkeys(lines))


@screens.form("/consents/{grant_id:uuid}/withdraw", show=consent)
async def withdraw(visit: Visit) -> Outcome:
    path = f"/referrals/v1/consents/{visit.ids['grant_id']}/withdraw"
    answer = await visit.calls.post(path, body(visit.typed, _FIELDS), key=visit.key)
    return await _consent(visit, answer.body) if answer.ok else Refused(answer)


@screens.form("/consents/{grant_id:uuid}/slip", show=consent)
async def slip(visit: Visit) -> Outcome:
    """Create a new code and show it once; the old code becomes invalid."""
    path = f"/referrals/v1/consents/{visit.ids['grant_id']}/withdrawal-code"
    answer = await visit.calls.post(path, {}, key=visit.key)
    if not answer.ok:
        return Refused(answer)
    return Page(
        "consents/templates/slip.html",
        "title.slip",
        {"code": answer.body["withdrawal_code"], "grant_id": visit.ids["grant_id"]},
        address=f"/console/consents/{visit.ids['grant_id']}",
    )
