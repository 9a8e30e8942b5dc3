"""The sections about referred people and unmet needs, from published releases."""

from reporting.ground.charts.tiles import layout
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.protection.comparisons import larger, ordered
from reporting.publish.bulletins.composing.evidence import Evidence, figure
from reporting.publish.bulletins.composing.parts import (
    TREND_PERIODS,
    Codes,
    Counts,
    bars,
    counted_over,
    counts,
    cross,
    figures,
    missing,
    one_way,
    said_of,
    section,
    sentence,
    short,
    spanning,
    table,
    word,
)
from reporting.publish.bulletins.document.content import (
    Block,
    Chart,
    KeyFigure,
    KeyFigures,
    Label,
    Section,
    Sentence,
    Table,
)
from reporting.publish.bulletins.document.figures import (
    ActivitySource,
    CoverageSource,
    Figure,
    ReleaseShareSource,
)
from reporting.publish.bulletins.document.texts import say

REFERRALS, UNMET, GAPS = "referrals", "unmet-needs", "gaps"
ACCEPTED = ("accepted", "delivered")
HEAT_ROWS, HEAT_COLUMNS = 8, 6
BARS = 20


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
        sentence(
            "key.lead",
            referred=referred.figure(),
            delivered=referred.figure(progress="delivered"),
            **coverage,
        )
        if referred
        else sentence("key.lead_activities", **coverage)
    )
    return section(
        "key", lead, KeyFigures(items=tuple(items)), *_key_change(period, evidence, catalogue)
    )


def _key_change(period: Period, evidence: Evidence, catalogue: Catalogue) -> list[Block]:
    """Return the key figures beside those of the previous period and those since January. Return nothing without a
    release."""
    year = Period.parse(str(period.start.year)).parts(PeriodKind.HALF_MONTH)
    measures: list[tuple[str, str, dict[str, str | Codes]]] = [
        ("key.referred", REFERRALS, {}),
        ("key.delivered", REFERRALS, {"progress": "delivered"}),
        ("key.unmet", UNMET, {}),
    ]
    rows: list[tuple[Label | Figure, ...]] = []
    over: Sentence | None = None
    for key, programme, filters in measures:
        now = counts(programme, period, evidence, catalogue)
        if now is None:
            continue
        before = counts(programme, period.previous, evidence, catalogue)
        since = spanning(
            programme, [each for each in year if each.end <= period.end], evidence, catalogue
        )
        over = over or (counted_over(since) if since else None)
        value = now.figure(**filters)
        last = before.figure(**filters) if before else None
        rows.append(
            (
                word(key),
                value,
                last or word("key.none_before"),
                word(_moved(last, value) if last else "key.none_before"),
                since.figure(**filters) if since else word("key.missing_periods"),
            )
        )
    heads = ("indicator", "period_value", "last_value", "change", "plan_value")
    shown = [table("key-change", "key.change", heads, rows)] if rows else []
    return [*shown, *([over] if over else [])]


def _moved(first: Figure, last: Figure) -> str:
    if larger(last.between, first.between):
        return "key.rose"
    return "key.fell" if larger(first.between, last.between) else "key.unsure"


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


