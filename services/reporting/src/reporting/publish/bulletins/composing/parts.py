"""Building blocks for sections: a period's releases, code labels, tables from a release."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.words.conventions import short_month
from common.words.languages import LANGUAGES

from reporting.ground.language import Text
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.comparisons import leads, ordered
from reporting.publish.bulletins.composing.evidence import Evidence, Published, figure
from reporting.publish.bulletins.document.content import (
    Block,
    Chart,
    Label,
    Section,
    Sentence,
    Table,
)
from reporting.publish.bulletins.document.figures import Figure, ReleaseSource, Source
from reporting.publish.bulletins.document.texts import say

Codes = tuple[str, ...]
CHART_ROWS = 10
TREND_PERIODS = 6


@dataclass(frozen=True)
class Counts:
    """A programme's published counts over one period (one release, or its halves)."""

    programme: Programme
    releases: tuple[Published, ...]
    evidence: Evidence

    def source(self, **filters: str | Codes) -> ReleaseSource:
        return ReleaseSource(
            releases=tuple(release.id for release in self.releases),
            filters={
                name: (codes,) if isinstance(codes, str) else codes
                for name, codes in filters.items()
            },
        )

    def figure(self, **filters: str | Codes) -> Figure:
        return figure(self.source(**filters), self.evidence)

    def rest(self, by: Codes, **filters: str | Codes) -> Figure:
        """Return the count that the table by these dimensions does not show separately."""
        source = self.source(**filters).model_copy(update={"rest_by": by})
        return figure(source, self.evidence)

    def codes(self, dimension: str, **filters: Codes) -> list[str]:
        """Return codes with a published count: larger ones first if their intervals prove it, otherwise in reviewed
        order. The unknown code comes last."""
        rows = self.evidence.cube(self.releases).margin((dimension,), filters)
        places = ordered(
            [
                (
                    row.count if row.low is None else row.low,
                    row.count if row.high is None else row.high,
                )
                for row in rows
            ]
        )
        found = [rows[place].coordinates[dimension] for place in places]
        fallback = next(d.fallback for d in self.programme.dimensions if d.name == dimension)
        return sorted(found, key=lambda code: code == fallback)

    def first(self, dimension: str, most: int) -> tuple[list[str], Sentence | None]:
        """Return the codes that fit, including unknown, and a sentence about the omitted codes."""
        found = self.codes(dimension)
        fallback = next(d.fallback for d in self.programme.dimensions if d.name == dimension)
        named = [code for code in found if code != fallback]
        if len(named) <= most:
            return found, None
        kept = (*named[:most], *found[len(named) :])
        return list(kept), sentence("rows.left")

    def in_order(self, dimension: str, **filters: Codes) -> list[str]:
        """Return codes with a published count, in reviewed order."""
        cube = self.evidence.cube(self.releases)
        return [row.coordinates[dimension] for row in cube.margin((dimension,), filters)]

    def by(self, dimension: str, codes: Sequence[str]) -> list[tuple[Label, Figure]]:
        """Return a row for each code: its label and its count. The last row has the people of codes that are not shown
        separately."""
        rest = self.rest((dimension,))
        rows = [(self.label(dimension, each), self.figure(**{dimension: each})) for each in codes]
        return [*rows, (word("row.rest"), rest)] if rows and rest.value else rows

    def label(self, dimension: str, code: str) -> Label:
        return Label(
            text={lang: self.programme.code_label(dimension, code, lang) for lang in LANGUAGES}
        )

    def head(self, dimension: str) -> Label:
        return Label(
            text={lang: self.programme.dimension_label(dimension, lang) for lang in LANGUAGES}
        )

    def has(self, dimension: str) -> bool:
        return any(each.name == dimension for each in self.programme.dimensions)

    @property
    def period(self) -> Label:
        """Return the counted periods, from first to last."""
        periods = sorted(Period.parse(release.period) for release in self.releases)
        first, last = short(periods[0]), short(periods[-1])
        if first == last:
            return first
        return Label(text={lang: f"{first.text[lang]} – {last.text[lang]}" for lang in LANGUAGES})

    @property
    def detailed(self) -> bool:
        """Return whether everybody may see a table by two dimensions."""
        return self.evidence.cube(self.releases).allows(2)

    @property
    def empty(self) -> bool:
        return not any(release.cube.cells for release in self.releases)


def counts(
    programme_id: str, period: Period, evidence: Evidence, catalogue: Catalogue
) -> Counts | None:
    """Return a programme's counts for exactly this period; None unless every part is published. For a programme that
    closes by quarter, return its latest published quarter that has ended."""
    programme = next((p for p in catalogue if p.id == programme_id), None)
    if programme is None:
        return None
    published = evidence.of_programme(programme_id)
    if programme.period_kind is not PeriodKind.HALF_MONTH:
        ended = [p for p in map(Period.parse, published) if p.end <= period.end]
        return Counts(programme, (published[max(ended).id],), evidence) if ended else None
    return spanning(programme_id, period.parts(PeriodKind.HALF_MONTH), evidence, catalogue)


