"""The referral slip for the person: where and when to go, and the code, but not the kind of help."""

import segno
from markupsafe import Markup

from console.answers import together
from console.codes import Codes
from console.referral_views import place_of_appointment, short_code
from console.screens.routing import Screens
from console.screens.visit import NotShown, Page, Visit, shown
from console.services.api import hours, phones, places

screens = Screens()


@screens.page("/referrals/{referral_id:uuid}/slip")
async def slip(visit: Visit) -> Page:
    """Show the slip to the sender. Other people may read a paper slip, so it names no service and no need."""
    view = shown(
        await visit.calls.get(
            f"/referrals/v1/referrals/{visit.ids['referral_id']}", **{"with": ["history"]}
        )
    )
    own = str(visit.visitor.principal.organisation_id)
    if view["from_organisation"] != own or view["state"] == "draft":
        raise NotShown
    (answer,) = await together(visit.calls.get(f"/directory/v1/services/{view['service_id']}"))
    service = answer.body if answer.ok else {}
    say, code = visit.say, short_code(view["id"])
    bring = [one.get("document") or "" for one in service.get("required_documents") or ()]
    said = (
        ("slip_of.when", [visit.moments.at(view["appointment_at"])]),
        ("slip_of.place", [place_of_appointment(view["history"] or [])]),
        ("service.where", places(service, Codes(visit.language))),
        ("service.hours", hours(service, say)),
        ("slip_of.phone", phones(service)),
        ("service.bring", bring),
    )
    facts = [(say(key), [one for one in lines if one]) for key, lines in said]
    facts = [(label, lines) for label, lines in facts if lines]
    text = "\n".join(
        (f"{say('slip_of.code')}: {code}", *(f"{name}: {', '.join(s)}" for name, s in facts))
    )
    return Page(
        "services/templates/slip.html",
        "title.referral",
        {
            "code": code,
            "facts": facts,
            "text": text,
            "qr": _qr(code, say("slip_of.qr")),
            "back": f"/console/referrals/{view['id']}",
        },
    )


def _qr(text: str, words: str) -> Markup:
    drawn = segno.make(text, error="m").svg_inline(scale=5, border=4, light="#fff")
    frame = Markup('<div class="qr" role="img" aria-label="{}">{}</div>')
    return frame.format(words, Markup(drawn))  # noqa: S704 - drawn by segno from squares
