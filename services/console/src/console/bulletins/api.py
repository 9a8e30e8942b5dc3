"""Pages for drafting, editing, signing off and publishing a bulletin."""

from collections.abc import Mapping
from typing import Any

from common.auth import Role
from common.words.languages import LANGUAGES

from console.answers import Answer, no_file, together
from console.bulletins import views
from console.commands import key_of
from console.forms import WITHDRAW, body
from console.listings import next_page
from console.screens.routing import Screens
from console.screens.visit import (
    Download,
    Elsewhere,
    NotShown,
    Outcome,
    Page,
    Refused,
    Visit,
    downloaded,
    looked_at,
    shown,
)

screens = Screens()
_BULLETINS = "/reports/v1/bulletins"
DRAFT = ("period",)
SIGNED = ("content_sha256",)
WORDS = ("content_sha256", "texts")
ARRANGEMENT = ("content_sha256", "order", "hidden")
PREVIEWS = ("es.html", "en.html", "es.pdf", "en.pdf")
DOCUMENTS = ("es.docx", "en.docx")
"""Edited in a word processor, and sent back."""


@screens.page("/bulletins", query=("cursor",))
async def bulletins(visit: Visit) -> Page:
    listed = await visit.calls.get(_BULLETINS, limit=50, cursor=visit.asked("cursor"))
    shown(listed)
    say = visit.say
    return Page(
        "bulletins/templates/bulletins.html",
        "title.bulletins",
        {
            "rows": [
                {
                    "path": f"/console/bulletins/{one['id']}",
                    "title": one["title"][visit.language],
                    "period": one["period_label"][visit.language],
                    "edition": one["edition"],
                    "state": say(f"bulletin.{one['state']}"),
                    "live": one["state"] == "published",
                    "gone": one["withdrawal"]["reason"][visit.language]
                    if one["state"] == "withdrawn"
                    else "",
                }
                for one in listed.items
            ],
            "may_prepare": bool({Role.IM, Role.COORDINATOR} & visit.visitor.roles),
            "may_draft": visit.visitor.may("reports:publish"),
            "periods": [each for each in visit.moments.ended() if "Q" not in each[0]],
            "more": next_page("/console/bulletins", listed),
        },
        fields=DRAFT,
        address="/console/bulletins",
    )


@screens.form("/bulletins", show=bulletins)
async def draft(visit: Visit) -> Outcome:
    answer = await visit.calls.post(_BULLETINS, body(visit.typed, DRAFT), key=visit.key)
    return _then(answer)


def _then(answer: Answer) -> Outcome:
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/bulletins/{answer.body['id']}?done=1")


@screens.page("/bulletins/{bulletin_id:uuid}", query=("done",))
async def bulletin(visit: Visit) -> Page:
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}"
    one, trace = await together(visit.calls.get(path), visit.calls.get(f"{path}/trace"))
    found = shown(one)
    say = visit.say
    asked = await _asked(visit, f"{path}/publication") if found["state"] == "signed_off" else None
    if asked is not None and asked["state"] == "published":  # published after it was read
        found = shown(await visit.calls.get(path))
    charts = views.charts(found["content"], say)
    return Page(
        "bulletins/templates/bulletin.html",
        "title.bulletins",
        {
            "bulletin": found,
            "subject": found["title"][visit.language],
            "period": found["period_label"][visit.language],
            "state": say(f"bulletin.{found['state']}"),
            "contents": views.contents(found["content"], views.words(found["content"], say), say),
            "previews": [
                (
                    f"/console/bulletins/{found['id']}/preview/{name}",
                    say(f"bulletin.preview.{name}"),
                )
                for name in PREVIEWS
                if found["state"] != "published"
            ],
            "documents": [
                (
                    f"/console/bulletins/{found['id']}/preview/{name}",
                    say(f"bulletin.in.{name[:2]}", title=say("bulletin.file.docx")),
                )
                for name in DOCUMENTS
                if found["state"] == "draft"
            ],
            "languages": (("es", say("risks.es")), ("en", say("risks.en"))),
            "steps": views.steps(found, trace.body["untraced"] if trace.ok else None, say),
            "figures": len(trace.body["figures"]) if trace.ok else None,
            "untraced": [
                f"{each['number']}: {each['reason'][visit.language]}"
                for each in (trace.body["untraced"] if trace.ok else [])
            ],
            "kinds": views.kinds(found["files"], charts, say)
            if found["state"] == "published"
            else [],
            "legal": found.get("possible_steps") or [],
            "at_work": asked if asked and asked["state"] == "at_work" else None,
            "refused": views.refusal(asked, say) if asked else "",
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=(*WITHDRAW, "language", "file"),
        address=f"/console/bulletins/{found['id']}",
    )


@screens.page("/bulletins/{bulletin_id:uuid}/sections/{section}")
async def section(visit: Visit) -> Page:
    """Show one section with its figures and, in a draft, its written texts."""
    found = shown(await visit.calls.get(f"{_BULLETINS}/{visit.ids['bulletin_id']}"))
    say, here = visit.say, f"/console/bulletins/{found['id']}"
    every = views.words(found["content"], say)
    names = [one.name for one in every]
    if visit.ids["section"] not in names:
        raise NotShown
    at = names.index(visit.ids["section"])
    one, now = every[at], views.standing(every[at : at + 1])
    labels = views.labels(every[at : at + 1], say)
    return Page(
        "bulletins/templates/section.html",
        "title.bulletins",
        {
            "bulletin": found,
            "period": found["period_label"][visit.language],
            "one": one,
            "blocks": [
                block
                for each in views.sections(found["content"], say)
                if each.id == one.name
                for block in each.blocks
                if block.kind != "words" or found["state"] != "draft"
            ],
            "languages": (("es", say("risks.es")), ("en", say("risks.en"))),
            "following": f"{here}/sections/{names[at + 1]}" if at + 1 < len(names) else "",
        },
        fields=tuple(now),
        labels=labels,
        versions=visit.beside(now, now, labels=labels),
        address=f"{here}/sections/{one.name}",
    )


@screens.form("/bulletins/{bulletin_id:uuid}/sections/{section}", show=section)
async def write(visit: Visit) -> Outcome:
    """Store the texts of one section; other sections keep theirs."""
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}"
    found = shown(await visit.calls.get(path))
    stored = views.words(found["content"], visit.say)
    made = {**body(visit.typed, WORDS[:1]), "texts": views.texts(stored, visit.typed)}
    return _then(await visit.calls.put(f"{path}/words", made, key=visit.key))


