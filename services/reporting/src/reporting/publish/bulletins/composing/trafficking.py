"""The sections about trafficked people: profiles and routes."""

from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.protection.comparisons import ordered
from reporting.publish.bulletins.composing.evidence import Evidence
from reporting.publish.bulletins.composing.parts import (
    CHART_ROWS,
    Counts,
    counted_over,
    counts,
    cross,
    missing,
    one_way,
    said_of,
    section,
    sentence,
    table,
)
from reporting.publish.bulletins.document.content import (
    Block,
    Chart,
    Section,
)
from reporting.publish.bulletins.document.texts import say

TRAFFICKING, ROUTES = "trafficking", "routes"
FLOWS = 20
LINKED = (("funnel", "screening", "stage"), ("assistance", "assistance", "type"))
"""Further programmes over the same people: table name, programme, dimension."""


def trafficking(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section | None:
    if all(programme.id != TRAFFICKING for programme in catalogue):
        return None
    found = counts(TRAFFICKING, period, evidence, catalogue)
    if found is None or found.empty:
        return section("trafficking", missing(found))
    common = {"area", "sex", "age_band", "nationality", "population"}
    kind = next((d.name for d in found.programme.dimensions if d.name not in common), "sex")
    kinds, other_kinds = found.first(kind, CHART_ROWS)
    types = cross(
        found,
        "trafficking-types",
        "trafficking.table",
        (kind, kinds),
        ("sex", found.in_order("sex")),
    )
    areas, other_areas = found.first("area", CHART_ROWS)
    return section(
        "trafficking",
        counted_over(found),
        types,
        other_kinds,
        one_way(found, "trafficking-areas", "trafficking.areas", "area", areas),
        other_areas,
        *(
            one_way(
                linked,
                f"trafficking-{name}",
                f"trafficking.{name}",
                dimension,
                linked.in_order(dimension),
            )
            for name, programme, dimension in LINKED
            if (linked := counts(programme, period, evidence, catalogue)) is not None
            and linked.period == found.period
            and not linked.empty
        ),
    )


def routes(period: Period, evidence: Evidence, catalogue: Catalogue) -> Section | None:
    if all(programme.id != ROUTES for programme in catalogue):
        return None
    found = counts(ROUTES, period, evidence, catalogue)
    if found is None or found.empty or not (found.has("origin") and found.has("destination")):
        return section("routes", missing(found))
    transit = _transit(found) if found.has("transit") else []
    unknown = sentence(
        "routes.unknown",
        origin=found.figure(origin="unknown"),
        destination=found.figure(destination="unknown"),
    )
    return section(
        "routes", counted_over(found), *_flow(found), unknown, *transit, sentence("routes.note")
    )


def _transit(found: Counts) -> list[Block | None]:
    """Return transit countries of the same people, the third part of the flow."""
    codes, others = found.first("transit", FLOWS)
    rows = found.by("transit", codes)
    return [table("transit", "routes.transit", ("transit", "people"), rows), others]


def _flow(found: Counts) -> list[Block | None]:
    """Return the flow between known places. Return nothing if no such route shows anybody, or if there are too few
    people to show."""
    if not found.detailed:
        return []
    origins, destinations = (
        [code for code in found.codes(side) if code != "unknown"]
        for side in ("origin", "destination")
    )
    pairs = [
        (start, end, figure)
        for start in origins
        for end in destinations
        if (figure := found.figure(origin=start, destination=end)).value
    ]
    places = ordered([figure.between for *_, figure in pairs])
    shown = [pairs[place] for place in places][:FLOWS]
    if not shown:
        return []
    rows = (
        (found.label("origin", start), found.label("destination", end), value)
        for start, end, value in shown
    )
    flows = table("routes", "routes.chart", ("origin", "destination", "people"), rows)
    alt = said_of(say("routes.alt"), flows, "place", "service")
    chart = Chart(form="flow", title=say("routes.chart"), alt=alt, table=flows)
    return [chart, sentence("rows.left") if len(pairs) > FLOWS else None]