def referrals(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    found = counts(REFERRALS, period, evidence, catalogue)
    if found is None or found.empty:
        return section("referrals", missing(found))
    intro = sentence(
        "referrals.intro",
        referred=found.figure(),
        accepted=found.figure(progress=ACCEPTED),
        delivered=found.figure(progress="delivered"),
    )
    by_progress = cross(
        found,
        "referrals-progress",
        "referrals.table",
        ("aor", found.codes("aor")),
        ("progress", found.in_order("progress")),
    )
    by_age = cross(
        found,
        "referrals-ages",
        "referrals.ages",
        ("age_band", found.in_order("age_band")),
        ("sex", found.in_order("sex")),
    )
    areas, others = found.first("area", BARS)
    rows = found.by("area", areas)
    states = table("referrals-states", "referrals.states", ("state", "people"), rows)
    chart = bars(say("referrals.states"), say("referrals.states_alt"), states)
    return section("referrals", intro, by_progress, chart, others, by_age)


def needs(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    blocks: list[Block | None] = []
    unmet = counts(UNMET, period, evidence, catalogue)
    if unmet is None or unmet.empty:
        blocks.append(missing(unmet))
    else:
        blocks += [
            sentence("needs.intro", unmet=unmet.figure()),
            *_mapped(unmet, "needs"),
            *_heat(unmet),
        ]
    gaps = counts(GAPS, period, evidence, catalogue)
    if gaps is not None and not gaps.empty:
        codes, others = gaps.first("need", BARS)
        rows = gaps.by("need", codes)
        searches = table("gaps-needs", "needs.gaps", ("need", "searches"), rows)
        blocks += [
            bars(say("needs.gaps"), say("needs.gaps_alt"), searches),
            others,
            sentence("needs.gaps_note"),
        ]
    return section("needs", *blocks)


def _mapped(found: Counts, name: str) -> list[Block]:
    """Return a map of all states, including those that show 0. Return nothing if no state has a tile."""
    dimension = next(d for d in found.programme.dimensions if d.name == "area")
    states = [code for code in dimension.dimension.codes if code in layout()]
    if not states:
        return []
    places = ordered([found.figure(area=code).between for code in states])
    states = [states[place] for place in places]
    rows = found.by("area", states)
    shown = table(f"{name}-map", f"{name}.map", ("state", "people"), rows)
    alt = said_of(say(f"{name}.map_alt"), shown)
    chart = Chart(form="map", title=say(f"{name}.map"), alt=alt, table=shown, places=tuple(states))
    elsewhere = found.figure(area=dimension.fallback)
    return [chart, sentence(f"{name}.elsewhere", elsewhere=elsewhere)]


def _heat(unmet: Counts) -> list[Block | None]:
    if not unmet.detailed:
        codes, others = unmet.first("category", BARS)
        return [one_way(unmet, "unmet-needs", "needs.services", "category", codes), others]
    areas, other_areas = unmet.first("area", HEAT_ROWS)
    services, other_services = unmet.first("category", HEAT_COLUMNS)
    heat = Table(
        id="unmet-needs",
        caption=say("needs.heat"),
        columns=(word("column.state"), *(unmet.label("category", s) for s in services)),
        rows=tuple(
            (
                unmet.label("area", area),
                *(unmet.figure(area=area, category=service) for service in services),
            )
            for area in areas
        ),
    )
    alt = said_of(say("needs.heat_alt"), heat, "place", "service")
    chart = Chart(form="heat-map", title=say("needs.heat"), alt=alt, table=heat)
    return [chart, other_areas or other_services]


def trends(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section:
    periods = [period]
    while len(periods) < TREND_PERIODS:
        periods.insert(0, periods[0].previous)
    found = [(p, counts(REFERRALS, p, evidence, catalogue)) for p in periods]
    known = [(p, c) for p, c in found if c is not None]
    if len(known) <= 1:
        return section("trends", sentence("trends.few"))
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
    shown = Table(id="trends", caption=say("trends.chart"), columns=tuple(heads), rows=tuple(rows))
    alt = Sentence(
        text=say("trends.alt"),
        figures={"first": known[0][1].figure(), "last": known[-1][1].figure()},
        labels={"start": short(known[0][0]), "finish": short(known[-1][0])},
    )
    chart = Chart(form="trend", title=say("trends.chart"), alt=alt, table=shown)
    change = known[0][1].figure(), known[-1][1].figure()
    return section("trends", chart, sentence(_changed(*change)), sentence("trends.note"))


def _changed(first: Figure, last: Figure) -> str:
    """Return the sentence that compares two numbers. If their intervals overlap, the sentence claims no change."""
    if larger(last.between, first.between):
        return "trends.rose"
    return "trends.fell" if larger(first.between, last.between) else "trends.same"
