"""The evidence for a bulletin's numbers, and each source's value in it. The same function computes a number for the
draft and checks it before sign-off and publication, on freshly read evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, Protocol
from uuid import UUID

from common.words.details import Coded
from common.words.places import Places, folded

from reporting.count.activities.activity import Activity
from reporting.count.activities.indicators import BY_CODE, COUNTED_STATUSES, total
from reporting.count.activities.work_plan import Target
from reporting.count.context.series import OutsideSeries
from reporting.count.milestones.schemas import MilestoneBody
from reporting.count.stakeholders.schemas import StakeholderBody
from reporting.errors import OutsideProgrammeError
from reporting.ground.language import Text
from reporting.ground.protection.protected import ProtectedCube, Row, share
from reporting.protect.releases.views import JointCube, View, combined
from reporting.publish.bulletins.document.figures import (
    ActivitySource,
    CoverageSource,
    ExpectedErrorSource,
    Figure,
    OutsideSource,
    ProgressSource,
    ReleaseShareSource,
    ReleaseSource,
    Source,
    TargetSource,
    ThresholdSource,
)
from reporting.publish.bulletins.document.texts import say
from reporting.publish.judgements.citations import Statement


class Published(Protocol):
    """A published release with the parts that bulletins need."""

    @property
    def id(self) -> UUID: ...
    @property
    def programme(self) -> str: ...
    @property
    def period(self) -> str: ...
    @property
    def cube(self) -> ProtectedCube: ...
    @property
    def seen(self) -> tuple[View, JointCube] | None: ...
    @property
    def spans(self) -> Mapping[str, JointCube]: ...


class UntraceableError(Coded):
    """The evidence does not contain or allow a source."""


@dataclass(frozen=True)
class Beside:
    """The evidence for the optional parts; `superseded` contains the statements that need review."""

    stakeholders: Sequence[StakeholderBody] = ()
    statements: Sequence[Statement] = ()
    superseded: frozenset[UUID] = frozenset()
    milestones: Sequence[MilestoneBody] = ()


@dataclass(frozen=True)
class Evidence:
    """The evidence: published releases, published forms of activities, targets and outside series."""

    releases: Mapping[UUID, Published]
    activities: Sequence[Activity]
    targets: Mapping[UUID, Target]
    series: Mapping[UUID, OutsideSeries]
    places: Places
    beside: Beside = field(default_factory=Beside)
    _combined: dict[tuple[UUID, ...], ProtectedCube] = field(default_factory=dict, compare=False)

    def cube(self, releases: Sequence[Published]) -> ProtectedCube:
        """Return a programme's counts over one or several closed periods."""
        ids = tuple(sorted(each.id for each in releases))
        if ids not in self._combined:
            self._combined[ids] = combined(releases, "several")
        return self._combined[ids]

    def of_programme(self, programme: str) -> dict[str, Published]:
        """Return a programme's releases by period id."""
        return {r.period: r for r in self.releases.values() if r.programme == programme}


@dataclass(frozen=True)
class Value:
    value: int | Decimal | None
    absent: Text | None = None
    low: int | Decimal | None = None
    high: int | Decimal | None = None


def figure(source: Source, evidence: Evidence) -> Figure:
    """Return the figure for this source. Raise UntraceableError if it is missing."""
    found = value_of(source, evidence)
    return Figure(
        value=found.value,
        low=found.low,
        high=found.high,
        form=_form(source),
        source=source,
        absent=found.absent,
    )


def _form(source: Source) -> Literal["count", "decimal", "share"]:
    match source:
        case ReleaseShareSource() | ProgressSource():
            return "share"
        case ExpectedErrorSource() | OutsideSource():
            return "decimal"
    return "count"


