"""Formats the blocks of an unpublished bulletin for display. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.forms import Typed
from console.texts import Wording

OWN_WORDS = ("highlights", "challenges", "practices", "next-steps", "helplines", "contacts")
"""Parts that consist only of people's texts, besides the analysis of each section."""


@dataclass(frozen=True)
class Block:
    kind: str
    text: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    paragraphs: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    blocks: tuple[Block, ...]


def sections(content: Mapping[str, Any], say: Wording) -> list[Section]:
    return [
        Section(
            one["id"],
            one["title"][say.language],
            tuple(_block(block, say) for block in one["blocks"]),
        )
        for one in content["sections"]
    ]


def _block(block: Mapping[str, Any], say: Wording) -> Block:
    language, kind = say.language, block.get("kind", "sentence")
    if kind == "words":
        return Block(kind, paragraphs=tuple(block["text"][language].split("\n")))
    if kind == "key-figures":
        rows = tuple((one["label"][language], figure(one["figure"], say)) for one in block["items"])
        return Block("table", heads=(say("figures.what"), say("figures.count")), rows=rows)
    if kind in {"table", "chart"}:
        table = block["table"] if kind == "chart" else block
        return Block(
            "table",
            table["caption"][language],
            tuple(column["text"][language] for column in table["columns"]),
            tuple(tuple(_cell(cell, say) for cell in row) for row in table["rows"]),
        )
    return Block("sentence", _sentence(block, say))


def _cell(cell: Mapping[str, Any], say: Wording) -> str:
    return str(cell["text"][say.language]) if "text" in cell else figure(cell, say)


def _sentence(block: Mapping[str, Any], say: Wording) -> str:
    text = str(block["text"][say.language])
    for name, one in (block.get("figures") or {}).items():
        text = text.replace(f"{{{name}}}", figure(one, say))
    for name, one in (block.get("labels") or {}).items():
        text = text.replace(f"{{{name}}}", str(one["text"][say.language]))
    return text


def figure(one: Mapping[str, Any], say: Wording) -> str:
    """Return a number with its interval, or the reason why there is no number."""
    if one["value"] is None:
        absent = one.get("absent") or {}
        return str(absent.get(say.language, "–"))
    value, low, high = one["value"], one.get("low"), one.get("high")
    if one.get("form") == "share":
        return f"{round(float(value) * 100)} %"
    if low is None or high is None:
        return str(value)
    if float(low) <= 0:
        return say("figures.few", high=high)
    return say("figures.about", count=value, low=low, high=high)


def refusal(publication: Mapping[str, Any], say: Wording) -> str:
    problem = publication.get("problem")
    return say.known(f"problem.{problem['code']}", "problem.conflict") if problem else ""


@dataclass(frozen=True)
class Written:
    """A written text in both languages, under its name in the API."""

    name: str
    title: str
    es: str
    en: str


def words(content: Mapping[str, Any], say: Wording) -> list[Written]:
    found = {
        one["id"]: block["text"]
        for one in content["sections"]
        for block in one["blocks"]
        if block.get("kind") == "words"
    }
    machine = [one for one in content["sections"] if one["id"] not in OWN_WORDS]
    named = [
        *((name, say(f"words.{name}")) for name in OWN_WORDS),
        *((one["id"], one["title"][say.language]) for one in machine),
    ]
    return [
        Written(name, title, found.get(name, {}).get("es", ""), found.get(name, {}).get("en", ""))
        for name, title in named
    ]


FRAME = (*OWN_WORDS, "glossary", "sources")
"""Parts that cannot be moved or hidden."""


def movable(content: Mapping[str, Any], say: Wording) -> list[Mapping[str, Any]]:
    """Return the sections that people can move and hide, each with the possible actions."""
    own = [one for one in content["sections"] if one["id"] not in FRAME]
    hidden = set(content["hidden"])
    return [
        {
            "id": one["id"],
            "title": one["title"][say.language],
            "hidden": one["id"] in hidden,
            "acts": [
                *(["up"] if at else []),
                *(["down"] if at < len(own) - 1 else []),
                "show" if one["id"] in hidden else "hide",
            ],
        }
        for at, one in enumerate(own)
    ]


