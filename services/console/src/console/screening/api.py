"""Screening pages: the list, the first two questions one at a time, the others in groups, and the result."""

from collections.abc import Mapping
from typing import Any

from console.answers import together
from console.codes import Codes
from console.referral_views import short_code
from console.screening import commands, questions
from console.screens.routing import Screens
from console.screens.visit import Again, Elsewhere, NotShown, Outcome, Page, Refused, Visit, shown

screens = Screens()
_SCREENINGS = "/referrals/v1/screenings"
_HERE = "/console/screenings/{screening_id}"
_BEGIN = "/cases/{case_id:uuid}/screen"


@screens.page("/screenings", query=("status", "case", "cursor"))
async def screenings(visit: Visit) -> Page:
    found = shown(
        await visit.calls.get(
            _SCREENINGS,
            status=visit.asked("status"),
            case_id=visit.asked("case"),
            cursor=visit.asked("cursor"),
            limit=50,
        )
    )
    return Page(
        "screening/templates/screenings.html",
        "title.screenings",
        {
            "screenings": [_row(one, visit) for one in found["items"]],
            "more": found["next_cursor"],
            "status": visit.asked("status"),
        },
    )


def _row(one: Mapping[str, Any], visit: Visit) -> Mapping[str, Any]:
    say = visit.say
    return {
        "id": one["id"],
        "code": short_code(one["id"]),
        "status": say.known(f"screening.status.{one['status']}", "code.other"),
        "judgement": say.known(f"judgement.{one['judgement']}", "code.other")
        if one["judgement"]
        else "",
        "held": visit.moments.at(one["held_at"]),
        "area": Codes(visit.language).place(one["area"]),
        "case": one["case_id"],
    }


@screens.page(_BEGIN, query=("instrument",))
async def begin(visit: Visit) -> Page:
    """Ask first, separately, whether it is safe to talk, then whether the person agrees. Until both answers are yes,
    only the form contains them."""
    listed = shown(await visit.calls.get("/referrals/v1/instruments"))
    usable = [one for one in listed if not one["retired"]]
    if not usable:
        raise NotShown
    wanted = visit.typed.one("instrument") or visit.asked("instrument") or usable[0]["id"]
    chosen = shown(await visit.calls.get(f"/referrals/v1/instruments/{wanted}"))
    asked = questions.opening(chosen["instrument"]["questions"])
    answers = questions.given(visit.typed, asked)
    waits = [one for one in asked if one["id"] not in answers]
    stopped = any(
        not questions.says_yes(one, answers[one["id"]]) for one in asked if one["id"] in answers
    )
    now = waits[0] if waits else asked[-1]
    return Page(
        "screening/templates/begin.html",
        "title.screening",
        {
            "case_id": visit.ids["case_id"],
            "instruments": [(one["id"], one["title"][visit.language]) for one in usable],
            "instrument": chosen["id"],
            "notice": (chosen["instrument"].get("notice") or {}).get(visit.language, ""),
            "question": questions.question(now, visit.language, answers.get(now["id"])),
            "answered": [(f"{questions.PREFIX}{name}", value) for name, value in answers.items()],
            "stopped": stopped,
            "first": not answers,
        },
        fields=tuple(f"{questions.PREFIX}{one['id']}" for one in asked),
    )


@screens.form(_BEGIN, show=begin)
async def begun(visit: Visit) -> Outcome:
    chosen = shown(
        await visit.calls.get(f"/referrals/v1/instruments/{visit.typed.one('instrument')}")
    )
    asked = questions.opening(chosen["instrument"]["questions"])
    answers = questions.given(visit.typed, asked)
    agreed = all(questions.says_yes(one, answers.get(one["id"])) for one in asked)
    if not agreed:  # the next question or the end; nothing is sent
        return Again()
    body = {
        "instrument_id": chosen["id"],
        "case_id": visit.ids["case_id"],
        "answers": answers,
    }
    answer = await visit.calls.post(_SCREENINGS, body, key=visit.key)
    return (
        Elsewhere(f"/console/screenings/{answer.body['id']}/ask") if answer.ok else Refused(answer)
    )


