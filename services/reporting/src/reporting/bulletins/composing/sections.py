"""The sections of a bulletin. Each takes the period and the evidence and gives a section, or None
where the deployment has no such programme."""

from collections.abc import Sequence
from datetime import date

from reporting.activities.indicators import ALLOWED
from reporting.bulletins.composing.evidence import Evidence, figure
from reporting.bulletins.composing.parts import (
    CHART_ROWS,
    Counts,
    bars,
    counts,
    cross,
    distinct,
    figures,
    leads,
    place,
    short,
    word,
)
from reporting.bulletins.document.content import (
    Block,
    Chart,
    KeyFigure,
    KeyFigures,
    Label,
    Section,
    Sentence,
    Table,
)
from reporting.bulletins.document.figures import (
    ActivitySource,
    CoverageSource,
    ExpectedErrorSource,
    Figure,
    OutsideSource,
    ProgressSource,
    ReleaseShareSource,
    TargetSource,
    ThresholdSource,
)
from reporting.bulletins.document.texts import say
from reporting.charts.tiles import layout
from reporting.language import LANGUAGES, same, written_date
from reporting.periods import Period
from reporting.programmes.catalogue import Catalogue

REFERRALS, UNMET, GAPS = "referrals", "unmet-needs", "gaps"
TRAFFICKING, ROUTES = "trafficking", "routes"
LINKED = (("funnel", "screening", "stage"), ("assistance", "assistance", "type"))
"""Further programmes over the same people: name of the table, programme, dimension."""
ACCEPTED = ("accepted", "delivered")
TREND_PERIODS = 6
HEAT_ROWS, HEAT_COLUMNS = 8, 6


def _section(name: str, *blocks: Block | None) -> Section:
    return Section(
        id=name,
        title=say(f"section.{name}"),
        blocks=tuple(block for block in blocks if block is not None),
    )


def _sentence(key: str, **given: Figure) -> Sentence:
    return Sentence(text=say(key), figures=given)


