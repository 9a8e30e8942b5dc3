"""The sections beyond Ruta's own numbers: outside series, and the source of each number."""

from datetime import date
from functools import reduce

from common.words.languages import LANGUAGES

from reporting.count.context.series import OutsideSeries
from reporting.ground.language import same, written_date
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
from reporting.publish.bulletins.document.content import Block, Label, Section, Table
from reporting.publish.bulletins.document.figures import (
    ExpectedErrorSource,
    OutsideSource,
    ThresholdSource,
)
from reporting.publish.bulletins.document.texts import say


def context(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section | None:
    rows = []
    known = tuple(evidence.series.values())
    over_time = [_over_time(n, each, period, evidence) for n, each in enumerate(known)]
    for series in known:
        origin = {
            lang: ", ".join(
                (series.source, series.licence, series.url, _unbroken(series.retrieved_on, lang))
            )
            for lang in LANGUAGES
        }
        for point in series.latest(period.end)[:CHART_ROWS]:
            source = OutsideSource(series=series.id, day=point.day, area=point.area)
            rows.append(
                (
                    _name(series),
                    place(point.area, evidence),
                    Label(text={lang: written_date(point.day, lang) for lang in LANGUAGES}),
                    Label(text=origin),
                    figure(source, evidence),
                )
            )
    if not rows:
        return None
    heads = ("series", "area", "date", "provenance", "value")
    newest = table("context", "context.table", heads, rows)
    return section("context", newest, *over_time, sentence("context.note"))


def _name(series: OutsideSeries) -> Label:
    return Label(text={lang: f"{series.title[lang]} ({series.unit[lang]})" for lang in LANGUAGES})


def _over_time(
    number: int, series: OutsideSeries, period: Period, evidence: Evidence
) -> Table | None:
    """Return the series as far back as Ruta's own trends, with a column for each day, if it has several days."""
    start = reduce(lambda each, _: each.previous, range(TREND_PERIODS - 1), period).start
    days = series.days(start, period.end)[-TREND_PERIODS:]
    if len(days) <= 1:
        return None
    empty = Label(text=dict.fromkeys(LANGUAGES, ""))
    areas = [point.area for point in series.latest(period.end)][:CHART_ROWS]
    return Table(
        id=f"context-{number + 1}",
        caption=say("context.over_time"),
        columns=(
            word("column.series"),
            word("column.area"),
            *(Label(text={lang: written_date(day, lang) for lang in LANGUAGES}) for day in days),
        ),
        rows=tuple(
            (
                _name(series),
                place(area, evidence),
                *(
                    figure(OutsideSource(series=series.id, day=day, area=area), evidence)
                    if series.point(day, area)
                    else empty
                    for day in days
                ),
            )
            for area in areas
        ),
    )


def _unbroken(day: date, language: str) -> str:
    """Return a date that stays on one line in a narrow table cell."""
    return written_date(day, language).replace(" ", "\u00a0")


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