def value_of(source: Source, evidence: Evidence, *, with_interval: bool = True) -> Value:
    """Return the value of a source in this evidence. Raise UntraceableError if it is missing. The interval takes nearly
    all the computing time, so comparisons of values alone skip it."""
    match source:
        case ReleaseSource():
            row = _released(source, evidence, with_interval=with_interval)
            return Value(row.count, low=row.low, high=row.high)
        case ReleaseShareSource():
            return _share(source, evidence, with_interval=with_interval)
        case ExpectedErrorSource():
            return _expected_error(source, evidence)
        case ThresholdSource():
            return Value(_release(source.release, evidence).cube.k)
        case ActivitySource():
            return Value(_counted(source, evidence))
        case CoverageSource():
            return Value(_coverage(source, evidence))
        case TargetSource():
            return Value(_target(source.target, evidence).target)
        case ProgressSource():
            done = Decimal(_counted(source.numerator, evidence))
            reached = done / Decimal(_target(source.denominator.target, evidence).target)
            return Value(reached.quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN))
        case OutsideSource():
            return Value(_outside(source, evidence))


def _release(release_id: UUID, evidence: Evidence) -> Published:
    found = evidence.releases.get(release_id)
    if found is None:
        raise UntraceableError("release_is_not_published", release_id)
    return found


def _released(source: ReleaseSource, evidence: Evidence, *, with_interval: bool) -> Row:
    found = [_release(each, evidence) for each in source.releases]
    if len({r.programme for r in found}) != 1 or len({r.period for r in found}) != len(found):
        raise UntraceableError("sum_needs_different_periods_of_one_programme")
    try:
        cube = evidence.cube(found)
        if source.rest_by:
            return cube.rest(source.rest_by, source.filters) or Row({}, 0, 0, 0)
        return cube.figure(source.filters) if with_interval else Row({}, cube.total(source.filters))
    except OutsideProgrammeError as error:
        raise UntraceableError("programme_has_no_such_code", error.field, error.given) from error


def _share(source: ReleaseShareSource, evidence: Evidence, *, with_interval: bool) -> Value:
    if source.numerator.releases != source.denominator.releases:
        raise UntraceableError("share_needs_the_same_periods_on_both_sides")
    k = max(_release(each, evidence).cube.k for each in source.denominator.releases)
    above, below = (
        _released(each, evidence, with_interval=with_interval)
        for each in (source.numerator, source.denominator)
    )
    found = share(above, below, k)
    absent = say("absent.small_base") if found.value is None else None
    return Value(found.value, absent, found.low, found.high)


def _expected_error(source: ExpectedErrorSource, evidence: Evidence) -> Value:
    errors = _release(source.release, evidence).cube.expected_errors
    found = next((e for e in errors if e.margin == source.margin), None)
    if found is None:
        return Value(None, say("absent.no_error"))
    return Value(found.mean_absolute)


def _counted(source: ActivitySource, evidence: Evidence) -> int:
    indicator = BY_CODE.get(source.indicator)
    if indicator is None:
        raise UntraceableError("indicator_is_not_allowed", source.indicator)
    return total(
        evidence.activities,
        indicator,
        start=source.start,
        end=source.end,
        area=source.area,
        places=evidence.places,
    )


def _coverage(source: CoverageSource, evidence: Evidence) -> int:
    inside = [
        a
        for a in evidence.activities
        if source.start <= a.start <= source.end and a.status in COUNTED_STATUSES
    ]
    if source.of == "organisations":
        return len({folded(activity.org_implementer) for activity in inside})
    return len({activity.adm1_pcode for activity in inside})


def _target(target_id: UUID, evidence: Evidence) -> Target:
    found = evidence.targets.get(target_id)
    if found is None:
        raise UntraceableError("target_is_not_in_the_work_plan", target_id)
    return found


def _outside(source: OutsideSource, evidence: Evidence) -> Decimal:
    series = evidence.series.get(source.series)
    point = series.point(source.day, source.area) if series else None
    if series is None or point is None:
        raise UntraceableError("series_has_no_such_point", source.series)
    return point.value.quantize(series.step)
