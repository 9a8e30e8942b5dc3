"""Joint cubes as they were closed, and their published views. Pure.

A view reads some cells of a joint cube by some of its dimensions. The view of a month, quarter or year uses the cube
made from its parts (R4a, `spans.py`). Nothing is rounded here.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from reporting.ground.periods import Period, PeriodKind, span_of
from reporting.ground.programmes.definition import HISTORY, Measure, Population, Programme
from reporting.ground.protection.arrays import Bools, Whole, np
from reporting.ground.protection.intervals import Noise
from reporting.ground.protection.protected import (
    Coordinates,
    Counted,
    Dimension,
    ExpectedError,
    ProtectedCube,
    Row,
    summed,
)
from reporting.ground.protection.rounding import FEW_MARGINS, PROFILES, Weights
from reporting.protect.releases.cells import RULES
from reporting.protect.releases.spans import Layout, span


@dataclass(frozen=True)
class JointCube:
    """The protected joint cube for a population and period, with its definition at that time."""

    population: str
    period: str
    k: int
    profile: str
    weights: Weights
    measure: Measure
    dimensions: tuple[Dimension, ...]
    tilted: tuple[str, ...]
    spans: tuple[PeriodKind, ...]
    carried: str | None
    flagged: str | None
    reached: tuple[frozenset[str], ...]
    apart: tuple[frozenset[str], ...]
    cells: Mapping[Coordinates, int]
    periods: int = 1
    """The number of closed periods in it; more than one in a span."""
    public: bool = False
    """Whether it is read for everybody, who sees small figures pooled."""
    beyond: Mapping[Coordinates, int] = field(default_factory=dict)
    """Persons that cells of a span show beyond the flows of its parts; negative where they show fewer."""

    @property
    def shape(self) -> str:
        """Return a key that is equal for cubes that can make up a span."""
        return repr(replace(self, period="", cells={}, beyond={}))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.dimensions)

    @cached_property
    def at(self) -> Whole:
        """Return the shown cells as code positions."""
        return self.places(self.cells)

    def places(self, cells: Collection[Coordinates]) -> Whole:
        known = [{code: i for i, code in enumerate(d.codes)} for d in self.dimensions]
        rows = [[place[c] for place, c in zip(known, at, strict=True)] for at in cells]
        return np.array(rows, np.int64).reshape(len(rows), len(self.dimensions))

    @cached_property
    def shown(self) -> Whole:
        return np.array(list(self.cells.values()), np.int64)


@dataclass(frozen=True)
class View:
    """A programme's view of a joint cube. `sources` maps own dimensions to the cube's dimensions, `into` the cube's
    codes to own codes (unchanged where absent), and `where` the cube's dimensions to codes."""

    programme: str
    dimensions: tuple[Dimension, ...]
    sources: Mapping[str, str]
    into: Mapping[str, Mapping[str, str]]
    where: Mapping[str, Sequence[str]]

    @property
    def stored(self) -> dict[str, Any]:
        """Return the view as JSON, because a release is always read with its own definition."""
        return {
            "dimensions": [
                {
                    "name": each.name,
                    "codes": list(each.codes),
                    "groups": {code: list(codes) for code, codes in each.groups.items()},
                    "sensitive": sorted(each.sensitive),
                }
                for each in self.dimensions
            ],
            "sources": dict(self.sources),
            "into": {name: dict(codes) for name, codes in self.into.items()},
            "where": {name: list(codes) for name, codes in self.where.items()},
        }


def dimensions_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Dimension, ...]:
    return tuple(
        Dimension(
            each["name"],
            tuple(each["codes"]),
            {code: tuple(codes) for code, codes in each["groups"].items()},
            frozenset(each.get("sensitive", ())),
        )
        for each in stored
    )


def view_of(programme: Programme) -> View:
    return View(
        programme.id,
        programme.cube_dimensions,
        programme.sources,
        programme.into,
        programme.where,
    )


