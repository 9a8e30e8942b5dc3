"""Formats directory entries, and the effect of approving them, for display. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.texts import Wording

_LONGEST = 400


@dataclass(frozen=True)
class Change:
    field: str
    old: str
    new: str


def changes(found: Iterable[Mapping[str, Any]], say: Wording, codes: Codes) -> list[Change]:
    """Return the changes side by side; visibility comes first."""
    rows = [
        Change(
            field_of(one["pointer"], say),
            said(one.get("old"), say, codes),
            said(one.get("new"), say, codes),
        )
        for one in sorted(found, key=lambda one: "visibility" not in one["pointer"])
    ]
    return [row for row in rows if row.old != row.new]


def changed(one: Mapping[str, Any], say: Wording, codes: Codes) -> tuple[str, str, str]:
    """Return a line of the history: field, old value, new value. The first line covers the whole entry."""
    if not one["pointer"]:
        return say("entry.created"), "–", "–"
    old, new = one.get("old"), one.get("new")
    if one["pointer"] == "/state":
        old, new = (
            each and say.known(f"entry.state.{each}", "entry.state.other") for each in (old, new)
        )
    return field_of(one["pointer"], say), said(old, say, codes), said(new, say, codes)


def since(
    history: Iterable[Mapping[str, Any]], opened: str, say: Wording, codes: Codes
) -> list[tuple[str, str, str]]:
    """Return other people's changes after this version, as history lines. A proxy may have appended its compression
    scheme to the version (`5-gzip`)."""
    number = opened.partition("-")[0]
    version = int(number) if number.isdecimal() else 0
    return [changed(each, say, codes) for each in history if each["version"] > version]


def field_of(pointer: str, say: Wording) -> str:
    """Return a field's path with labels where they exist, without list indexes and ids."""
    parts = [part for part in pointer.strip("/").split("/") if part and not _is_id(part)]
    return " · ".join(
        say(f"entry.field.{part}") if say.has(f"entry.field.{part}") else part for part in parts
    ) or say("entry.field.whole")


def _is_id(part: str) -> bool:
    return part.isdigit() or (len(part) == 36 and part.count("-") == 4)


def said(value: Any, say: Wording, codes: Codes) -> str:
    """Return a document value as one line of text."""
    if value in (None, "", [], {}):
        return "–"
    if isinstance(value, bool):
        return say("entry.yes" if value else "entry.no")
    if isinstance(value, list):
        return "; ".join(said(each, say, codes) for each in value)
    if isinstance(value, dict):
        parts = [
            f"{field_of(name, say)}: {said(each, say, codes)}"
            for name, each in value.items()
            if not _is_id(str(each)) and each not in (None, "", [], {}) and name != "id"
        ]
        return ", ".join(parts)[:_LONGEST]
    text = str(value)
    if say.has(f"visibility.{text}"):
        return say(f"visibility.{text}")
    if say.has(f"capacity.{text}"):
        return say(f"capacity.{text}")
    place = codes.place(text) if _is_place(text) else text
    return codes.need(place) if place == text else place


def _is_place(text: str) -> bool:
    return 2 < len(text) <= 8 and text[:2].isupper() and text[2:].isdigit()


@dataclass(frozen=True)
class Preview:
    """The entry as one group of readers sees it. `name` is empty if the group must not know of the entry. `shown` and
    `hidden` are what approval would reveal to them and hide from them."""

    level: str
    who: str
    name: str
    facts: tuple[tuple[str, str], ...]
    appears: bool
    vanishes: bool
    shown: tuple[str, ...]
    hidden: tuple[str, ...]


def name_in(document: Mapping[str, Any], language: str) -> str:
    """Return the name of a service, in the reader's language if it is translated."""
    translated = (document.get("translations") or {}).get(language) or {}
    return str(translated.get("name") or document.get("name", ""))


def previews(views: Iterable[Mapping[str, Any]], say: Wording, codes: Codes) -> list[Preview]:
    return [_preview(view, say, codes) for view in views]


def _preview(view: Mapping[str, Any], say: Wording, codes: Codes) -> Preview:
    before, after = view["before"], view["after"]
    document = after or {}
    found = view["differences"] if before and after else []
    return Preview(
        view["level"],
        say(f"entry.seen_by.{view['level']}"),
        name_in(document, say.language),
        tuple(_facts(document, say, codes)) if document else (),
        appears=after is not None and before is None,
        vanishes=after is None and before is not None,
        shown=_unique(field_of(d["pointer"], say) for d in found if d.get("new") is not None),
        hidden=_unique(field_of(d["pointer"], say) for d in found if d.get("new") is None),
    )


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _facts(document: Mapping[str, Any], say: Wording, codes: Codes) -> Iterable[tuple[str, str]]:
    """Yield the facts that could help somebody find the place or the people."""
    needs = [codes.need(code) for code in document.get("categories", [])]
    yield say("entry.field.categories"), ", ".join(needs)
    phones = [phone["number"] for phone in document.get("phones", []) if phone.get("number")]
    sites = [site.get("location") or {} for site in document.get("service_at_locations", [])]
    phones += [p["number"] for site in sites for p in site.get("phones", []) if p.get("number")]
    yield say("entry.field.phones"), ", ".join(dict.fromkeys(phones))
    yield say("entry.field.pcode"), ", ".join(codes.place(site.get("pcode")) for site in sites)
    addresses = [a.get("address_1", "") for site in sites for a in site.get("addresses", [])]
    yield (
        say("entry.field.addresses"),
        ", ".join(filter(None, addresses)) or say("entry.no_address"),
    )
    exact = any(site.get("latitude") is not None for site in sites)
    yield say("entry.field.latitude"), say("entry.yes" if exact else "entry.no")


@dataclass(frozen=True)
class Line:
    path: str
    name: str
    needs: str
    state: str
    seen: str
    changed: str
    endorsed: str
    withheld: bool


def endorsed(seen: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the areas of responsibility that endorse the published service, as seen by any audience."""
    return frozenset(aor for one in seen for aor in (one["before"] or {}).get("endorsed_by") or ())


def lines(items: Iterable[Mapping[str, Any]], say: Wording, moments: Moments) -> list[Line]:
    return [
        Line(
            f"/console/entries/{one['id']}",
            one["name"],
            ", ".join(say(f"aor.{aor}") for aor in one["aors"]),
            say.known(f"entry.state.{one['state']}", "entry.state.other"),
            say.known(f"visibility.{one['visibility']}", "visibility.public"),
            moments.at(one["modified_at"]),
            ", ".join(say(f"aor.{aor}") for aor in one.get("endorsed_by") or []),
            one["withheld"],
        )
        for one in items
    ]
