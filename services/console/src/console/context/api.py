"""Context analysis pages, for coordinators and the IM role."""

from collections.abc import Mapping
from typing import Any

from common.words.codelists import organisation_types, pathways

from console.answers import together
from console.codes import Areas, Codes
from console.context import forms
from console.forms import flat
from console.listings import next_page
from console.screens.routing import Screens
from console.screens.visit import (
    Download,
    Elsewhere,
    Outcome,
    Page,
    Refused,
    Visit,
    downloaded,
    shown,
)

screens = Screens()
_CONTEXT, _MOST = "/reports/v1/context", 200
_ONE = {"stakeholders": "stakeholder", "statements": "statement", "milestones": "milestone"}
Row = Mapping[str, Any]
Options = dict[str, list[tuple[str, str]]]


@screens.page("/context", query=("done",))
async def context(visit: Visit) -> Page:
    """Link to the parts of the analysis and to its input workbook."""
    late = await visit.calls.get(f"{_CONTEXT}/milestones", late="true", limit=_MOST)
    shown(late)
    periods = [each for each in visit.moments.ended() if each[0][-1] in "ab"]
    return Page(
        "context/templates/context.html",
        "title.context",
        {
            "late": len(late.items),
            "parts": tuple(_ONE.items()),
            "periods": periods,
            "done": visit.asked("done"),
        },
    )


@screens.file("/context/pack.xlsx", query=("period",))
async def pack(visit: Visit) -> Download:
    """Download stakeholders, people left behind and external series as one workbook."""
    found = await visit.calls.file(
        "/reports/v1/exports/context-pack",
        period=visit.asked("period"),
        language=visit.language,
    )
    return downloaded(found, "context.xlsx")


def _list(part: str) -> None:
    @screens.page(f"/context/{part}", query=("cursor",))
    async def listed(visit: Visit) -> Page:
        found = await visit.calls.get(f"{_CONTEXT}/{part}", limit=50, cursor=visit.asked("cursor"))
        shown(found)
        return Page(
            "context/templates/list.html",
            "title.context",
            {
                "part": part,
                "one": _ONE[part],
                "rows": [_row(part, each, visit) for each in found.items],
                "more": next_page(f"/console/context/{part}", found),
            },
        )


def _row(part: str, one: Row, visit: Visit) -> Row:
    say, language = visit.say, visit.language
    if part == "stakeholders":
        places = [Codes(language).place(each) for each in one["presence"] or ()]
        named = one["name"][language] if one["name"] else one["code"]
        about = [
            one["type_label"][language],
            ", ".join(say(f"aor.{each}") for each in one["sectors"]),
            ", ".join(places),
        ]
        said = {"what": named, "text": one["mandate"][language], "state": ""}
    elif part == "milestones":
        about = [one["plan"], visit.moments.period(one["due"])]
        about.append(one["responsible"][language] if one["responsible"] else "")
        state = say("milestone.late") if one["late"] else one["status_label"][language]
        said = {"what": one["what"][language], "text": "", "state": state}
    else:
        about = [one["analysis"], *(_cited(each, language) for each in one["cited"])]
        about.append(say("statement.review") if one["to_be_reviewed"] else "")
        state = say(f"statement.{one['state']}")
        what = f"{say.code('statement', one['place'])}: {one['text'][language]}"
        said = {"what": what, "text": "", "state": state}
    return {
        **said,
        "about": " · ".join(filter(None, about)),
        "path": f"/console/context/{part}/{one['id']}",
    }


def _cited(one: Row, language: str) -> str:
    return f"{one['source'][language]}: {one['written'][language]}" if one["source"] else ""


async def _options(name: str, visit: Visit) -> Options:
    say, codes, language = visit.say, Codes(visit.language), visit.language
    if name == "stakeholder":
        types = organisation_types()
        return {
            "type": [(code, types.label(code, language)) for code in types],
            "sectors": [(code, codes.pathway(code)) for code in pathways()],
            "presence": [
                (visit.country, say("context.whole_country")),
                *(places[0] for _, places in Areas(visit.country).groups),
            ],
        }
    if name == "milestone":
        indicators = await visit.calls.get("/reports/v1/activities/indicators")
        return {
            "due": visit.moments.quarters(),
            "indicator": [(one["code"], one["label"][language]) for one in indicators.items],
        }
    statements, releases, programmes, series = await together(
        visit.calls.get(f"{_CONTEXT}/statements", part="problem-tree", limit=_MOST),
        visit.calls.get("/reports/v1/releases", status="published", limit=50),
        visit.calls.get("/reports/v1/programmes"),
        visit.calls.get(f"{_CONTEXT}/series"),
    )
    titles = {one["id"]: one["title"][language] for one in programmes.items}
    figures = [
        (
            f"figure:{one['id']}",
            f"{titles.get(one['programme'], '')}, {visit.moments.period(one['period'])}",
        )
        for one in releases.items
    ]
    points = [
        (
            f"series:{one['id']}:{one['points'][-1]['day']}",
            f"{one['title'][language]}, {visit.moments.day(one['points'][-1]['day'])}",
        )
        for one in series.items
    ]
    return {
        "parent": [(one["id"], one["text"][language]) for one in statements.items],
        "basis": [("judgement", say("statement.judgement")), *figures, *points],
    }


