"""Pages for administrators: people, clients, organisations, and the history of their changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import segno
from common.auth import SCOPES, scopes_of
from markupsafe import Markup

from console.accounts import forms
from console.answers import Answer, together
from console.codes import Areas, Codes
from console.conflicts import Versions
from console.doings import identity_change, identity_kind, is_id
from console.forms import body, flat
from console.listings import next_page, organisation_names
from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Elsewhere, Outcome, Page, Refused, Visit, shown

screens = Screens()
_ORGANISATIONS, _CHANGES = "/identity/v1/organisations", "/identity/v1/changes"
_MOST = 200
_FILTERS = ("search", "organisation_id", "role", "active")


_Texts = tuple[str, str, str, str]
"""The texts of a list: its title, heading and lead, and the label for adding something."""


@dataclass(frozen=True)
class _Holders:
    """One kind of account, people or clients, with its URLs and texts."""

    part: str
    one: str
    texts: _Texts
    new: tuple[str, ...]
    fields: tuple[str, ...]
    last: str
    known: str
    never: str
    filters: tuple[str, ...]

    @property
    def api(self) -> str:
        return f"/identity/v1/{self.part}"

    def of(self, visit: Visit) -> str:
        """Return the id of the account that the page shows."""
        return visit.ids[f"{self.one}_id"]

    def last_seen(self, visit: Visit, one: Mapping[str, Any]) -> str:
        if self.last not in one:
            return ""
        day = one[self.last]
        return visit.say(self.known, day=visit.moments.day(day)) if day else visit.say(self.never)


_PEOPLE = _Holders(
    part="people",
    one="person",
    texts=("title.people", "people.heading", "people.lead", "people.new"),
    new=forms.NEW_PERSON,
    fields=forms.RIGHTS,
    last="last_sign_in_on",
    known="people.last",
    never="people.never",
    filters=(*_FILTERS, "invited"),
)
_CLIENTS = _Holders(
    part="clients",
    one="client",
    texts=("title.clients", "clients.heading", "clients.lead", "clients.new"),
    new=forms.NEW_CLIENT,
    fields=("name", *forms.RIGHTS),
    last="last_used_on",
    known="clients.used",
    never="clients.unused",
    filters=_FILTERS,
)


async def _with_organisations(
    visit: Visit, path: str, **asked: Any
) -> tuple[Answer, dict[str, str]]:
    answer, listed = await together(
        visit.calls.get(path, **asked), visit.calls.get(_ORGANISATIONS, limit=_MOST)
    )
    shown(answer)
    return answer, {one["id"]: one["name"] for one in listed.items}


def _choices(visit: Visit) -> dict[str, Any]:
    say = visit.say
    return {
        "roles": [(role, say.known(f"role.{role}", "role.reader")) for role in forms.ROLES],
        "scopes": [(scope, say(f"scope.{scope}")) for scope in SCOPES],
        "carried": {
            role: say(
                "rights.allows",
                what="; ".join(say(f"scope.{scope}") for scope in scopes_of([role])),
            )
            for role in forms.ROLES
        },
        "permissions": [(way, say(f"rights.{way}")) for way in (forms.OF_ROLES, forms.EXCEPTIONS)],
        "days": [(str(days), say("invitation.days", n=days)) for days in forms.INVITATION_DAYS],
        "scopes_of": scopes_of,
        "aors": [(aor, say(f"aor.{aor}")) for aor in forms.AORS],
        "places": [
            (code, name) for _, places in Areas(visit.country).groups for code, name in places[:1]
        ],
    }


_Told = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _list(
    visit: Visit,
    part: str,
    texts: _Texts,
    listed: Answer,
    told: _Told,
    organisations: Mapping[str, str] | None = None,
    filters: tuple[str, ...] = (),
) -> Page:
    """Show a list. With `organisations` (by id), visitors can filter the list by organisation."""
    title, heading, lead, new = texts
    return Page(
        "accounts/templates/list.html",
        title,
        {
            "part": part,
            "kept": (kept := {name: visit.asked(name) for name in filters}),
            "organisations": sorted((organisations or {}).items(), key=itemgetter(1)),
            "roles": [
                (role, visit.say.known(f"role.{role}", "role.reader")) for role in forms.ROLES
            ],
            "heading": visit.say(heading),
            "lead": visit.say(lead),
            "new": visit.say(new),
            "rows": [
                {
                    "path": f"/console/{part}/{one['id']}",
                    "active": one["active"],
                    "state": visit.say("people.active" if one["active"] else "people.inactive"),
                    **told(one),
                }
                for one in listed.items
            ],
            "more": next_page(f"/console/{part}", listed, kept),
        },
    )


async def _list_of(visit: Visit, holders: _Holders, told: _Told) -> Page:
    listed, names = await _with_organisations(
        visit,
        holders.api,
        limit=50,
        cursor=visit.asked("cursor"),
        **{name: visit.asked(name) for name in holders.filters},
    )
    return _list(
        visit,
        holders.part,
        holders.texts,
        listed,
        lambda one: {
            "of": names.get(one["organisation_id"] or "", ""),
            "last": holders.last_seen(visit, one),
            **told(one),
        },
        names,
        holders.filters,
    )


async def _page_of(
    visit: Visit,
    holders: _Holders,
    told: Callable[[Mapping[str, Any], Visit], str] = lambda _one, _visit: "",
) -> Page:
    one, names = await _with_organisations(visit, f"{holders.api}/{holders.of(visit)}")
    holder = one.body
    return Page(
        f"accounts/templates/{holders.one}.html",
        holders.texts[0],
        {
            **_choices(visit),
            "holder": holder,
            "version": one.version,
            "of": names.get(holder["organisation_id"] or "", ""),
            "last": holders.last_seen(visit, holder),
            "told": _invited(holder, visit) or told(holder, visit),
            "invited": holder.get("invited_until"),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=holders.fields,
        address=f"/console/{holders.part}/{holders.of(visit)}",
        versions=_beside(visit, holder, holders.fields),
    )


def _beside(visit: Visit, now: Mapping[str, Any], names: tuple[str, ...]) -> Versions | None:
    """Return both versions after a conflict; None for the on/off form, which has no rights."""
    if visit.typed.has("active"):
        return None
    words = {
        f"{name}[]": dict(offered)
        for name, offered in _choices(visit).items()
        if name in {"roles", "scopes", "aors"}
    }
    codes = Codes(visit.language)

    def worded(name: str, value: str) -> str:
        return codes.place(value) if name == "areas[]" else words.get(name, {}).get(value, value)

    return visit.beside(flat(now, names), names, worded=worded)


async def _new(visit: Visit, holders: _Holders) -> Page:
    listed = await visit.calls.get(_ORGANISATIONS, limit=_MOST)
    return Page(
        f"accounts/templates/new_{holders.one}.html",
        holders.texts[0],
        {**_choices(visit), "organisations": [(one["id"], one["name"]) for one in listed.items]},
        fields=holders.new,
    )


async def _add(visit: Visit, holders: _Holders) -> Outcome:
    wanted = {
        "roles": [],
        "scopes": [],
        **body(visit.typed, holders.new, numbers=(forms.INVITED_FOR,)),
        **forms.carried(visit.typed),
    }
    return _credentials(visit, holders, await visit.calls.post(holders.api, wanted, key=visit.key))


async def _post(visit: Visit, holders: _Holders, what: str) -> Answer:
    return await visit.calls.post(f"{holders.api}/{holders.of(visit)}/{what}", {}, key=visit.key)


def _credentials(visit: Visit, holders: _Holders, answer: Answer) -> Outcome:
    """Show secrets once. A resubmitted form only reports that they were shown."""
    if not answer.ok:
        return Refused(answer)
    one = answer.body
    uri, link = one.get("second_factor_uri"), one.get("invitation_url")
    drawn = uri or link
    address = f"/console/{holders.part}/{one['id']}"
    return Page(
        "accounts/templates/credentials.html",
        "title.credentials",
        {
            "name": one.get("sign_in_name") or one["id"],
            "password": one.get("password"),
            "secret": one.get("secret"),
            "uri": uri,
            "link": link,
            "until": visit.moments.at(one.get("invited_until")),
            "qr": _qr(drawn, visit.say("credentials.qr" if uri else "invitation.qr"))
            if drawn
            else "",
            "back": address,
        },
        address=address,
    )


def _qr(uri: str, words: str) -> Markup:
    drawn = segno.make(uri, error="m").svg_inline(scale=5, border=4, light="#fff")
    return (
        Markup('<div class="qr" role="img" aria-label="{}">').format(words)
        + Markup(  # noqa: S704 - drawn by segno from squares
            drawn
        )
        + Markup("</div>")
    )


async def _change(visit: Visit, part: str, identifier: str, change: Mapping[str, Any]) -> Outcome:
    path, version = f"/identity/v1/{part}/{identifier}", visit.typed.one("version")
    answer = await visit.calls.patch(path, change, key=visit.key, version=version)
    return _changed(answer, part, identifier)


def _changed(answer: Answer, part: str, identifier: str) -> Outcome:
    return Elsewhere(f"/console/{part}/{identifier}?done=1") if answer.ok else Refused(answer)


@screens.page("/people", query=(*_PEOPLE.filters, "cursor"))
async def people(visit: Visit) -> Page:
    return await _list_of(
        visit,
        _PEOPLE,
        lambda one: {
            "name": one["sign_in_name"],
            "roles": _roles(one, visit),
            **({"last": _reading(one, visit)} if one.get("unread_since") else {}),
            **({"last": _invited(one, visit)} if one.get("invited_until") else {}),
        },
    )


def _reading(one: Mapping[str, Any], visit: Visit) -> str:
    """Describe whether the person has read the notice about their sign-in."""
    since, denied, moments = one.get("unread_since"), one.get("not_asked_for_at"), visit.moments
    if not since:
        return visit.say("people.read")
    if denied and datetime.fromisoformat(denied) >= datetime.fromisoformat(since):
        return visit.say("people.not_asked_for", at=moments.at(denied))
    return visit.say("people.unread", at=moments.at(since))


def _invited(one: Mapping[str, Any], visit: Visit) -> str:
    """Describe an unused invitation; empty without one."""
    until = one.get("invited_until")
    if not until:
        return ""
    over = datetime.fromisoformat(until) <= visit.moments.now
    return visit.say("invitation.over" if over else "invitation.until", at=visit.moments.at(until))


def _roles(one: Mapping[str, Any], visit: Visit) -> str:
    return "; ".join(visit.say.known(f"role.{role}", "role.reader") for role in one["roles"])


@screens.page("/people/new")
async def new_person(visit: Visit) -> Page:
    return await _new(visit, _PEOPLE)


@screens.form("/people/new", show=new_person)
async def add_person(visit: Visit) -> Outcome:
    return await _add(visit, _PEOPLE)


@screens.page("/people/{person_id:uuid}", query=("done",))
async def person(visit: Visit) -> Page:
    return await _page_of(visit, _PEOPLE, _reading)


@screens.form("/people/{person_id:uuid}", show=person)
async def change_person(visit: Visit) -> Outcome:
    change = forms.change_of_person(visit.typed)
    return await _change(visit, "people", _PEOPLE.of(visit), change)


@screens.form("/people/{person_id:uuid}/credentials", show=person)
async def renew_credentials(visit: Visit) -> Outcome:
    return _credentials(visit, _PEOPLE, await _post(visit, _PEOPLE, "credentials"))


@screens.form("/people/{person_id:uuid}/invitation", show=person)
async def invite(visit: Visit) -> Outcome:
    wanted = body(visit.typed, ("days",), numbers=("days",))
    path = f"{_PEOPLE.api}/{_PEOPLE.of(visit)}/invitation"
    return _credentials(visit, _PEOPLE, await visit.calls.post(path, wanted, key=visit.key))


@screens.form("/people/{person_id:uuid}/invitation/revocation", show=person)
async def revoke_invitation(visit: Visit) -> Outcome:
    answer = await _post(visit, _PEOPLE, "invitation/revocation")
    return _changed(answer, "people", _PEOPLE.of(visit))


@screens.page("/clients", query=(*_FILTERS, "cursor"))
async def clients(visit: Visit) -> Page:
    return await _list_of(visit, _CLIENTS, lambda one: {"name": one["id"], "roles": one["name"]})


@screens.page("/clients/new")
async def new_client(visit: Visit) -> Page:
    return await _new(visit, _CLIENTS)


@screens.form("/clients/new", show=new_client)
async def add_client(visit: Visit) -> Outcome:
    return await _add(visit, _CLIENTS)


@screens.page("/clients/{client_id}", query=("done",))
async def client(visit: Visit) -> Page:
    return await _page_of(visit, _CLIENTS)


@screens.form("/clients/{client_id}", show=client)
async def change_client(visit: Visit) -> Outcome:
    change = forms.change_of_client(visit.typed)
    return await _change(visit, "clients", _CLIENTS.of(visit), change)


@screens.form("/clients/{client_id}/secret", show=client)
async def renew_secret(visit: Visit) -> Outcome:
    return _credentials(visit, _CLIENTS, await _post(visit, _CLIENTS, "secret"))


@screens.form("/clients/{client_id}/revocation", show=client)
async def revoke(visit: Visit) -> Outcome:
    return _changed(await _post(visit, _CLIENTS, "revocation"), "clients", _CLIENTS.of(visit))


@screens.page("/organisations", query=("cursor",))
async def organisations(visit: Visit) -> Page:
    listed = await visit.calls.get(_ORGANISATIONS, limit=50, cursor=visit.asked("cursor"))
    shown(listed)
    words = ("organisations.active", "organisations.inactive")
    return _list(
        visit,
        "organisations",
        (
            "title.organisations",
            "organisations.heading",
            "organisations.lead",
            "organisations.new",
        ),
        listed,
        lambda one: {
            "name": one["name"],
            "of": ", ".join(visit.say(f"aor.{aor}") for aor in one["aors"]),
            "roles": "",
            "last": "",
            "state": visit.say(words[0] if one["active"] else words[1]),
        },
    )


@screens.page("/organisations/new")
async def new_organisation(visit: Visit) -> Page:
    return Page(
        "accounts/templates/new_organisation.html",
        "title.organisations",
        _choices(visit),
        fields=forms.NEW_ORGANISATION,
    )


@screens.form("/organisations/new", show=new_organisation)
async def add_organisation(visit: Visit) -> Outcome:
    answer = await visit.calls.post(
        _ORGANISATIONS, body(visit.typed, forms.NEW_ORGANISATION), key=visit.key
    )
    if not answer.ok:
        return Refused(answer)
    return Elsewhere(f"/console/organisations/{answer.body['id']}?done=1")


@screens.page("/organisations/{organisation_id:uuid}", query=("done",))
async def organisation(visit: Visit) -> Page:
    identifier = visit.ids["organisation_id"]
    one, people_of, clients_of = await together(
        visit.calls.get(f"{_ORGANISATIONS}/{identifier}"),
        visit.calls.get(_PEOPLE.api, limit=_MOST),
        visit.calls.get(_CLIENTS.api, limit=_MOST),
    )
    found = shown(one)
    names = await organisation_names(visit.calls, {identifier})
    return Page(
        "accounts/templates/organisation.html",
        "title.organisations",
        {
            **_choices(visit),
            "organisation": found,
            "directory_name": names.get(identifier, ""),
            "version": one.version,
            "consequence": _consequence(visit, identifier, people_of, clients_of),
            "done": visit.asked("done") and visit.refusal is None,
        },
        fields=forms.NEW_ORGANISATION,
        address=f"/console/organisations/{identifier}",
        versions=_beside(visit, found, forms.NEW_ORGANISATION),
    )


def _consequence(visit: Visit, identifier: str, people_of: Answer, clients_of: Answer) -> str:
    """Describe how many people and clients are signed out. If a list has further pages, say only that some are."""
    if not all(one.ok and not one.body.get("next_cursor") for one in (people_of, clients_of)):
        return visit.say("organisations.off_some")

    def active(answer: Answer) -> int:
        return sum(
            1 for one in answer.items if one["organisation_id"] == identifier and one["active"]
        )

    return visit.say("organisations.off_hint", people=active(people_of), clients=active(clients_of))


@screens.form("/organisations/{organisation_id:uuid}", show=organisation)
async def change_organisation(visit: Visit) -> Outcome:
    identifier = visit.ids["organisation_id"]
    change = forms.change_of_organisation(visit.typed)
    return await _change(visit, "organisations", identifier, change)


@screens.page("/changes", query=("target", "cursor"))
async def changes(visit: Visit) -> Page:
    """Show access changes: all of them, or those of one person, client or organisation."""
    kept = {"target": visit.asked("target")}
    listed = await visit.calls.get(_CHANGES, limit=50, cursor=visit.asked("cursor"), **kept)
    shown(listed)
    say = visit.say
    return Page(
        "accounts/templates/changes.html",
        "title.changes",
        {
            "rows": [
                (
                    visit.moments.at(one["at"]),
                    identity_change(one["what"], say),
                    " ".join((identity_kind(one["kind"], say), _whom(one))).strip(),
                    one.get("by_name") or _target(one["by_subject"]),
                )
                for one in listed.items
            ],
            "one": kept["target"],
            "more": next_page("/console/changes", listed, kept),
        },
    )


def _whom(one: Mapping[str, Any]) -> str:
    """Return the name of the changed person, client or organisation; empty for the record itself."""
    return "" if one["kind"] == "record" else one.get("target_name") or _target(one["target"])


def _target(text: str) -> str:
    return short_code(text) if is_id(text) else text
