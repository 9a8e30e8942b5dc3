"""Published bulletins as an Atom feed (RFC 4287) in one language."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

from reporting.publish.bulletins.document.content import Content
from reporting.publish.bulletins.document.runs import plain, sentence_runs
from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.document.words import words_of

MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_XML = "{http://www.w3.org/XML/1998/namespace}"


class Issue(Protocol):
    """A published bulletin."""

    @property
    def id(self) -> UUID: ...
    @property
    def edition(self) -> int: ...
    @property
    def content(self) -> Content: ...
    @property
    def published_at(self) -> datetime | None: ...
    @property
    def told_at(self) -> datetime | None: ...
    @property
    def gone(self) -> Mapping[str, str] | None: ...


def atom(issues: Sequence[Issue], language: str, path: str, front: str) -> bytes:
    """Return the feed, with links relative to its own URL. `path` is the path of the bulletins. `front` is the
    deployment's own URL, which distinguishes its feed from others in the same reader."""
    own = f"{path}/feed?language={language}"
    feed = Element("feed", {"xmlns": _ATOM, f"{_XML}lang": language})
    _text(feed, "id", f"{front.rstrip('/')}{own}")
    _text(feed, "title", say("feed.title")[language])
    _text(
        feed, "updated", _moment(max((each.told_at or _NEVER for each in issues), default=_NEVER))
    )
    SubElement(_child(feed, "author"), "name").text = "Ruta"
    SubElement(feed, "link", {"rel": "self", "href": own})
    for each in issues:
        _entry(feed, each, language, path)
    made: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return made


def period_of(issue: Issue, language: str) -> str:
    """Return the period, and the edition if there are several."""
    edition = f" ({say('page.edition')[language]} {issue.edition})" if issue.edition > 1 else ""
    return f"{issue.content.period_label[language]}{edition}"


def reason_of(issue: Issue, language: str) -> str | None:
    """Return why the bulletin was withdrawn, or None."""
    return f"{say('page.withdrawn')[language]}: {issue.gone[language]}" if issue.gone else None


_NEVER = datetime(2026, 1, 1, tzinfo=UTC)


def _entry(feed: Element, issue: Issue, language: str, path: str) -> None:
    content = issue.content
    entry = _child(feed, "entry")
    _text(entry, "id", issue.id.urn)
    title = f"{content.title[language]} · {period_of(issue, language)}"
    gone = reason_of(issue, language)
    _text(entry, "title", f"{say('page.withdrawn')[language]}: {title}" if gone else title)
    _text(entry, "published", _moment(issue.published_at or _NEVER))
    _text(entry, "updated", _moment(issue.told_at or _NEVER))
    if gone:
        page = {"rel": "alternate", "type": "text/html", "href": f"{path}/page?language={language}"}
        SubElement(entry, "link", page)
        _text(entry, "summary", gone)
        return
    files = f"{path}/{issue.id}/files/{language}"
    SubElement(
        entry, "link", {"rel": "alternate", "type": "text/html", "href": f"{files}/bulletin.html"}
    )
    SubElement(
        entry,
        "link",
        {"rel": "enclosure", "type": "application/pdf", "href": f"{files}/bulletin.pdf"},
    )
    said = words_of(content).get("highlights", {}).get(language)
    _text(entry, "summary", said or plain(sentence_runs(content.standing, language)))


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _child(parent: Element, name: str) -> Element:
    return SubElement(parent, name)


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text
