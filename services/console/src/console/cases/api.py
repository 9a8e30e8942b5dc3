"""Case pages: the list, finding a person, registration, and the case itself."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from common.auth import Role
from common.words.choices import words

from console.answers import Answer, together
from console.cases import views
from console.code_lists import situations
from console.codes import SPOKEN, Areas, Codes
from console.commands import key_of
from console.forms import body, flat
from console.record_views import shown as shown_entries
from console.referral_views import rows
from console.screens.routing import Screens
from console.screens.visit import Again, Elsewhere, Outcome, Page, Refused, Visit, shown

PARTS = ("identity", "attributes")


def corrected(
    case: Mapping[str, Any], made: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    """Return the update for the API, which replaces each part as a whole. Fields that the form lacks keep their
    values."""
    change: dict[str, Any] = {part: _copied(case[part] or {}) for part in PARTS}
    for name in names:
        path = name.removesuffix("[]").split("/")
        if path[0] in PARTS:
            _set(change, path, None)
    change = _merged(change, made)
    return {name: _pruned(value) for name, value in change.items()}


def _copied(value: Any) -> Any:
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _set(into: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = into.get(part)
        if not isinstance(below, dict):
            return
        into = below
    into[path[-1]] = value


def _merged(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, Mapping):
        return {**first, **{k: _merged(first.get(k), v) for k, v in second.items()}}
    return _copied(second)


def _pruned(value: Any) -> Any:
    """Drop empty parts: a document without a number, a caregiver without a name."""
    if not isinstance(value, dict):
        return value
    kept = {name: _pruned(one) for name, one in value.items()}
    for part, least in (("document", "number"), ("caregiver", "name")):
        if isinstance(kept.get(part), dict) and least not in kept[part]:
            del kept[part]
    return {name: one for name, one in kept.items() if one not in (None, "", {})}


screens = Screens()
_CASES = "/referrals/v1/cases"
_ALIKE = "case_may_exist_already"


@screens.page("/cases", query=("status", "mine", "cursor"))
async def cases(visit: Visit) -> Page:
    status, mine = visit.asked("status") or "open", visit.asked("mine")
    listed = shown(
        await visit.calls.get(
            _CASES, status=status, mine=mine or None, cursor=visit.asked("cursor"), limit=50
        )
    )
    return Page(
        "cases/templates/cases.html",
        "title.cases",
        {
            "cases": views.listed(listed["items"], visit.say, Codes(visit.language), visit.moments),
            "more": listed["next_cursor"],
            "status": status,
            "mine": mine,
        },
    )


@screens.page("/cases/search")
async def search(visit: Visit) -> Page:
    answer = None
    if visit.typed and not visit.typed.has("language_wanted"):
        answer = await visit.calls.post(f"{_CASES}/search", body(visit.typed, views.SEARCH))
    found = None
    if answer is not None and answer.ok:
        found = views.listed(answer.items, visit.say, Codes(visit.language), visit.moments)
    return Page(
        "cases/templates/search.html",
        "title.search",
        {"found": found, "more": bool(answer and answer.ok and answer.body["next_cursor"])},
        fields=views.SEARCH,
        refusal=answer if answer is not None and not answer.ok else None,
    )


@screens.form("/cases/search", show=search)
async def find(_visit: Visit) -> Outcome:
    """Show the results in the response to the form, because names must not appear in addresses."""
    return Again()


@screens.page("/cases/new")
async def new_case(visit: Visit) -> Page:
    codes = Codes(visit.language)
    return Page(
        "cases/templates/new_case.html",
        "title.new_case",
        {
            **_choices(visit),
            "case": None,
            "values": {},
            "alike": views.listed(await _alike(visit), visit.say, codes, visit.moments),
        },
        fields=views.NEW_CASE,
    )


def _is_alike(refusal: Answer | None) -> bool:
    return refusal is not None and (refusal.body or {}).get("detail_code") == _ALIKE


async def _alike(visit: Visit) -> list[Any]:
    """Return the visitor's cases that match the typed document or reference, or have a similar-sounding name."""
    if not _is_alike(visit.refusal):
        return []
    typed = body(visit.typed, views.NEW_CASE).get("identity", {})
    wanted = {
        "name": typed.get("name"),
        "document": typed.get("document", {}).get("number"),
        "own_reference": typed.get("own_reference"),
    }
    asked = [{name: text} for name, text in wanted.items() if text]
    answers = await together(*(visit.calls.post(f"{_CASES}/search", one) for one in asked))
    return [*{one["id"]: one for answer in answers for one in answer.items}.values()]


