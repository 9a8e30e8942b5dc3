"""The steps of an import: file, preview, rows, import, progress."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from common.words.choices import words

from console.answers import no_file, together
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
_IMPORTS = "/directory/v1/imports"
FORMATS = ("workbook", "hxl", "services-advisor", "geojson", "hsds")
MODES = ("all", "skip-bad")
VERDICTS = ("refused", "changed", "accepted", "vanished")
START = ("file", "format", "mode", "visibility", "country")


@screens.page("/imports", query=("cursor",))
async def imports(visit: Visit) -> Page:
    listed = await visit.calls.get(_IMPORTS, limit=20, cursor=visit.asked("cursor"))
    shown(listed)
    say = visit.say
    return Page(
        "imports/templates/imports.html",
        "title.imports",
        {
            "rows": [
                {
                    "path": f"/console/imports/{one['id']}",
                    "name": one["file_name"],
                    "state": _state(one, visit),
                    "at": visit.moments.at(one["created_at"]),
                    "counts": say(
                        "imports.counts",
                        read=one["rows"]["read"],
                        refused=one["rows"]["refused"],
                        created=one["services"]["created"],
                        updated=one["services"]["updated"],
                    ),
                }
                for one in listed.items
            ],
            "formats": [(code, say(f"imports.format.{code}")) for code in FORMATS],
            "modes": [(code, say(f"imports.mode.{code}")) for code in MODES],
            "levels": [(code, say(f"visibility.{code}")) for code in words("visibility_levels")],
            "more": next_page("/console/imports", listed),
        },
        fields=START,
        address="/console/imports",
    )


def _state(one: Mapping[str, Any], visit: Visit) -> str:
    state = one["state"]
    if state == "finished" and one["dry_run"]:
        return visit.say("imports.state.tried")
    return visit.say.known(f"imports.state.{state}", "imports.state.running")


@screens.form("/imports", show=imports, uploads=True)
async def try_or_do(visit: Visit) -> Outcome:
    """Run a trial import, or the real import if the form sets `really`."""
    if visit.upload is None:
        return Refused(no_file())
    typed = visit.typed
    answer = await visit.calls.upload(
        _IMPORTS,
        visit.upload.content,
        key=visit.key,
        dry_run="false" if typed.one("really") else "true",
        mode=typed.one("mode") or "skip-bad",
        file_name=visit.upload.name,
        place=typed.all("place"),
        **{
            name: typed.one(name) for name in ("format", "visibility", "country") if typed.one(name)
        },
    )
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/imports/{answer.body['id']}")


@screens.page("/imports/{import_id:uuid}", query=("verdict", "cursor"))
async def one_import(visit: Visit) -> Page:
    path = f"{_IMPORTS}/{visit.ids['import_id']}"
    verdict = visit.asked("verdict")
    one, rows = await together(
        visit.calls.get(path),
        visit.calls.get(f"{path}/rows", verdict=verdict, limit=50, cursor=visit.asked("cursor")),
    )
    found = shown(one)
    if rows.status == 422:
        shown(rows)
    say, counts = visit.say, found["rows"]
    if not verdict and counts["refused"]:
        verdict = "refused"
        rows = await visit.calls.get(f"{path}/rows", verdict=verdict, limit=50)
    cursor = rows.body.get("next_cursor") if rows.ok else None
    here = f"/console/imports/{found['id']}"
    return Page(
        "imports/templates/import.html",
        "title.imports",
        {
            "found": found,
            "state": _state(found, visit),
            "running": found["state"] in {"queued", "running"},
            "tried": found["state"] == "finished" and found["dry_run"],
            "facts": [
                (say("imports.read"), str(counts["read"])),
                (say("imports.accepted"), str(counts["accepted"])),
                (say("imports.changed"), str(counts["changed"])),
                (say("imports.refused"), str(counts["refused"])),
                (say("imports.created"), str(found["services"]["created"])),
                (say("imports.updated"), str(found["services"]["updated"])),
                (say("imports.unchanged"), str(found["services"]["unchanged"])),
            ],
            "notes": [_note(note, visit) for note in found["notes"]],
            "rows": [
                {
                    "number": row["number"],
                    "name": row.get("name") or row.get("external_id") or "–",
                    "verdict": say(f"imports.verdict.{row['verdict']}"),
                    "refused": row["verdict"] == "refused",
                    "notes": [_note(note, visit) for note in row["notes"]],
                }
                for row in rows.items
            ],
            "so_far": _so_far(found, visit),
            "suggested": _suggested(rows.items),
            "pace": _pace(found, visit),
            "verdict": verdict,
            "verdicts": VERDICTS,
            "more": f"{here}?verdict={verdict}&cursor={cursor}" if cursor else "",
            "modes": [(code, say(f"imports.mode.{code}")) for code in MODES],
            "good": counts["read"] - counts["refused"],
            "report": f"{here}/report.xlsx",
        },
        address=here,
    )


def _suggested(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the places that the API suggests for each name, as `name=P-code` with a label, most likely first."""
    found = {}
    for note in (note for row in rows for note in row["notes"]):
        for place in note.get("places") or ():
            whole = ", ".join(filter(None, (place["name"], place.get("within"))))
            found[f"{note['before']}={place['pcode']}"] = (
                f"{note['before']} → {whole} ({place['pcode']})"
            )
    return list(found.items())


def _so_far(found: Mapping[str, Any], visit: Visit) -> str:
    """Return the progress of a waiting or running import."""
    read = found["rows"]["read"]
    if (expected := found.get("expected")) is None:
        ahead = visit.say("imports.ahead", n=found["ahead"]) if found.get("ahead") else ""
        return f"{visit.say('imports.so_far', n=read)} {ahead}".strip()
    left = max(1, -(-found.get("seconds_left", 60) // 60))
    return visit.say("imports.so_far_of", n=read, expected=expected, minutes=left)


def _pace(found: Mapping[str, Any], visit: Visit) -> str:
    """Return the rows read per second since the start; empty before the start."""
    begun, read = found.get("started_at"), found["rows"]["read"]
    if not begun or not read or found["state"] != "running":
        return ""
    seconds = (visit.moments.now - datetime.fromisoformat(begun)).total_seconds()
    return visit.say("imports.pace", n=max(1, round(read / seconds))) if seconds > 0 else ""


def _note(note: Mapping[str, Any], visit: Visit) -> str:
    """Return a note in the API's own words, with the field, its value in the file and its stored value. A refused value
    has no stored value; the note may propose one."""
    text = str(note[visit.language])
    field, before, after = note.get("field"), note.get("before"), note.get("after")
    worded = note["code"].startswith("visibility_")
    if note["weight"] == "changed" and not worded and before is not None and after is not None:
        text = visit.say("imports.became", words=text, before=before, after=after)
    return f"{field}: {text}" if field and not text.startswith(f"{field}:") else text


@screens.file("/imports/{import_id:uuid}/report.xlsx", query=("verdict",))
async def report(visit: Visit) -> Download:
    """Download the rows, numbered as in the submitted file."""
    found = await visit.calls.file(
        f"{_IMPORTS}/{visit.ids['import_id']}/report",
        language=visit.language,
        format="xlsx",
        verdict=visit.asked("verdict"),
    )
    return downloaded(found, "report.xlsx")


@screens.file("/imports/template.xlsx")
async def template(visit: Visit) -> Download:
    found = await visit.calls.file(f"{_IMPORTS}/template", language=visit.language, format="xlsx")
    return downloaded(found, "services.xlsx")
