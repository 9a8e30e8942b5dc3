"""The sections about the cluster's own work: signed-off activities, and the work plan."""

from datetime import date

from common.words.languages import LANGUAGES
from common.words.places import folded

from reporting.count.activities.codes import activity_codes
from reporting.count.activities.indicators import ALLOWED, COUNTED_STATUSES
from reporting.ground.language import same
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.publish.bulletins.composing.evidence import Evidence, figure
from reporting.publish.bulletins.composing.parts import (
    CHART_ROWS,
    bars,
    place,
    section,
    sentence,
    table,
)
from reporting.publish.bulletins.document.content import Chart, Label, Section
from reporting.publish.bulletins.document.figures import (
    ActivitySource,
    Figure,
    ProgressSource,
    TargetSource,
)
from reporting.publish.bulletins.document.texts import say


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
        return section("activities", sentence("missing.activities"))
    heads = ("indicator", "period_value", "plan_value")
    done = table("activities", "activities.table", heads, rows)
    by_state = _trained_by_state(period, evidence)
    return section("activities", sentence("activities.intro"), done, by_state)


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
    caption, heads = "activities.trained_chart", ("state", "people")
    trained = table("trained-by-state", caption, heads, shown[:CHART_ROWS])
    return bars(say(caption), say("activities.alt"), trained)


def presence(period: Period, evidence: Evidence, _catalogue: Catalogue) -> Section | None:
    """Return which organisations work in which state. Omit activities for people who come for help, because their
    locations must stay private."""
    names: dict[str, dict[str, str]] = {}
    for each in evidence.activities:
        code = activity_codes().get(each.activity_code)
        inside = period.start <= each.start <= period.end and each.status in COUNTED_STATUSES
        if inside and code and code.counts != "recipients":
            found = names.setdefault(each.adm1_pcode, {})
            found.setdefault(folded(each.org_implementer), each.org_implementer)
    if not names:
        return None
    rows = [
        (place(state, evidence), Label(text=same(", ".join(sorted(found.values(), key=folded)))))
        for state, found in names.items()
    ]
    rows.sort(key=lambda row: row[0].text[LANGUAGES[0]])
    heads = ("state", "organisations")
    return section(
        "presence",
        table("presence", "presence.table", heads, rows),
        sentence("presence.note"),
    )


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
        return section("progress", sentence("missing.targets"))
    heads = ("indicator", "area", "target", "done", "share")
    progress = table("work-plan", "progress.table", heads, rows)
    return section("progress", progress, sentence("progress.note"))
