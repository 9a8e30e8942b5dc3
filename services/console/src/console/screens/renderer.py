"""Renders pages from our templates, which must receive everything they show, and from the design system's macros."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from common.auth import Role
from common.pages.form_tokens import form_token
from common.words.choices import words
from common.words.conventions import OWN_NAMES
from common.words.details import said
from common.words.languages import next_language
from jinja2 import Environment, FileSystemLoader, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from console import assets, written_dates
from console.answers import Answer
from console.codes import Codes
from console.doings import is_id
from console.forms import Fault
from console.referral_views import short_code
from console.screens.visit import Page, Visit
from console.texts import Wording
from console.visitors import Visitor

HOME = "/console"
MOST_UNFOLDED = 8
"""On a phone the menu is folded, but for the first page of visitors who have at most this many sections."""
_ANY: frozenset[Role] = frozenset()
_CASES = frozenset({Role.CASEWORKER, Role.SUPERVISOR})
_SUPERVISES = frozenset({Role.SUPERVISOR})
_LINE = frozenset({Role.COORDINATOR})
_DECIDES = frozenset({Role.SUPERVISOR, Role.COORDINATOR})

_HEARS = _CASES | _LINE

_PLANS = frozenset({Role.COORDINATOR, Role.IM})
_CURATES = frozenset({Role.COORDINATOR, Role.IM})
_READS = _PLANS | {Role.READER}


@dataclass(frozen=True)
class Entry:
    key: str
    path: str
    current: bool


# Text key, address, required scopes, and roles of which one is required (if empty, any role).
_ALL: tuple[tuple[str, str, tuple[str, ...], frozenset[Role]], ...] = (
    ("nav.work", HOME, (), _ANY),
    ("nav.cases", "/console/cases", ("referrals:read",), _CASES),
    ("nav.received", "/console/received", ("referrals:read",), _CASES),
    ("nav.sent", "/console/sent", ("referrals:read",), _CASES),
    ("nav.find", "/console/find", ("directory:read",), _CASES),
    ("nav.directory", "/console/directory", ("directory:read",), _READS),
    ("nav.services", "/console/services", ("directory:read",), _CASES),
    ("nav.decisions", "/console/decisions", ("referrals:read",), _DECIDES),
    ("nav.team", "/console/team", ("referrals:read",), _SUPERVISES),
    ("nav.line", "/console/line", ("referrals:read",), _LINE),
    ("nav.entries", "/console/entries", ("directory:curate",), _CURATES),
    ("nav.houses", "/console/houses", ("directory:curate",), _CURATES),
    ("nav.endorsements", "/console/endorsements", ("directory:curate",), _CURATES),
    ("nav.pathways", "/console/pathways", ("directory:read",), _CURATES),
    ("nav.risks", "/console/risks", ("directory:curate",), _CURATES),
    ("nav.successions", "/console/successions", ("directory:curate",), _CURATES),
    ("nav.figures", "/console/figures", (), _READS),
    ("nav.imports", "/console/imports", ("directory:curate",), frozenset({Role.IM})),
    ("nav.releases", "/console/releases", ("reports:read",), _PLANS),
    ("nav.bulletins", "/console/bulletins", (), _READS),
    ("nav.activities", "/console/activities", ("reports:read",), _PLANS),
    ("nav.series", "/console/series", ("reports:read",), _PLANS),
    ("nav.context", "/console/context", ("reports:read",), _PLANS),
    ("nav.protocols", "/console/protocols", (), frozenset({Role.IM, Role.ADMIN})),
    ("nav.state", "/console/state", (), frozenset({Role.IM, Role.ADMIN})),
    ("nav.audit", "/console/audit", ("referrals:read",), frozenset({Role.AUDITOR})),
    ("nav.people", "/console/people", ("admin",), _ANY),
    ("nav.clients", "/console/clients", ("admin",), _ANY),
    ("nav.organisations", "/console/organisations", ("admin",), _ANY),
    ("nav.changes", "/console/changes", ("admin",), _ANY),
)


def entries(visitor: Visitor, path: str) -> list[Entry]:
    return [
        Entry(key, address, path == address or (address != HOME and path.startswith(f"{address}/")))
        for key, address, scopes, roles in _ALL
        if visitor.may(*scopes) and (not roles or roles & visitor.roles)
    ]


def has_channels(visitor: Visitor) -> bool:
    """Return whether notices about cases or the anonymous line could be waiting for the visitor."""
    return visitor.may("referrals:read") and bool(_HEARS & visitor.roles)


_COMPONENTS = {
    "button": "govukButton",
    "checkboxes": "govukCheckboxes",
    "details": "govukDetails",
    "error-summary": "govukErrorSummary",
    "input": "govukInput",
    "radios": "govukRadios",
    "select": "govukSelect",
    "tag": "govukTag",
    "textarea": "govukTextarea",
}


def draw(visit: Visit, page: Page, *, once: bool = False) -> str:
    """Render a page for a signed-in person. `once` marks the response to a form, whose URL leads to another page."""
    sent = visit.command
    fields = (*page.fields, *(sent.names if sent is not None else ()))
    found = visit.faults(fields, page.within or (sent.name if sent is not None else ""))
    errors = {fault.name: _why(visit.say, fault, visit.refusal) for fault in found if fault.name}
    navigation = entries(visit.visitor, visit.path)
    missed, codes = visit.calls.missed, Codes(visit.language)
    return _drawn(
        page.template,
        visit.say,
        page.title,
        path=page.address or visit.path,
        visitor=visit.visitor,
        visit=visit,
        moments=visit.moments,
        codes=codes,
        navigation=navigation,
        unfolded=visit.path == HOME and len(navigation) <= MOST_UNFOLDED,
        has_channels=has_channels(visit.visitor),
        session_until=visit.moments.clock(visit.visitor.idle_until),
        typed=visit.typed,
        key=visit.key,
        missed=missed,
        still=lambda code: short_code(code) if is_id(code) else codes.place(code),
        # The page says "nothing" only if the API responded to all its calls.
        nothing=lambda none: visit.say("part.unknown" if missed else none),
        errors=errors,
        summary=_summary(visit, found, errors, page.labels),
        refusal=visit.refusal,
        versions=page.versions,
        support=_support(visit),
        form_fields=fields,
        once=once,
        sign_out=form_token(visit.visitor.csrf, "/session/end"),
        token=lambda action: form_token(visit.visitor.csrf, action),
        **page.values,
    )


def draw_plain(template: str, say: Wording, title: str, path: str, **values: Any) -> str:
    """Render a page without visitor data."""
    return _drawn(template, say, title, path=path, visitor=None, **values)


def _drawn(
    template: str, say: Wording, title: str, *, path: str, visitor: Visitor | None, **values: Any
) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            say=say,
            language=say.language,
            other=next_language(say.language),
            title=say(title),
            path=path,
            visitor=visitor,
            **values,
        )
    )


def _why(say: Wording, fault: Fault, refusal: Answer | None) -> str:
    """Return the reason, with its limit if the API gives one. If the code has no text, use the API's sentence for the
    field, or else for the whole request."""
    exact, known = f"limit.{fault.code}", f"error.{fault.code}"
    if fault.params and say.has(exact):
        return say(exact, **fault.params)
    if say.has(known):
        return say(known)
    own = refusal.body if refusal is not None and isinstance(refusal.body, dict) else {}
    return (
        said(fault.detail, fault.detail_params, say.language)
        or said(str(own.get("detail_code", "")), own.get("detail_params") or (), say.language)
        or say("error.other")
    )


# General codes, for which the page shows the API's own sentence.
_GENERIC = frozenset({"conflict", "invalid", "forbidden", "not_found", "bad_request"})
# File codes, for which the page also shows the API's sentence, because it names the columns or the line.
_DETAILED = frozenset(
    {"headers_missing", "unreadable_file", "unreadable_workbook", "instrument_unreadable"}
)


def reasons(answer: Answer, say: Wording) -> list[str]:
    """Return why the API refused and what to do, in the reader's language. For codes newer than this console, use the
    API's own words if the reader understands their language."""
    own = answer.body if isinstance(answer.body, dict) else {}
    params = own.get("detail_params") or ()
    detail = said(str(own.get("detail_code", "")), params, say.language)
    if answer.code in _GENERIC and detail:
        return [detail]
    key = f"problem.{answer.code}"
    if not say.has(key):
        title = str(own.get("title", "")) if say.language == "en" else ""
        general = say("problem.5xx" if answer.status >= 500 else "problem.4xx")
        return [" ".join(filter(None, (detail or title, general)))]
    return [say(key), *([detail] if detail and answer.code in _DETAILED else ())]


