"""Pathway pages: lists, versions, drafts and their steps, trials, and publication by a second person."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from common.words.codelists import categories

from console.answers import Answer, together
from console.code_lists import situations
from console.codes import Areas, Codes
from console.forms import body
from console.listings import next_page
from console.pathways import views
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, NotShown, Outcome, Page, Refused, Visit, shown
from console.shapes import graph

screens = Screens()
_PATHWAYS = "/directory/v1/pathways"
_SETS = f"{_PATHWAYS}/profile-sets"
AORS = ("CP", "GBV", "TIP", "GP")
RETURN = ("because",)
TRIAL = ("name", "profiles[]", "profile_set")


@screens.page("/pathways", query=("cursor",))
async def pathways(visit: Visit) -> Page:
    listed = await visit.calls.get(_PATHWAYS, limit=100, cursor=visit.asked("cursor"))
    shown(listed)
    say, codes = visit.say, Codes(visit.language)
    return Page(
        "pathways/templates/pathways.html",
        "title.pathways",
        {
            "rows": [
                {
                    "path": f"/console/pathways/{one['id']}",
                    "aor": codes.pathway(one["aor"]),
                    "area": codes.place(one["area"]) or one["area"],
                    "published": one.get("published_number"),
                    "open": say.known(f"pathway.state.{one['open_state']}", "pathway.state.draft")
                    if one.get("open_state")
                    else "",
                }
                for one in listed.items
            ],
            "aors": [
                (aor, codes.pathway(aor)) for aor in sorted(visit.visitor.principal.aors) or AORS
            ],
            "groups": Areas(visit.country).groups,
            "country": visit.country,
            "may_write": visit.visitor.may("directory:curate"),
            "more": next_page("/console/pathways", listed),
        },
        fields=("aor", "area"),
        address="/console/pathways",
    )


@screens.form("/pathways", show=pathways)
async def start(visit: Visit) -> Outcome:
    """Create a draft from the built-in proposal, so that nobody starts with an empty page."""
    wanted = {"area": visit.typed.one("area") or visit.country}
    answer = await visit.calls.post(
        f"{_PATHWAYS}/proposals/{visit.typed.one('aor')}", wanted, key=visit.key
    )
    return (
        Elsewhere(f"/console/pathways/{answer.body['pathway_id']}")
        if answer.ok
        else Refused(answer)
    )


async def _open(visit: Visit) -> tuple[Mapping[str, Any], str, Mapping[str, Any] | None]:
    """Return the version to show (the draft, if there is one), its ETag, and the published version."""
    path = f"{_PATHWAYS}/{visit.ids['pathway_id']}"
    draft, published = await together(visit.calls.get(f"{path}/draft"), visit.calls.get(path))
    if not draft.answered:  # otherwise the published version would overwrite the draft
        raise NotShown(draft)
    if draft.ok:
        return draft.body, draft.version, published.body if published.ok else None
    found = shown(published)
    return found, published.version, found


async def _sets(visit: Visit) -> list[Any]:
    """Return the profile sets of the visitor's AoRs; empty if the visitor may not edit drafts."""
    if not visit.visitor.may("directory:curate"):
        return []
    return (await visit.calls.get(_SETS)).items