def key_figures(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    span = {"start": period.start, "end": period.end}
    coverage = figures(
        evidence,
        organisations=CoverageSource(of="organisations", **span),
        states=CoverageSource(of="states", **span),
    )
    activity = {
        "key.trained": ActivitySource(indicator="people-trained", **span),
        "key.sensitised": ActivitySource(indicator="people-sensitised", **span),
    }
    items = [
        *_referral_items(counts(REFERRALS, period, evidence, catalogue)),
        *_unmet_items(counts(UNMET, period, evidence, catalogue)),
        *(
            KeyFigure(label=say(key), figure=figure(source, evidence))
            for key, source in activity.items()
        ),
        KeyFigure(label=say("key.organisations"), figure=coverage["organisations"]),
        KeyFigure(label=say("key.states"), figure=coverage["states"]),
    ]
    referred = counts(REFERRALS, period, evidence, catalogue)
    lead = (
        _sentence(
            "key.lead",
            referred=referred.figure(),
            delivered=referred.figure(progress="delivered"),
            **coverage,
        )
        if referred
        else _sentence("key.lead_activities", **coverage)
    )
    return _section("key", lead, KeyFigures(items=tuple(items)))


def _referral_items(found: Counts | None) -> list[KeyFigure]:
    if found is None:
        return []
    share = ReleaseShareSource(
        numerator=found.source(progress="delivered"), denominator=found.source()
    )
    return [
        KeyFigure(label=say("key.referred"), figure=found.figure()),
        KeyFigure(label=say("key.accepted"), figure=found.figure(progress=ACCEPTED)),
        KeyFigure(label=say("key.delivered"), figure=found.figure(progress="delivered")),
        KeyFigure(label=say("key.delivered_share"), figure=figure(share, found.evidence)),
    ]


def _unmet_items(found: Counts | None) -> list[KeyFigure]:
    return [] if found is None else [KeyFigure(label=say("key.unmet"), figure=found.figure())]


def activities(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section:
    year = date(period.start.year, 1, 1)
    rows = []
    for indicator in ALLOWED:
        now = ActivitySource(indicator=indicator.code, start=period.start, end=period.end)
        since = now.model_copy(update={"start": year})
        pair = (figure(now, evidence), figure(since, evidence))
        if pair[1].value:
            rows.append((Label(text=dict(indicator.label)), *pair))
    if not rows:
        return _section("activities", _sentence("missing.activities"))
    table = Table(
        id="activities",
        caption=say("activities.table"),
        columns=(
            word("column.indicator"),
            word("column.period_value"),
            word("column.plan_value"),
        ),
        rows=tuple(rows),
    )
    return _section(
        "activities", _sentence("activities.intro"), table, _trained_by_state(period, evidence)
    )


def _trained_by_state(period: Period, evidence: Evidence) -> Chart | None:
    states = {activity.adm1_pcode for activity in evidence.activities}
    rows: list[tuple[Label, Figure]] = []
    for state in states:
        source = ActivitySource(
            indicator="people-trained", area=state, start=period.start, end=period.end
        )
        rows.append((place(state, evidence), figure(source, evidence)))
    shown = sorted(
        (row for row in rows if row[1].value),
        key=lambda row: (-(row[1].value or 0), row[0].text["es"]),
    )
    if not shown:
        return None
    table = Table(
        id="trained-by-state",
        caption=say("activities.trained_chart"),
        columns=(word("column.state"), word("column.people")),
        rows=tuple(shown[:CHART_ROWS]),
    )
    return bars(say("activities.trained_chart"), say("activities.alt"), table)


def referrals(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    found = counts(REFERRALS, period, evidence, catalogue)
    if found is None or found.empty:
        return _section("referrals", _sentence("missing.release" if not found else "missing.cells"))
    intro = _sentence(
        "referrals.intro",
        referred=found.figure(),
        accepted=found.figure(progress=ACCEPTED),
        delivered=found.figure(progress="delivered"),
    )
    by_progress = cross(
        found,
        "referrals-progress",
        say("referrals.table"),
        ("aor", found.codes("aor")),
        ("progress", found.in_order("progress")),
    )
    by_age = cross(
        found,
        "referrals-ages",
        say("referrals.ages"),
        ("age_band", found.in_order("age_band")),
        ("sex", found.in_order("sex")),
    )
    states = Table(
        id="referrals-states",
        caption=say("referrals.states"),
        columns=(word("column.state"), word("column.people")),
        rows=tuple(
            (found.label("area", code), found.figure(area=code))
            for code in found.codes("area")[:CHART_ROWS]
        ),
    )
    chart = bars(say("referrals.states"), say("referrals.states_alt"), states)
    return _section("referrals", intro, by_progress, chart, by_age)


def needs(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    blocks: list[Block] = []
    unmet = counts(UNMET, period, evidence, catalogue)
    if unmet is None or unmet.empty:
        blocks.append(_sentence("missing.release" if not unmet else "missing.cells"))
    else:
        blocks += [
            _sentence("needs.intro", unmet=unmet.figure()),
            *_mapped(unmet, "needs"),
            _heat(unmet),
        ]
    gaps = counts(GAPS, period, evidence, catalogue)
    if gaps is not None and not gaps.empty:
        table = Table(
            id="gaps-needs",
            caption=say("needs.gaps"),
            columns=(word("column.need"), word("column.searches")),
            rows=tuple(
                (gaps.label("need", code), gaps.figure(need=code))
                for code in gaps.codes("need")[:CHART_ROWS]
            ),
        )
        blocks += [
            bars(say("needs.gaps"), say("needs.gaps_alt"), table),
            _sentence("needs.gaps_note"),
        ]
    return _section("needs", *blocks)


def _mapped(found: Counts, name: str) -> list[Block]:
    """A map of the states, those that show 0 too; nothing where no state has a tile."""
    dimension = next(d for d in found.programme.dimensions if d.name == "area")
    states = [code for code in dimension.dimension.codes if code in layout()]
    if not states:
        return []
    ranked = sorted(states, key=lambda code: -(found.figure(area=code).value or 0))
    rows = tuple((found.label("area", code), found.figure(area=code)) for code in ranked)
    alt = Sentence(
        text=say(f"{name}.map_alt" if leads([row[1] for row in rows]) else "chart.like"),
        figures={"value": rows[0][1]},
        labels={"place": rows[0][0]},
    )
    table = Table(
        id=f"{name}-map",
        caption=say(f"{name}.map"),
        columns=(word("column.state"), word("column.people")),
        rows=rows,
    )
    chart = Chart(form="map", title=say(f"{name}.map"), alt=alt, table=table, places=tuple(ranked))
    elsewhere = found.figure(area=dimension.fallback)
    return [chart, _sentence(f"{name}.elsewhere", elsewhere=elsewhere)]


def _heat(unmet: Counts) -> Chart:
    areas = unmet.codes("area")[:HEAT_ROWS]
    services = unmet.codes("category")[:HEAT_COLUMNS]
    rows = tuple(
        (
            unmet.label("area", area),
            *(unmet.figure(area=area, category=service) for service in services),
        )
        for area in areas
    )
    table = Table(
        id="unmet-needs",
        caption=say("needs.heat"),
        columns=(word("column.state"), *(unmet.label("category", s) for s in services)),
        rows=rows,
    )
    ranked = sorted(
        ((area, service) for area in areas for service in services),
        key=lambda at: -(unmet.figure(area=at[0], category=at[1]).value or 0),
    )
    top = ranked[0]
    values = [unmet.figure(area=area, category=service) for area, service in ranked[:2]]
    alt = Sentence(
        text=say("needs.heat_alt" if leads(values) else "chart.like_two"),
        figures={"value": unmet.figure(area=top[0], category=top[1])},
        labels={"place": unmet.label("area", top[0]), "service": unmet.label("category", top[1])},
    )
    return Chart(form="heat-map", title=say("needs.heat"), alt=alt, table=table)


def trends(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    periods = [period]
    while len(periods) < TREND_PERIODS:
        periods.insert(0, periods[0].previous)
    found = [(p, counts(REFERRALS, p, evidence, catalogue)) for p in periods]
    known = [(p, c) for p, c in found if c is not None]
    if len(known) <= 1:
        return _section("trends", _sentence("trends.few"))
    with_unmet = all(counts(UNMET, p, evidence, catalogue) for p, _ in known)
    heads = [word("column.period"), word("key.referred"), word("key.delivered")]
    rows = []
    for each, referred in known:
        cells = [referred.figure(), referred.figure(progress="delivered")]
        unmet = counts(UNMET, each, evidence, catalogue)
        if with_unmet and unmet:
            cells.append(unmet.figure())
        rows.append((short(each), *cells))
    if with_unmet:
        heads.append(word("key.unmet"))
    table = Table(id="trends", caption=say("trends.chart"), columns=tuple(heads), rows=tuple(rows))
    alt = Sentence(
        text=say("trends.alt"),
        figures={"first": known[0][1].figure(), "last": known[-1][1].figure()},
        labels={"start": short(known[0][0]), "finish": short(known[-1][0])},
    )
    chart = Chart(form="trend", title=say("trends.chart"), alt=alt, table=table)
    change = known[0][1].figure(), known[-1][1].figure()
    return _section("trends", chart, _sentence(_changed(*change)), _sentence("trends.note"))


def _changed(first: Figure, last: Figure) -> str:
    """What may be said of two numbers: nothing where their intervals touch."""
    if distinct(last, first):
        return "trends.rose"
    return "trends.fell" if distinct(first, last) else "trends.same"


def _counted_over(found: Counts) -> Sentence:
    once = found.evidence.cube(found.releases).counts != "person-periods"
    words = "counted.over" if once else "counted.twice"
    return Sentence(text=say(words), labels={"period": found.period})


def trafficking(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section | None:
    if all(programme.id != TRAFFICKING for programme in catalogue):
        return None
    found = counts(TRAFFICKING, period, evidence, catalogue)
    if found is None or found.empty:
        return _section(
            "trafficking", _sentence("missing.release" if not found else "missing.cells")
        )
    common = {"area", "sex", "age_band", "nationality", "population"}
    kind = next((d.name for d in found.programme.dimensions if d.name not in common), "sex")
    table = cross(
        found,
        "trafficking-types",
        say("trafficking.table"),
        (kind, found.codes(kind)[:CHART_ROWS]),
        ("sex", found.in_order("sex")),
    )
    return _section(
        "trafficking",
        _counted_over(found),
        table,
        _one_way("trafficking-areas", found, "area", found.codes("area")[:CHART_ROWS]),
        *(
            _one_way(f"trafficking-{name}", linked, dimension, linked.in_order(dimension))
            for name, programme, dimension in LINKED
            if (linked := counts(programme, period, evidence, catalogue)) is not None
            and linked.period == found.period
            and not linked.empty
        ),
    )


def _one_way(table_id: str, found: Counts, dimension: str, codes: Sequence[str]) -> Table:
    head = {lang: found.programme.dimension_label(dimension, lang) for lang in LANGUAGES}
    return Table(
        id=table_id,
        caption=say(table_id.replace("-", ".")),
        columns=(Label(text=head), word("column.people")),
        rows=tuple(
            (found.label(dimension, each), found.figure(**{dimension: each})) for each in codes
        ),
    )


def routes(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section | None:
    if all(programme.id != ROUTES for programme in catalogue):
        return None
    found = counts(ROUTES, period, evidence, catalogue)
    if found is None or found.empty or not (found.has("origin") and found.has("destination")):
        return _section("routes", _sentence("missing.release" if not found else "missing.cells"))
    transit = [_transit(found)] if found.has("transit") else []
    unknown = _sentence(
        "routes.unknown",
        origin=found.figure(origin="unknown"),
        destination=found.figure(destination="unknown"),
    )
    return _section(
        "routes", _counted_over(found), _flow(found), unknown, *transit, _sentence("routes.note")
    )


def _transit(found: Counts) -> Table:
    """Where the same people passed through on the way: the third side of the flow."""
    codes = found.codes("transit")[: CHART_ROWS * 2]
    return Table(
        id="transit",
        caption=say("routes.transit"),
        columns=(word("column.transit"), word("column.people")),
        rows=tuple((found.label("transit", each), found.figure(transit=each)) for each in codes),
    )


def _flow(found: Counts) -> Chart | None:
    """From and to places that are known; None if no such route shows anybody."""
    origins, destinations = (
        [code for code in found.codes(side) if code != "unknown"]
        for side in ("origin", "destination")
    )
    pairs = [
        (start, end, found.figure(origin=start, destination=end))
        for start in origins
        for end in destinations
    ]
    shown = sorted(
        ((start, end, value) for start, end, value in pairs if value.value),
        key=lambda row: -(row[2].value or 0),
    )[: CHART_ROWS * 2]
    if not shown:
        return None
    table = Table(
        id="routes",
        caption=say("routes.chart"),
        columns=(word("column.origin"), word("column.destination"), word("column.people")),
        rows=tuple(
            (found.label("origin", start), found.label("destination", end), value)
            for start, end, value in shown
        ),
    )
    start, end, value = shown[0]
    alt = Sentence(
        text=say("routes.alt" if leads([each[2] for each in shown]) else "chart.like_two"),
        figures={"value": value},
        labels={
            "place": found.label("origin", start),
            "service": found.label("destination", end),
        },
    )
    return Chart(form="flow", title=say("routes.chart"), alt=alt, table=table)


def work_plan(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section:
    labels = {indicator.code: indicator.label for indicator in ALLOWED}
    rows = []
    for target in evidence.targets.values():
        if target.start > period.end or target.end < period.start:
            continue
        done = ActivitySource(
            indicator=target.indicator,
            area=target.area,
            start=target.start,
            end=min(target.end, period.end),
        )
        aim = TargetSource(target=target.id)
        rows.append(
            (
                Label(text=dict(labels[target.indicator])),
                place(target.area, evidence),
                figure(aim, evidence),
                figure(done, evidence),
                figure(ProgressSource(numerator=done, denominator=aim), evidence),
            )
        )
    if not rows:
        return _section("progress", _sentence("missing.targets"))
    table = Table(
        id="work-plan",
        caption=say("progress.table"),
        columns=tuple(
            word(f"column.{name}") for name in ("indicator", "area", "target", "done", "share")
        ),
        rows=tuple(rows),
    )
    return _section("progress", table, _sentence("progress.note"))


def context(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section | None:
    rows = []
    for series in evidence.series.values():
        origin = {
            lang: ", ".join(
                (series.source, series.licence, series.url, _unbroken(series.retrieved_on, lang))
            )
            for lang in LANGUAGES
        }
        for point in series.latest(period.end)[:CHART_ROWS]:
            source = OutsideSource(series=series.id, day=point.day, area=point.area)
            name = {lang: f"{series.title[lang]} ({series.unit[lang]})" for lang in series.title}
            rows.append(
                (
                    Label(text=name),
                    place(point.area, evidence),
                    Label(text={lang: written_date(point.day, lang) for lang in LANGUAGES}),
                    Label(text=origin),
                    figure(source, evidence),
                )
            )
    if not rows:
        return None
    table = Table(
        id="context",
        caption=say("context.table"),
        columns=tuple(
            word(f"column.{name}") for name in ("series", "area", "date", "provenance", "value")
        ),
        rows=tuple(rows),
    )
    return _section("context", table, _sentence("context.note"))


def _unbroken(day: date, language: str) -> str:
    """A date that stays on one line of a narrow cell."""
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
        blocks.append(_sentence("sources.protection", k=figure(threshold, evidence)))
        blocks.append(_sentence("sources.intervals"))
        blocks.append(_sentence("sources.consent"))
        blocks.append(_sentence("sources.shares"))
    blocks.append(_sentence("sources.exact"))
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
        blocks.append(
            Table(
                id="sources",
                caption=say("sources.table"),
                columns=tuple(word(f"column.{name}") for name in heads),
                rows=rows,
            )
        )
    return _section("sources", *blocks)