def _summary(
    visit: Visit, found: Sequence[Any], errors: Mapping[str, str], labels: Mapping[str, str]
) -> list[dict[str, str]] | None:
    """Return the summary above a refused form; None without a refusal."""
    if visit.refusal is None:
        return None
    listed = [
        {"text": f"{labels.get(f.name) or visit.say.label(f.name)}: {errors[f.name]}",
         "href": f"#{field_id(f.name)}"}
        for f in found
        if f.name
    ]  # fmt: skip
    if not listed:
        unplaced = [said(f.detail, f.detail_params, visit.language) for f in found if not f.name]
        told = [*reasons(visit.refusal, visit.say), *filter(None, unplaced)]
        listed = [{"text": text} for text in dict.fromkeys(told)]
    return listed


def _support(visit: Visit) -> str:
    """Return details for support: the API's code and sentence, and the request id in the logs."""
    if visit.refusal is None:
        return ""
    body = visit.refusal.body if isinstance(visit.refusal.body, dict) else {}
    number = visit.refusal.request_id or visit.calls.request_id
    return " · ".join(filter(None, (visit.refusal.code, str(body.get("detail", "")), number)))


def field_id(name: str) -> str:
    """Return a field's id without slashes, which URL fragments would escape."""
    return "f-" + name.removesuffix("[]").replace("/", "-")


@cache
def _environment() -> Environment:
    ours = Environment(
        loader=FileSystemLoader(str(files("console"))),
        autoescape=True,
        auto_reload=False,  # installed packages do not change while a process runs
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ours.globals |= {
        "asset": assets.address,
        "field_id": field_id,
        "Markup": Markup,
        "own_names": OWN_NAMES,
        "urgencies": tuple(words("urgencies")),
        "written": written_dates.written,
        **_macros(),
    }
    return ours


def _macros() -> dict[str, Any]:
    """Load the macros in their own environment, because they use undefined parameters, which our environment
    forbids."""
    theirs = Environment(
        loader=PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return {
        name: getattr(
            theirs.get_template(f"govuk_frontend_jinja/components/{folder}/macro.html").module, name
        )
        for folder, name in _COMPONENTS.items()
    }