@screens.page("/pathways/{pathway_id:uuid}", query=("done", "try", "set"))
async def pathway(visit: Visit) -> Page:
    (version, tag, published), pairs, kept = await asyncio.gather(
        _open(visit), situations(visit.calls, visit.language), _sets(visit)
    )
    said = dict(pairs)
    say, codes = visit.say, Codes(visit.language)
    identifier = visit.ids["pathway_id"]
    differing = version["state"] != "published"
    diff = (
        await visit.calls.get(
            f"{_PATHWAYS}/{identifier}/diff",
            new=version["number"],
            old=published["number"] if published else None,
        )
        if differing
        else None
    )
    listed = views.steps(version, say, codes, said)
    effective = views.all_steps(version)
    words = {one["key"]: codes.need(one["need"]) for one in effective}
    change = views.Difference(say, codes, said, [*effective, *views.all_steps(published)])
    legal = version.get("possible_steps") or []
    tried = await _tried(visit, version, kept) if "draft" in legal else None
    affected = tried is not None and tried[0].ok
    return Page(
        "pathways/templates/pathway.html",
        "title.pathways",
        {
            "version": version,
            "tag": tag,
            "returned": version.get("returned_because"),
            "subject": version["pathway"]["title"][visit.language],
            "of": f"{codes.pathway(version['aor'])} · {codes.place(version['area']) or version['area']}",
            "state": say.known(f"pathway.state.{version['state']}", "pathway.state.draft"),
            "steps": listed,
            "graph": graph(effective, words) if effective else None,
            "findings": [
                one["says"][visit.language]
                for one in version.get("findings") or []
                if not one.get("step")
            ],
            "difference": change.lines(diff.body) if diff is not None and diff.ok else [],
            "differing": differing,
            "omits": [(key, change.step(key)) for key in version["pathway"].get("omits") or []],
            "legal": legal,
            "revisable": "draft" in legal and not differing,
            "editable": "draft" in legal and differing,
            "publisher": _publisher(visit, version, legal),
            # Nobody can publish a change here without seeing it.
            "read": diff is not None and diff.ok,
            "profiles": [(name, say(f"profile.{name}")) for name, _ in views.profiles("")],
            "sets": [
                (one["id"], say("trial.set", name=one["name"], n=len(one["profiles"])))
                for one in kept
                if one["aor"] == version["aor"]
            ],
            "effects": views.effects(tried[0].body, tried[1], say, codes)
            if tried and affected
            else None,
            "affected": tried[0].body["affected"] if tried and affected else 0,
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=(*RETURN, *TRIAL),
        address=f"/console/pathways/{identifier}",
        refusal=tried[0] if tried and not affected else None,
    )


def _publisher(visit: Visit, version: Mapping[str, Any], legal: Sequence[str]) -> str:
    """Return who can publish a submitted version, for visitors who cannot; empty otherwise."""
    if version["state"] != "submitted" or "publish" in legal:
        return ""
    key = "pathway.publisher_other" if "return" in legal else "pathway.publisher"
    return visit.say(key, aor=visit.say(f"aor.{version['aor']}"))


def _then(visit: Visit, answer: Answer) -> Outcome:
    path = f"/console/pathways/{visit.ids['pathway_id']}?done=1"
    return Elsewhere(path) if answer.ok else Refused(answer)


def _take(step: str) -> None:
    @screens.form(f"/pathways/{{pathway_id:uuid}}/{step}", show=pathway)
    async def take(visit: Visit) -> Outcome:
        wanted = body(visit.typed, RETURN) if step == "return" else {}
        answer = await visit.calls.post(
            f"{_PATHWAYS}/{visit.ids['pathway_id']}/{step}",
            wanted,
            key=visit.key,
            version=visit.typed.one("version"),
        )
        return _then(visit, answer)


for each in ("submit", "return", "publish"):
    _take(each)


@screens.form("/pathways/{pathway_id:uuid}/revise", show=pathway)
async def revise(visit: Visit) -> Outcome:
    """Create a draft from the published version."""
    version, _, _ = await _open(visit)
    return _then(visit, await _put(visit, version["pathway"]))


@screens.form("/pathways/{pathway_id:uuid}/try", show=pathway)
async def try_out(visit: Visit) -> Outcome:
    """Show what the draft would change for fictitious people. Nothing is stored unless the visitor saves them."""
    version, _, _ = await _open(visit)
    if stored := visit.typed.one("profile_set"):
        if visit.typed.one("do") == "remove":
            return _then(visit, await visit.calls.delete(f"{_SETS}/{stored}", key=visit.key))
        return _trial(visit, "set", [stored])
    chosen = [
        (name, profile)
        for name, profile in views.profiles(version["area"])
        if name in visit.typed.all("profiles[]")
    ]
    if visit.typed.one("do") == "keep":
        kept = {
            "aor": version["aor"],
            "name": visit.typed.one("name"),
            "profiles": [profile for _, profile in chosen],
        }
        return _then(visit, await visit.calls.post(_SETS, kept, key=visit.key))
    if not chosen:
        nobody: dict[str, list[Any]] = {"profiles": []}
        return Refused(await visit.calls.post(f"{_there(visit)}/simulate", nobody))
    return _trial(visit, "try", [name for name, _ in chosen])


def _trial(visit: Visit, name: str, wanted: list[str]) -> Outcome:
    """Redirect to an address that contains the choice, so that a reload repeats the trial."""
    query = urlencode([(name, one) for one in wanted])
    return Elsewhere(f"/console/pathways/{visit.ids['pathway_id']}?{query}")


async def _tried(
    visit: Visit, version: Mapping[str, Any], sets: list[Any]
) -> tuple[Answer, list[str]] | None:
    """Return the draft's effects on the people named in the URL, and those people; None if it names nobody."""
    chosen = dict(views.profiles(version["area"]))
    names = [name for name in visit.query.get("try", ()) if name in chosen]
    stored = next((one for one in sets if one["id"] == visit.asked("set")), None)
    if not names and stored is None:
        return None
    if stored is not None:
        said, codes = dict(await situations(visit.calls, visit.language)), Codes(visit.language)
        wanted: dict[str, Any] = {"profile_set": stored["id"]}
        words = [views.person(one, said, visit.say, codes) for one in stored["profiles"]]
    else:
        wanted = {"profiles": [chosen[name] for name in names]}
        words = [visit.say(f"profile.{name}") for name in names]
    return await visit.calls.post(f"{_there(visit)}/simulate", wanted), words


def _there(visit: Visit) -> str:
    return f"{_PATHWAYS}/{visit.ids['pathway_id']}"


@screens.form("/pathways/{pathway_id:uuid}/steps", show=pathway)
async def change_order(visit: Visit) -> Outcome:
    """Move a step up or down, remove it, or omit or restore an inherited one."""
    version, _, _ = await _open(visit)
    key, what = visit.typed.one("step"), visit.typed.one("do")
    changed = dict(version["pathway"])
    own = changed.get("steps") or []
    if what in {"up", "down"}:
        changed["steps"] = views.moved(own, key, -1 if what == "up" else 1)
    elif what == "remove":
        changed["steps"] = views.replaced(own, key, None)
    elif what == "omit":
        changed["omits"] = sorted({*(changed.get("omits") or []), key})
    elif what == "restore":
        changed["omits"] = [one for one in changed.get("omits") or [] if one != key]
    return _then(visit, await _put(visit, changed))


async def _put(visit: Visit, changed: Mapping[str, Any]) -> Answer:
    return await visit.calls.put(
        f"{_PATHWAYS}/{visit.ids['pathway_id']}/draft",
        changed,
        key=visit.key,
        version=visit.typed.one("version"),
    )


@screens.page("/pathways/{pathway_id:uuid}/steps/{key}")
async def step(visit: Visit) -> Page:
    (version, tag, _), known = await asyncio.gather(
        _open(visit), situations(visit.calls, visit.language)
    )
    key = visit.ids["key"]
    every = views.all_steps(version)
    own = version["pathway"].get("steps") or []
    new = key == "new"
    one = next((found for found in (*own, *every) if found["key"] == key), None)
    if (
        one is None and not new and visit.refusal is None
    ):  # a refused form shows its text even if the step is gone
        raise NotShown
    say, codes = visit.say, Codes(visit.language)
    language = visit.language
    return Page(
        "pathways/templates/step.html",
        "title.pathways",
        {
            "step": one or {},
            "condition": (one or {}).get("condition") or {},
            "new": new,
            "tag": tag,
            "needs": sorted(
                ((code, categories().label(code, language)) for code in categories()),
                key=lambda pair: pair[1],
            ),
            "urgencies": [(code, say(f"soon.{code}")) for code in views.URGENCIES],
            "sexes": [(code, say(f"sex.{code}")) for code in views.SEXES],
            "situations": known,
            "others": [
                (each["key"], codes.need(each["need"])) for each in every if each["key"] != key
            ],
            "flags": [(name, say(f"pathway.{name}")) for name in views.FLAGS],
            "back": f"/console/pathways/{visit.ids['pathway_id']}",
        },
        fields=(views.KEY, *views.STEP),
        versions=visit.beside(
            views.standing(one),
            (*views.STEP, *views.FLAGS),
            worded=views.worded(every, say, codes, dict(known)),
            labels={name: say(f"pathway.{name}") for name in views.FLAGS},
        ),
    )


@screens.form("/pathways/{pathway_id:uuid}/steps/{key}", show=step)
async def write_step(visit: Visit) -> Outcome:
    version, _, _ = await _open(visit)
    key = visit.ids["key"]
    changed = dict(version["pathway"])
    own = changed.get("steps") or []
    before: Mapping[str, Any] = next((one for one in own if one["key"] == key), {})
    wanted = views.step_of(visit.typed, before)
    if key == "new":
        every = (*own, *views.all_steps(version))
        wanted["key"] = views.new_key(visit.typed.one("need"), (one["key"] for one in every))
    changed["steps"] = views.replaced(own, key, wanted)
    answer = await _put(visit, changed)
    if answer.ok:
        return _then(visit, answer)
    place = next((n for n, one in enumerate(changed["steps"]) if one is wanted), 0)
    return Refused(_of_step(answer, place))


def _field_of(pointer: str) -> str:
    return f"/{views.KEY}" if pointer == "/key" else pointer


def _of_step(answer: Answer, place: int) -> Answer:
    """Return this step's errors, mapped to the fields of its own form."""
    if not isinstance(answer.body, dict):
        return answer
    within = f"/steps/{place}"
    errors = [
        {**one, "pointer": _field_of(str(one.get("pointer", "")).removeprefix(within))}
        for one in answer.body.get("errors") or []
    ]
    return Answer(answer.status, {**answer.body, "errors": errors}, answer.request_id)