@screens.page("/screenings/{screening_id:uuid}/ask", query=("question",))
async def ask(visit: Visit) -> Page:
    """Show the group of questions that contains the wanted question, with the answers so far."""
    found = shown(await visit.calls.get(f"{_SCREENINGS}/{visit.ids['screening_id']}"))
    listed = shown(await visit.calls.get(f"/referrals/v1/instruments/{found['instrument_id']}"))
    wanted = visit.typed.one("question") or visit.asked("question") or found["standing"]["next"]
    answers, waiting = found["answers"], found["standing"]["open"]
    parts = questions.parts(listed["instrument"]["questions"], {*answers, *waiting})
    at = next((n for n, part in enumerate(parts) if wanted in {one["id"] for one in part}), None)
    if found["status"] != "open" or at is None:
        return await _outcome(visit, found)
    part = [questions.question(one, visit.language, answers.get(one["id"])) for one in parts[at]]
    before = sum(map(len, parts[:at]))
    return Page(
        "screening/templates/ask.html",
        "title.screening",
        {
            "screening": found,
            "part": part,
            "signs": all(one.sign for one in part),
            "first": before + 1,
            "last": before + len(part),
            "of": sum(map(len, parts)),
            "back": parts[at - 1][0]["id"] if at else "",
            "stop": commands.STOP,
        },
        fields=tuple(one.name for one in part),
        labels={one.name: one.label for one in part},
    )


@screens.form("/screenings/{screening_id:uuid}/ask", show=ask, query=("question",))
async def answered(visit: Visit) -> Outcome:
    """Save the answers of a group. With `rest`, record a no for each of its unanswered signs."""
    path = f"{_SCREENINGS}/{visit.ids['screening_id']}"
    found = shown(await visit.calls.get(path))
    listed = shown(await visit.calls.get(f"/referrals/v1/instruments/{found['instrument_id']}"))
    all_questions, asked = listed["instrument"]["questions"], visit.typed.all("asked")
    part = [one for one in all_questions if one["id"] in asked]
    given = questions.given(visit.typed, part)
    if visit.typed.has("rest"):
        given |= questions.rest_is_no(part, given)
    if given:
        version = visit.typed.one("expected_version")
        answer = await visit.calls.post(
            f"{path}/answers",
            {"answers": given, "expected_version": int(version) if version.isdigit() else None},
            key=visit.key,
        )
        if not answer.ok:
            return Refused(answer)
        found = answer.body
    there = f"/console/screenings/{visit.ids['screening_id']}"
    following = questions.after(
        found["standing"]["open"], [one["id"] for one in all_questions], asked
    )
    return Elsewhere(f"{there}/ask?question={following}" if following else there)


@screens.page("/screenings/{screening_id:uuid}")
async def screening(visit: Visit) -> Page:
    found = shown(await visit.calls.get(f"{_SCREENINGS}/{visit.ids['screening_id']}"))
    return await _outcome(visit, found)


async def _outcome(visit: Visit, found: Mapping[str, Any]) -> Page:
    """Return the answers by element, without a verdict or a total."""
    language, say = visit.language, visit.say
    summary, conclusion = found["summary"], found["conclusion"]
    cases: list[Any] = []
    if found["case_id"] is None and found["status"] != "erased":
        (listed,) = await together(visit.calls.get("/referrals/v1/cases", status="open", limit=100))
        cases = listed.items
    return Page(
        "screening/templates/screening.html",
        "title.screening",
        {
            "screening": found,
            "row": _row(found, visit),
            "elements": [
                {
                    "name": say.known(f"element.{one['element']}", "code.other"),
                    "strength": say(f"strength.{one['strength']}"),
                    "signs": [each["label"][language] for each in one["indications"]],
                    "needed": one["needed"],
                }
                for one in summary["elements"]
            ],
            "rules": [one["text"][language] for one in summary["rules"]],
            "missing": [say.known(f"element.{name}", "code.other") for name in summary["missing"]],
            "needs": [
                (Codes(language).need(one["need"]), one["because"][language])
                for one in found["suggested_needs"]
            ],
            "conclusion": conclusion
            and {
                "judgement": say.known(f"judgement.{conclusion['judgement']}", "code.other"),
                "rationale": conclusion["rationale"],
                "kinds": [
                    say.known(f"exploitation.{kind}", "code.other")
                    for kind in conclusion["exploitation_types"]
                ],
                "at": visit.moments.at(conclusion["concluded_at"]),
            },
            "commands_of": commands,
            "options": {
                "judgement": [(code, say(f"judgement.{code}")) for code in commands.JUDGEMENTS],
                "exploitation_types": [
                    (code, say(f"exploitation.{code}")) for code in commands.EXPLOITATION
                ],
                "case_id": [(one["id"], one["reference"]) for one in cases],
            },
            "waiting": len(found["standing"]["open"]),
        },
        address=_HERE.format(screening_id=found["id"]),
    )


for each in (commands.STOP, commands.CONCLUDE, commands.ATTACH, commands.ERASE):
    screens.command("/screenings/{screening_id:uuid}", each, show=screening, to=_HERE)