def spanning(
    programme_id: str, periods: Iterable[Period], evidence: Evidence, catalogue: Catalogue
) -> Counts | None:
    """Return a programme's counts over these half months; None unless all of them are published."""
    programme = next((p for p in catalogue if p.id == programme_id), None)
    published = evidence.of_programme(programme_id)
    parts = [published.get(part.id) for part in periods]
    if programme is None or not parts or any(part is None for part in parts):
        return None
    return Counts(programme, tuple(part for part in parts if part is not None), evidence)


def counted_over(found: Counts) -> Sentence:
    """Return a sentence about the counted periods, and about how often they count a person."""
    once = found.evidence.cube(found.releases).counts != "person-periods"
    words = "counted.over" if once else "counted.twice"
    return Sentence(text=say(words), labels={"period": found.period})


def section(name: str, *blocks: Block | None) -> Section:
    return Section(
        id=name,
        title=say(f"section.{name}"),
        blocks=tuple(block for block in blocks if block is not None),
    )


def sentence(key: str, **given: Figure) -> Sentence:
    return Sentence(text=say(key), figures=given)


def missing(found: Counts | None) -> Sentence:
    """Return the reason why there is nothing to show."""
    return sentence("missing.release" if found is None else "missing.cells")


def word(key: str) -> Label:
    return Label(text=say(key))


def short(period: Period) -> Label:
    """Return the period in the short form for an axis: ``1–15 nov 2026``, ``nov 2026``."""
    texts: Text = {}
    for language in LANGUAGES:
        month = short_month(period.start, language)
        days = f"{period.start.day}–{period.end.day} "
        whole = days + month if period.kind is PeriodKind.HALF_MONTH else month
        if period.kind is PeriodKind.QUARTER:
            whole = period.label(language)
        texts[language] = whole.replace(" ", "\N{NO-BREAK SPACE}")
    return Label(text=texts)


def place(pcode: str | None, evidence: Evidence) -> Label:
    if pcode is None:
        return word("everywhere")
    found = evidence.places.get(pcode)
    return Label(text={lang: found.label(lang) if found else pcode for lang in LANGUAGES})


def table(
    table_id: str, caption: str, heads: Sequence[str], rows: Iterable[tuple[Label | Figure, ...]]
) -> Table:
    """Return a table with a caption and headers in the bulletin's own words."""
    columns = tuple(word(f"column.{each}") for each in heads)
    return Table(id=table_id, caption=say(caption), columns=columns, rows=tuple(rows))


def cross(
    found: Counts,
    table_id: str,
    caption: str,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
) -> Block:
    """Return rows by columns with a total per row; each cell is a sum of the release. If there are too few people for a
    table by two dimensions, return a table of the rows alone, with the caption `…_alone`."""
    (down, down_codes), (across, across_codes) = rows, columns
    if not found.detailed:
        return one_way(found, table_id, f"{caption}_alone", down, down_codes)
    rests = [found.rest((across,), **{down: code}) for code in down_codes]
    pooled = any(each.value for each in rests)
    return Table(
        id=table_id,
        caption=say(caption),
        columns=(
            found.head(down),
            *(found.label(across, c) for c in across_codes),
            *([word("column.rest")] if pooled else []),
            word("column.total"),
        ),
        rows=tuple(
            (
                found.label(down, code),
                *(found.figure(**{down: code, across: c}) for c in across_codes),
                *([rest] if pooled else []),
                found.figure(**{down: code}),
            )
            for code, rest in zip(down_codes, rests, strict=True)
        ),
    )


def one_way(
    found: Counts, table_id: str, caption: str, dimension: str, codes: Sequence[str]
) -> Block:
    """Return a table by one dimension. If no code is shown separately, return a sentence that says so."""
    if not codes:
        return Sentence(text=say("missing.small"), labels={"table": word(caption)})
    return Table(
        id=table_id,
        caption=say(caption),
        columns=(found.head(dimension), word("column.people")),
        rows=tuple(found.by(dimension, codes)),
    )


def bars(title: Text, alt: Text, table: Table) -> Chart:
    """Return bars for a table with one figure per row, in table order."""
    return Chart(form="bars", title=title, alt=said_of(alt, table), table=table)


def said_of(alt: Text, table: Table, *names: str) -> Sentence:
    """Return the sentence under a chart: which row (`names`) has the largest figure, or that the intervals do not
    decide this. If a row has several figures, each counts as a row."""
    names = names or ("place",)
    found = [
        (labels, cell)
        for row in table.rows
        for column, cell in zip(table.columns, row, strict=True)
        if isinstance(cell, Figure)
        for own in [[each for each in row if isinstance(each, Label)]]
        for labels in [[*own, column][: len(names)]]
    ]
    places = ordered([cell.between for _, cell in found])
    found = [found[place] for place in places]
    if not leads([cell.between for _, cell in found]):
        return Sentence(text=say("chart.like"), labels={"title": Label(text=table.caption)})
    labels, largest = found[0]
    return Sentence(
        text=alt, figures={"value": largest}, labels=dict(zip(names, labels, strict=True))
    )


def figures(evidence: Evidence, **sources: Source) -> dict[str, Figure]:
    return {name: figure(source, evidence) for name, source in sources.items()}