def rearranged(content: Mapping[str, Any], act: str, section: str) -> dict[str, list[str]]:
    """Return the new section order and hidden sections after one action on a section."""
    order = [one["id"] for one in content["sections"] if one["id"] not in FRAME]
    hidden = [name for name in content["hidden"] if name != section or act != "show"]
    if section in order:
        at = order.index(section)
        to = at + {"up": -1, "down": 1}.get(act, 0)
        order.insert(min(max(to, 0), len(order)), order.pop(at))
        if act == "hide" and section not in hidden:
            hidden.append(section)
    return {"order": order, "hidden": hidden}


@dataclass(frozen=True)
class Content:
    """A line of the table of contents. `acts` lists the ways to move the section; it is empty for the free-standing
    parts."""

    id: str
    title: str
    written: bool
    hidden: bool
    acts: Sequence[str]


def contents(content: Mapping[str, Any], written: Iterable[Written], say: Wording) -> list[Content]:
    """Return the parts that people write: the free-standing parts first, then the sections in order."""
    movable_by = {one["id"]: one["acts"] for one in movable(content, say)}
    return [
        Content(
            one.name,
            one.title,
            bool(one.es or one.en),
            one.name in content["hidden"],
            movable_by.get(one.name, ()),
        )
        for one in written
    ]


def standing(written: Iterable[Written]) -> dict[str, str]:
    """Return the current texts by field name."""
    return {
        f"texts/{one.name}/{code}": text
        for one in written
        for code, text in (("es", one.es), ("en", one.en))
    }


def steps(
    bulletin: Mapping[str, Any], untraced: Sequence[Any] | None, say: Wording
) -> list[tuple[str, str]]:
    """Return the steps to publication, each done or still to do."""
    signed, live = bulletin["signed_off_at"] is not None, bulletin["state"] == "published"
    worded = any(
        block["kind"] == "words"
        for one in bulletin["content"]["sections"]
        for block in one["blocks"]
    )
    traced = None if untraced is None else not untraced
    rest = [
        (say(f"bulletin.step.{name}"), say(f"bulletin.step.{_said(done)}"))
        for name, done in (
            ("trace", traced),
            ("signed", signed),
            ("published", live),
        )
    ]
    return [
        (say("bulletin.step.words"), say(f"bulletin.step.{'done' if worded else 'none'}")),
        *rest,
    ]


def charts(content: Mapping[str, Any], say: Wording) -> dict[str, str]:
    """Return chart titles by file name without extension."""
    return {
        block["table"]["id"]: block["title"][say.language]
        for section in content["sections"]
        for block in section["blocks"]
        if block.get("kind") == "chart"
    }


@dataclass(frozen=True)
class Kind:
    """Files of one kind, as pairs of URL and language. Each chart has its own kinds."""

    name: str
    chart: bool
    files: tuple[tuple[str, str], ...]


def kinds(
    files: Iterable[Mapping[str, Any]], titles: Mapping[str, str], say: Wording
) -> list[Kind]:
    """Return the files by kind and chart, in the API's order."""
    found: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for one in files:
        name, _, form = one["name"].rpartition(".")
        kind = say("bulletin.file.summary" if name == "summary" else f"bulletin.file.{form}")
        what = f"{titles[name]}: {kind}" if name in titles else kind
        language = (one["path"], say(f"risks.{one['language']}"))
        found.setdefault((what, name in titles), []).append(language)
    return [Kind(what, chart, tuple(files)) for (what, chart), files in found.items()]


def _said(done: bool | None) -> str:
    return "unknown" if done is None else "done" if done else "open"


def labels(written: Iterable[Written], say: Wording) -> dict[str, str]:
    return {
        f"texts/{one.name}/{code}": say(f"bulletin.in.{code}", title=one.title)
        for one in written
        for code in ("es", "en")
    }


def texts(written: Iterable[Written], typed: Typed) -> dict[str, dict[str, str]]:
    """Return the stored texts, overridden by the typed ones, omitting empty texts."""
    sent = {name.split("/")[1] for name, _ in typed.pairs if name.startswith("texts/")}
    found: dict[str, dict[str, str]] = {}
    for one in written:
        if one.name not in sent:
            said = {code: text for code, text in (("es", one.es), ("en", one.en)) if text}
            found |= {one.name: said} if said else {}
    for name, value in typed.pairs:
        kind, _, rest = name.partition("/")
        part, _, language = rest.rpartition("/")
        if kind == "texts" and part and value.strip():
            found.setdefault(part, {})[language] = value.strip()
    return found