async def _asked(visit: Visit, path: str) -> Mapping[str, Any] | None:
    """Return the publication's progress; None if nobody has requested publication."""
    answer = await visit.calls.get(path)
    return answer.body if answer.ok else None


@screens.form("/bulletins/{bulletin_id:uuid}/arrangement", show=bulletin)
async def arrange(visit: Visit) -> Outcome:
    """Move a section by one place, hide it, or show it again."""
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}"
    found = shown(await visit.calls.get(path))
    made = body(visit.typed, ARRANGEMENT[:1]) | views.rearranged(
        found["content"], visit.typed.one("act"), visit.typed.one("section")
    )
    # The key is derived from the content, so a double click does nothing, but another button on the page is a new
    # command.
    answer = await visit.calls.put(f"{path}/arrangement", made, key=key_of(visit.key, made))
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/bulletins/{visit.ids['bulletin_id']}?done=1#arrangement")


@screens.file("/bulletins/{bulletin_id:uuid}/preview/{wanted}")
async def preview(visit: Visit) -> Download:
    """Preview an unpublished bulletin as a page or A4 print, or download it as a document."""
    if visit.ids["wanted"] not in (*PREVIEWS, *DOCUMENTS):
        raise NotShown
    language, _, form = visit.ids["wanted"].partition(".")
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/files/{language}/bulletin.{form}"
    found = await visit.calls.file(path)
    if visit.ids["wanted"] in DOCUMENTS:
        return downloaded(found, f"bulletin-{language}.{form}")
    return looked_at(found, f"bulletin.{form}")


@screens.form("/bulletins/{bulletin_id:uuid}/document", show=bulletin, uploads=True)
async def bring_document(visit: Visit) -> Outcome:
    """Import the texts from an edited document; the API lists every other change in the document."""
    language = visit.typed.one("language") or visit.language
    if visit.upload is None or language not in LANGUAGES:
        return Refused(no_file())
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/documents/{language}"
    return _then(await visit.calls.upload_form(path, visit.upload, key=visit.key))


@screens.form("/bulletins/{bulletin_id:uuid}/sign-off", show=bulletin)
async def sign_off(visit: Visit) -> Outcome:
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/sign-off"
    return _then(await visit.calls.post(path, body(visit.typed, SIGNED), key=visit.key))


@screens.form("/bulletins/{bulletin_id:uuid}/withdraw", show=bulletin)
async def withdraw(visit: Visit) -> Outcome:
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/withdrawal"
    return _then(await visit.calls.post(path, body(visit.typed, WITHDRAW), key=visit.key))


@screens.form("/bulletins/{bulletin_id:uuid}/withdraw/agree", show=bulletin)
async def agree(visit: Visit) -> Outcome:
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/withdrawal/agreement"
    answer = await visit.calls.post(path, {}, key=visit.key)
    return Elsewhere("/console/bulletins") if answer.ok else Refused(answer)


@screens.form("/bulletins/{bulletin_id:uuid}/publish", show=bulletin)
async def publish(visit: Visit) -> Outcome:
    path = f"{_BULLETINS}/{visit.ids['bulletin_id']}/publication"
    answer = await visit.calls.post(path, {}, key=visit.key)
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/bulletins/{visit.ids['bulletin_id']}")