def cells_hash(cells: Mapping[Coordinates, int]) -> bytes:
    """Return the SHA-256 of the cells in canonical order, which identifies a cube."""
    text = json.dumps([[list(at), cells[at]] for at in sorted(cells)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def definition_of(population: Population) -> dict[str, Any]:
    """Return the definition as JSON, because a cube is always read with its own definition."""
    return {
        "measure": population.measure.value,
        "dimensions": [
            {"name": each.name, "codes": list(each.codes), "groups": {}}
            for each in population.cube_dimensions
        ],
        "tilted": list(population.tilted),
        "spans": [each.value for each in population.spans],
        "carried": population.carried,
        "flagged": population.flagged,
        "reached": [sorted(each) for each in population.reached],
        "apart": [sorted(each) for each in population.apart],
    }


def stored_view(programme: str, stored: Mapping[str, Any]) -> View:
    return View(
        programme,
        dimensions_of(stored["dimensions"]),
        stored["sources"],
        stored["into"],
        stored["where"],
    )


def joint_cube(
    population: str,
    period: str,
    *,
    k: int,
    profile: str,
    definition: Mapping[str, Any],
    cells: Mapping[Coordinates, int],
    public: bool = False,
) -> JointCube:
    return JointCube(
        population,
        period,
        k,
        profile,
        PROFILES[profile],
        Measure(definition["measure"]),
        dimensions_of(definition["dimensions"]),
        tuple(definition["tilted"]),
        tuple(map(PeriodKind, definition["spans"])),
        definition["carried"],
        definition["flagged"],
        tuple(map(frozenset, definition.get("reached", ()))),
        tuple(map(frozenset, definition.get("apart", ()))),
        cells,
        definition.get("periods", 1),
        public,
        {tuple(at): persons for *at, persons in definition.get("beyond", ())},
    )


def seen(view: View, joint: JointCube) -> ProtectedCube:
    """Return the view of a closed period, or of a span."""
    counts: Counted = "persons"
    if joint.measure is Measure.SEARCHES_WITHOUT_RESULT:
        counts = "searches"
    return ProtectedCube(
        programme=view.programme,
        period=joint.period,
        k=joint.k,
        profile=joint.profile,
        dimensions=view.dimensions,
        cells=_cells(view, joint, joint.cells),
        beyond=_cells(view, joint, joint.beyond),
        noise=_noise(view, joint),
        counts=counts,
        public=joint.public and counts == "persons",
    )


def _cells(
    view: View, joint: JointCube, cells: Mapping[Coordinates, int]
) -> dict[Coordinates, int]:
    found: dict[Coordinates, int] = {}
    for place, persons in zip(
        _placed(view, joint, joint.places(cells)), cells.values(), strict=True
    ):
        if place[0] >= 0:
            at = tuple(d.codes[p] for d, p in zip(view.dimensions, place, strict=True))
            found[at] = found.get(at, 0) + persons
    return found


def layout_of(joint: JointCube) -> Layout:
    return Layout(
        joint.k,
        joint.names.index(str(joint.carried)),
        joint.names.index(joint.flagged) if joint.flagged else None,
        joint.reached,
        joint.apart,
        RULES[joint.measure].further,
    )


def spanned(joints: Sequence[JointCube], inside: Sequence[JointCube], period: Period) -> JointCube:
    """Return a span's cube, made from its closed periods in order; all have one `shape`. `inside` are the cubes of the
    next shorter spans, or the periods again."""
    first = joints[0]
    new = first.dimensions[-1].codes[0]
    cells, beyond = (
        {(*at, new): persons for at, persons in found.items()}
        for found in span(
            layout_of(first),
            first.spans.index(period.kind),
            [each.cells for each in joints],
            [each.cells for each in inside],
        )
    )
    return replace(first, period=period.id, cells=cells, periods=len(joints), beyond=beyond)


class Seen(Protocol):
    """A closed release, its view of its joint cube, and the cubes of the spans that end with it."""

    @property
    def period(self) -> str: ...
    @property
    def cube(self) -> ProtectedCube: ...
    @property
    def seen(self) -> tuple[View, JointCube] | None: ...
    @property
    def spans(self) -> Mapping[str, JointCube]: ...


def combined(releases: Sequence[Seen], name: str) -> ProtectedCube:
    """Return the counts over several closed periods of one programme. If they make up a month, a quarter or a year,
    each person counts once. Otherwise return the sum of the periods' counts."""
    last = max(releases, key=lambda each: Period.parse(each.period).end)
    span = span_of([each.period for each in releases])
    if len(releases) > 1 and span is not None and last.seen is not None and span.id in last.spans:
        return replace(seen(last.seen[0], last.spans[span.id]), period=name)
    return summed((each.cube for each in releases), name) if len(releases) > 1 else last.cube


def expected_errors(cube: ProtectedCube) -> tuple[ExpectedError, ...]:
    """Return the average error of the total, each dimension's counts and a cell. Half the width of an interval divided
    by 1.645 is a standard deviation, and a mean error is 0.8 of that."""
    asked = {"total": (), **{name: (name,) for name in cube.names}, "cell": cube.names}
    return tuple(map(_expected, asked, cube.margins(asked.values())))


_OF_A_WIDTH = Decimal("0.8") / Decimal("3.29")


def _expected(margin: str, rows: Sequence[Row]) -> ExpectedError:
    widths = [Decimal((row.high or 0) - (row.low or 0)) for row in rows]
    shown = sum(row.count for row in rows)
    if not widths:
        return ExpectedError(margin, Decimal(0), None)
    mean = sum(widths, Decimal(0)) * _OF_A_WIDTH / len(widths)
    relative = (mean * len(widths) / shown).quantize(Decimal("0.001")) if shown else None
    return ExpectedError(margin, mean.quantize(Decimal("0.1")), relative)


def _noise(view: View, joint: JointCube) -> Noise:
    where = frozenset(view.where)
    loose = frozenset(each.name for each in joint.dimensions) - {*joint.tilted, HISTORY}
    if (
        joint.periods > 1 and HISTORY not in joint.tilted
    ):  # people who are new in a span are also a part
        where |= {HISTORY}
    deep = 1 if len(joint.tilted) <= FEW_MARGINS else 2
    return Noise(joint.k, joint.periods, view.sources, where, loose, deep)


def _among(joint: JointCube, name: str, wanted: Sequence[str]) -> Bools:
    return np.array([code in wanted for code in joint.dimensions[joint.names.index(name)].codes])


def _turned(view: View, joint: JointCube, dimension: Dimension) -> Whole:
    """Return, for each code of the joint cube's dimension, its position in the view's dimension."""
    source = view.sources[dimension.name]
    into = view.into.get(dimension.name, {})
    own = {code: place for place, code in enumerate(dimension.codes)}
    of = joint.dimensions[joint.names.index(source)].codes
    return np.array([own.get(into.get(code, code), 0) for code in of])


def _placed(view: View, joint: JointCube, rows: Whole) -> Whole:
    """Return the position in the view for each row of the joint cube."""
    codes = {name: rows[:, place] for place, name in enumerate(joint.names)}
    inside = np.ones(len(rows), bool)
    for name, wanted in view.where.items():
        inside = inside & _among(joint, name, wanted)[codes[name]]
    places = np.full((len(rows), len(view.dimensions)), -1, np.int64)
    for number, dimension in enumerate(view.dimensions):
        source = view.sources[dimension.name]
        places[:, number] = _turned(view, joint, dimension)[codes[source]]
    places[~inside] = -1
    return places