def _page(
    name: str, visit: Visit, options: Options, stored: Row | None = None, version: str = ""
) -> Page:
    command = forms.command(name, change=stored is not None)
    part = f"{name}s"
    values = _values(name, stored) if stored else _first(visit)
    _complete(options, values, visit)
    here = f"/console/context/{part}/{stored['id'] if stored else 'new'}"
    agreeable = (
        name == "statement"
        and stored is not None
        and stored["state"] == "draft"
        and stored["written_by"] != visit.visitor.principal.subject
    )
    return Page(
        "context/templates/form.html",
        "title.context",
        {
            "command": command,
            "part": part,
            "options": options,
            "values": values,
            "stored": stored,
            "version": version,
            "linked": bool(values.get("organisation_id")),
            "agreeable": agreeable,
            "removable": stored is not None and name != "milestone",
        },
        fields=command.names,
        within=name,
        address=here,
        versions=visit.beside(
            {f"{name}/{key}": value for key, value in values.items()},
            [each for each in command.names if not each.endswith("[]")],
        ),
    )


def _first(visit: Visit) -> dict[str, Any]:
    """Return the values of a new form. Preselect the visitor's area if they have exactly one."""
    aors = sorted(visit.visitor.principal.aors)
    return {
        "status": "planned",
        "basis": ["judgement"],
        "sectors": aors if len(aors) == 1 else [],
    }


def _values(name: str, stored: Row) -> dict[str, Any]:
    names = [each.name for each in forms.FIELDS[name] if each.name != "basis"]
    values = flat(stored, names)
    if name == "statement":
        values["basis"] = [forms.chosen(one["basis"]) for one in stored["cited"]]
    elif name == "stakeholder" and not stored["in_bulletin"]:
        values.pop("in_bulletin", None)
    return values


def _complete(options: Options, values: Row, visit: Visit) -> None:
    """Offer the stored quarter even if it is over, and stored sources even if newer ones exist."""
    due = values.get("due")
    if due and due not in dict(options["due"]):
        options["due"].insert(0, (due, visit.moments.period(due)))
    for one in values.get("basis", ()):
        if "basis" in options and one not in dict(options["basis"]):
            options["basis"].append((one, visit.say("statement.earlier")))


def _forms(name: str) -> None:
    part = f"{name}s"

    @screens.page(f"/context/{part}/new")
    async def new(visit: Visit) -> Page:
        return _page(name, visit, await _options(name, visit))

    @screens.form(f"/context/{part}/new", show=new)
    async def add(visit: Visit) -> Outcome:
        command = forms.command(name, change=False)
        wanted = forms.made(name, command, visit.typed, offset=visit.moments.offset)
        answer = await visit.calls.post(f"{_CONTEXT}/{part}", wanted, key=visit.key)
        return Elsewhere(f"/console/context/{part}") if answer.ok else Refused(answer)

    @screens.page(f"/context/{part}/{{{name}_id:uuid}}")
    async def change(visit: Visit) -> Page:
        one = await visit.calls.get(f"{_CONTEXT}/{part}/{visit.ids[f'{name}_id']}")
        stored = shown(one)
        return _page(name, visit, await _options(name, visit), stored, one.version)

    @screens.form(f"/context/{part}/{{{name}_id:uuid}}", show=change)
    async def save(visit: Visit) -> Outcome:
        command = forms.command(name, change=True)
        wanted = forms.made(name, command, visit.typed, offset=visit.moments.offset)
        path, version = f"{_CONTEXT}/{part}/{visit.ids[f'{name}_id']}", visit.typed.one("version")
        answer = await visit.calls.put(path, wanted, key=visit.key, version=version)
        return Elsewhere(f"/console/context/{part}") if answer.ok else Refused(answer)

    if name == "milestone":  # Stays, with its history.
        return

    @screens.form(f"/context/{part}/{{{name}_id:uuid}}/remove", show=change)
    async def remove(visit: Visit) -> Outcome:
        path, version = f"{_CONTEXT}/{part}/{visit.ids[f'{name}_id']}", visit.typed.one("version")
        answer = await visit.calls.delete(path, key=visit.key, version=version)
        return Elsewhere(f"/console/context/{part}") if answer.ok else Refused(answer)

    if name == "statement":

        @screens.form("/context/statements/{statement_id:uuid}/agree", show=change)
        async def agree(visit: Visit) -> Outcome:
            path = f"{_CONTEXT}/statements/{visit.ids['statement_id']}/agreement"
            version = visit.typed.one("version")
            answer = await visit.calls.post(path, {}, key=visit.key, version=version)
            return Elsewhere("/console/context/statements") if answer.ok else Refused(answer)


for _part, _name in _ONE.items():
    _list(_part)
    _forms(_name)
