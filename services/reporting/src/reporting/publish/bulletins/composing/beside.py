"""The optional sections: stakeholders, judgements, milestones."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from common.words.codelists import organisation_types
from common.words.languages import LANGUAGES

from reporting.count.milestones.plan import LABELS, OPEN, late
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.ground.language import Text
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.publish.bulletins.composing.evidence import Evidence, UntraceableError, figure
from reporting.publish.bulletins.composing.parts import place, section, sentence, table
from reporting.publish.bulletins.document.content import NOTHING, Content, Label, Section
from reporting.publish.bulletins.document.figures import Figure, OutsideSource, ReleaseSource
from reporting.publish.bulletins.document.texts import say
from reporting.publish.bulletins.document.words import without_words
from reporting.publish.judgements.citations import Cited, Statement
from reporting.publish.judgements.schemas import FigureBasis, SeriesBasis
from reporting.publish.judgements.tree import SWOT, TREE, branches

AHEAD = timedelta(days=183)
"""Milestones in the next two quarters appear as next steps; later ones only in the plan."""


def stakeholders(
    _period: Period, evidence: Evidence, _catalogue: Catalogue | None = None
) -> Section | None:
    found = evidence.beside.stakeholders
    if not found:
        return None
    heads = ("institution", "mandate", "does", "where", "contact")
    rows = (_institution(each, evidence) for each in found)
    listed = table("stakeholders", "stakeholders.table", heads, rows)
    return section("stakeholders", listed, sentence("stakeholders.note"))


def _institution(body: StakeholderBody, evidence: Evidence) -> tuple[Label, ...]:
    types = organisation_types()
    names = body.name.model_dump() if body.name else dict.fromkeys(LANGUAGES, "")
    where = [place(each, evidence).text for each in body.presence or ()]
    return (
        Label(text={lang: f"{names[lang]} ({types.label(body.type, lang)})" for lang in LANGUAGES}),
        Label(text=body.mandate.model_dump()),
        Label(text=body.does.model_dump()),
        Label(text={lang: ", ".join(each[lang] for each in where) for lang in LANGUAGES}),
        Label(text=_reached(body)),
    )


def _reached(body: StakeholderBody) -> Text:
    if body.contact is None:
        return dict.fromkeys(LANGUAGES, "")
    function = body.contact.function.model_dump()
    channels = filter(None, (body.contact.phone, body.contact.email, body.contact.url))
    how = ", ".join(channels)
    return {lang: f"{function[lang]}: {how}" for lang in LANGUAGES}


def problem_tree(
    _period: Period, evidence: Evidence, _catalogue: Catalogue | None = None
) -> Section | None:
    nodes = [each for each in evidence.beside.statements if each.place in TREE]
    parents = {each.id: each.parent for each in nodes}
    by_id = {each.id: each for each in nodes}
    ordered = [(by_id[node], depth) for node, depth in branches(parents)]
    ordered.sort(key=lambda found: TREE.index(found[0].place))
    return _judged("problem-tree", ordered, evidence, note=True)


def swot(
    _period: Period, evidence: Evidence, _catalogue: Catalogue | None = None
) -> Section | None:
    listed = [(each, 0) for each in evidence.beside.statements if each.place in SWOT]
    listed.sort(key=lambda found: SWOT.index(found[0].place))
    told = any(each.place in TREE for each in evidence.beside.statements)
    return _judged("swot", listed, evidence, note=not told)


def _judged(
    name: str, statements: Iterable[tuple[Statement, int]], evidence: Evidence, *, note: bool
) -> Section | None:
    rows = [row for each, depth in statements for row in _statement(each, depth, evidence)]
    if not rows:
        return None
    heads = ["standing", "statement", "rests_on"]
    if any(isinstance(row[-1], Figure) for row in rows):
        heads.append("figure")
    listed = table(name, "judgements.table", heads, (row[: len(heads)] for row in rows))
    return section(name, listed, sentence("judgements.note") if note else None)


def _statement(
    statement: Statement, depth: int, evidence: Evidence
) -> Iterator[tuple[Label | Figure, ...]]:
    """Yield a row for each citation; the first row contains the statement. Yield nothing if a cited figure is older
    than a bulletin's evidence, because it could not be traced."""
    try:
        figures = [_figure(each, evidence) for each in statement.cited]
    except UntraceableError:
        return
    review = say("place.review") if statement.id in evidence.beside.superseded else {}
    head = {
        lang: "– " * max(0, depth - 1)
        + say(f"place.{statement.place}")[lang]
        + review.get(lang, "")
        for lang in LANGUAGES
    }
    empty = Label(text=dict.fromkeys(LANGUAGES, ""))
    said = (Label(text=head), Label(text=dict(statement.text)))
    for cited, found in zip(statement.cited, figures, strict=True):
        yield (*said, Label(text=dict(cited.source)), found or empty)
        said = (empty, empty)


def _figure(cited: Cited, evidence: Evidence) -> Figure | None:
    match cited.basis:
        case FigureBasis(release=release, where=where):
            filters = {name: tuple(codes) for name, codes in where.items()}
            return figure(ReleaseSource(releases=(release,), filters=filters), evidence)
        case SeriesBasis(series=series, day=day, area=area):
            return figure(OutsideSource(series=series, day=day, area=area), evidence)
    return None


def next_steps(
    period: Period, evidence: Evidence, _catalogue: Catalogue | None = None
) -> Section | None:
    open_ones = [
        (each, quarter)
        for each in evidence.beside.milestones
        if each.status in OPEN and (quarter := Period.parse(each.due)).start <= period.end + AHEAD
    ]
    if not open_ones:
        return None
    rows = []
    for each, quarter in sorted(open_ones, key=lambda found: found[1].end):
        linked = say("milestones.linked")
        by = each.responsible.model_dump() if each.responsible else linked
        status = dict(LABELS[each.status])
        if late(each.status, quarter.end, period.end):
            status = {lang: f"{status[lang]}, {say('milestones.late')[lang]}" for lang in LANGUAGES}
        due = {lang: quarter.label(lang) for lang in LANGUAGES}
        told = (each.what.model_dump(), by, due, status)
        rows.append(tuple(Label(text=text) for text in told))
    heads = ("what", "responsible", "due", "status")
    return section("next-steps", table("milestones", "milestones.table", heads, rows))


_ON_WISH = {
    "stakeholders": stakeholders,
    "problem-tree": problem_tree,
    "swot": swot,
    "next-steps": next_steps,
}


def outdated(content: Content, period: Period, evidence: Evidence) -> list[str]:
    """Return the optional sections that this evidence no longer supports: an institution may no longer be printed, a
    statement is no longer agreed on, or a milestone was removed. Skip drafts that are older than optional sections."""
    if content.wish == NOTHING:
        return []
    return [
        each.id
        for each in without_words(content).sections
        if each.id in _ON_WISH and each != _ON_WISH[each.id](period, evidence)
    ]