def _choices(visit: Visit, spoken: Iterable[str] = ()) -> dict[str, Any]:
    codes = Codes(visit.language)
    return {
        "areas": Areas(visit.country).groups,
        "sexes": [(code, visit.say(f"sex.{code}")) for code in views.SEXES],
        "nationalities": codes.nationalities(visit.country),
        "spoken": [(code, codes.spoken(code)) for code in dict.fromkeys((*SPOKEN, *spoken))],
        "caregivers": [(code, visit.say(f"caregiver.{code}")) for code in views.CAREGIVERS],
    }


@screens.form("/cases/new", show=new_case)
async def register(visit: Visit) -> Outcome:
    """Register the person. Show a possible duplicate case first; the second button registers a new case anyway."""
    made = body(visit.typed, views.NEW_CASE, numbers=views.NUMBERS)
    if "area" not in made:
        made["country"] = visit.country
    made["unless_alike"] = not visit.typed.has("another")
    answer = await visit.calls.post(_CASES, made, key=key_of(visit.key, made))
    return Elsewhere(f"/console/cases/{answer.body['id']}") if answer.ok else Refused(answer)


@screens.page("/cases/{case_id:uuid}/change")
async def changing(visit: Visit) -> Page:
    """Show the record for editing. After a conflict, show the typed text beside the current values; resubmitting
    applies it."""
    found = shown(await visit.calls.get(f"{_CASES}/{visit.ids['case_id']}"))
    values = flat(found, views.CHANGE)
    return Page(
        "cases/templates/new_case.html",
        "title.change",
        {
            **_choices(visit, values.get("attributes/languages[]", ())),
            "case": found,
            "alike": [],
            "values": values,
            "words": [(code, visit.say.case_word(code)) for code in words("case_words")],
        },
        fields=views.CHANGE,
        versions=visit.beside(
            values, views.CHANGE, worded=views.worded(visit.say, Codes(visit.language))
        ),
    )


@screens.form("/cases/{case_id:uuid}/change", show=changing)
async def change(visit: Visit) -> Outcome:
    path = f"{_CASES}/{visit.ids['case_id']}"
    found = shown(await visit.calls.get(path))
    made = body(visit.typed, (*views.CHANGE, "expected_version"), numbers=views.NUMBERS)
    changed = corrected(found, made, views.NEW_CASE)
    answer = await visit.calls.send("patch", path, changed, key=visit.key)
    return Elsewhere(f"/console/cases/{found['id']}") if answer.ok else Refused(answer)


@screens.page("/cases/{case_id:uuid}")
async def case(visit: Visit) -> Page:
    """Show a case, using four concurrent calls. Each view is audited, as for any client."""
    case_id = visit.ids["case_id"]
    (one, overview, consents, referrals), known = await asyncio.gather(
        together(
            visit.calls.get(f"{_CASES}/{case_id}"),
            visit.calls.get(f"{_CASES}/{case_id}/overview"),
            visit.calls.get("/referrals/v1/consents", case_id=case_id, limit=50),
            visit.calls.get("/referrals/v1/referrals", case_id=case_id, limit=50),
        ),
        situations(visit.calls, visit.language),
    )
    found = shown(one)
    say, codes, moments = visit.say, Codes(visit.language), visit.moments
    seen = overview.body if overview.ok else views.NOTHING_SEEN
    return Page(
        "cases/templates/case.html",
        "title.case",
        {
            "case": found,
            "summary_facts": views.summary(found, seen["risk"], say, codes, moments),
            "identity": views.identity(found, say, codes, moments),
            "timeline": views.timeline(seen["timeline"], say, moments),
            "needs": views.needs(seen["plan"], say, codes, moments),
            "entries": shown_entries(
                seen["entries"], f"/console/cases/{case_id}", say, codes, moments, {}
            ),
            "consents": views.consents(consents.items, say, codes, moments),
            "referrals": rows(referrals.items, say, codes, moments),
            "away": [
                say(f"case.part.{part}")
                for part, answer in (
                    ("timeline", overview),
                    ("consents", consents),
                    ("referrals", referrals),
                )
                if not answer.ok
            ],
            "situations": known,
            "may_write": visit.visitor.may("referrals:write") and found["status"] == "open",
            "may_reopen": visit.visitor.may("referrals:write") and found["status"] == "closed",
            "may_erase": Role.SUPERVISOR in visit.visitor.roles and found["status"] != "erased",
        },
    )
