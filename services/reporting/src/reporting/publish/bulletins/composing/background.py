"""The sections beyond Ruta's own numbers: outside series, and the source of each number."""

from functools import reduce

from common.words.languages import LANGUAGES

from reporting.count.context.series import OutsideSeries
from reporting.ground.language import Text, same, written_date
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.publish.bulletins.composing.evidence import Evidence, figure
from reporting.publish.bulletins.composing.parts import (
    CHART_ROWS,
    TREND_PERIODS,
    counts,
    place,
    section,
    sentence,
    short,
    table,
    word,
)
from reporting.publish.bulletins.document.content import Block, Label, Section, Sentence, Table
from reporting.publish.bulletins.document.figures import (
    ExpectedErrorSource,
    OutsideSource,
    ThresholdSource,
)
from reporting.publish.bulletins.document.texts import say


def context(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section | None:
    """Return a table and the provenance of each outside series."""
    blocks = [
        block
        for number, series in enumerate(evidence.series.values())
        if series.latest(period.end)
        for block in (_over_time(number, series, period, evidence), _origin(series))
    ]
    return section("context", *blocks, sentence("context.note")) if blocks else None


def _over_time(number: int, series: OutsideSeries, period: Period, evidence: Evidence) -> Table:
    """Return the series as far back as Ruta's own trends, or its latest day, with a column for each day."""
    start = reduce(lambda each, _: each.previous, range(TREND_PERIODS - 1), period).start
    newest = series.latest(period.end)[:CHART_ROWS]
    days = series.days(start, period.end)[-TREND_PERIODS:] or (newest[0].day,)
    empty = Label(text=dict.fromkeys(LANGUAGES, ""))
    return Table(
        id=f"context-{number + 1}",
        caption=_name(series),
        columns=(
            word("column.area"),
            *(Label(text={lang: written_date(day, lang) for lang in LANGUAGES}) for day in days),
        ),
        rows=tuple(
            (
                place(area, evidence),
                *(
                    figure(OutsideSource(series=series.id, day=day, area=area), evidence)
                    if series.point(day, area)
                    else empty
                    for day in days
                ),
            )
            for area in (point.area for point in newest)
        ),
    )


def _name(series: OutsideSeries) -> Text:
    return {lang: f"{series.title[lang]} ({series.unit[lang]})" for lang in LANGUAGES}


def _origin(series: OutsideSeries) -> Sentence:
    """Return the series' provenance, once for all its figures."""
    given = {"source": series.source, "licence": series.licence, "url": series.url}
    retrieved = {lang: written_date(series.retrieved_on, lang) for lang in LANGUAGES}
    return Sentence(
        text=say("context.origin"),
        labels={name: Label(text=same(told)) for name, told in given.items()}
        | {"retrieved": Label(text=retrieved)},
    )


def sources(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    used = [
        (programme, release)
        for programme in catalogue
        for found in [counts(programme.id, period, evidence, catalogue)]
        if found is not None
        for release in found.releases
    ]
    blocks: list[Block] = []
    if used:
        threshold = ThresholdSource(release=used[0][1].id)
        blocks.append(sentence("sources.protection", k=figure(threshold, evidence)))
        blocks.append(sentence("sources.intervals"))
        blocks.append(sentence("sources.consent"))
        blocks.append(sentence("sources.shares"))
    blocks.append(sentence("sources.exact"))
    if used:
        rows = tuple(
            (
                Label(text=dict(programme.title)),
                short(Period.parse(release.period)),
                Label(text=same(str(release.id))),
                figure(ThresholdSource(release=release.id), evidence),
                figure(ExpectedErrorSource(release=release.id, margin="total"), evidence),
                figure(ExpectedErrorSource(release=release.id, margin="cell"), evidence),
            )
            for programme, release in used
        )
        heads = ("programme", "period", "release", "multiple", "error_total", "error_cell")
        blocks.append(table("sources", "sources.table", heads, rows))
    return section("sources", *blocks)


TERMS = (
    "referral",
    "accepted",
    "delivered",
    "unmet",
    "gap",
    "interval",
    "zero",
    "rest",
    "screened",
)


def glossary(_period: Period, _evidence: Evidence, _catalogue: Catalogue) -> Section:
    """Return definitions of the bulletin's terms."""
    rows = ((word(f"term.{each}"), word(f"meaning.{each}")) for each in TERMS)
    return section("glossary", table("glossary", "glossary.table", ("term", "meaning"), rows))
