"""Joint cubes as they were closed, and the views of them that are published. Pure.

A view reads some cells of a joint cube by some of its dimensions; over a month, quarter or year it
is a flow of the same cells: somebody counts where she is new in the span, and moves on when she
came further (R4a). Nothing is rounded here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import Any, Protocol

from reporting.ground.periods import Period, PeriodKind, span_of
from reporting.ground.programmes.definition import (
    FLAG,
    HISTORY,
    NEW,
    NOTHING,
    Measure,
    Population,
    Programme,
)
from reporting.ground.protection.arrays import Bools, Whole, np
from reporting.ground.protection.certainty import Certainty, Look, Part
from reporting.ground.protection.posterior import Posterior
from reporting.ground.protection.protected import (
    Coordinates,
    Counted,
    Dimension,
    ExpectedError,
    ProtectedCube,
    Row,
    summed,
)
from reporting.ground.protection.rounding import PROFILES, Weights
from reporting.protect.releases.joint import margin_code
from reporting.protect.releases.rules import RULES


@dataclass(frozen=True)
class JointCube:
    """The protected joint cube of a population and period, with its definition as it was."""

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
    cells: Mapping[Coordinates, int]
    kept: bytes | None = field(default=None, compare=False, repr=False)
    """Its posterior as it was computed at closing; cubes from before that was kept compute it."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.dimensions)

    @cached_property
    def at(self) -> Whole:
        """The shown cells, as places of codes."""
        places = [{code: i for i, code in enumerate(d.codes)} for d in self.dimensions]
        rows = [[place[c] for place, c in zip(places, at, strict=True)] for at in self.cells]
        return np.array(rows, np.int64).reshape(len(rows), len(self.dimensions))

    @cached_property
    def shown(self) -> Whole:
        return np.array(list(self.cells.values()), np.int64)

    @cached_property
    def posterior(self) -> Posterior:
        if self.kept is not None:
            return Posterior.read(self.kept)
        weights = self.weights
        joined, classes = self._moves() if self.spans else ((), ())
        return Posterior(
            self.at,
            self.shown,
            [len(each.codes) for each in self.dimensions],
            [self._margin(name) for name in self.tilted],
            joined=joined,
            classes=classes,
            k=self.k,
            total=weights.total,
            one_way=weights.one_way,
        )

    def _margin(self, name: str) -> tuple[int, Whole]:
        position = self.names.index(name)
        codes = self.dimensions[position].codes
        if name != HISTORY:
            return position, np.arange(len(codes))
        return position, np.array([int(margin_code(code)) for code in codes])

    def _moves(self) -> tuple[tuple[int, ...], list[list[Whole]]]:
        """What flows rest on: of whom something was known in a span, who moved on, and who said something
        before and now. 0 is for those who are new."""
        names = [HISTORY, str(self.carried), *filter(None, [self.flagged])]
        joined = tuple(map(self.names.index, names))
        codes = dict(
            zip(names, np.indices([len(self.dimensions[d].codes) for d in joined]), strict=True)
        )
        coarse, fine = [], []
        steps = len(self.dimensions[self.names.index(str(self.carried))].codes)
        for span in range(len(self.spans)):
            known = _known(self, span, codes)
            moved = known.reached != known.prior
            coarse.append(np.where(known.new, 0, 1 + moved))
            stands = (known.prior, known.reached)
            fine += [np.where(known.new, 0, 1 + each + steps * moved) for each in stands]
            if self.flagged:
                coarse.append(np.where(known.new, 0, 1 + known.said + 2 * known.flag))
        return joined, [coarse, fine]


@dataclass(frozen=True)
class View:
    """What a programme reads of a joint cube. `sources`: own dimension → the cube's; `into`: code
    of that → own code (the same where absent); `where`: the cube's dimension → codes."""

    programme: str
    dimensions: tuple[Dimension, ...]
    sources: Mapping[str, str]
    into: Mapping[str, Mapping[str, str]]
    where: Mapping[str, Sequence[str]]

    @property
    def stored(self) -> dict[str, Any]:
        """As JSON: a release is read with its own definition for ever."""
        return {
            "dimensions": [
                {
                    "name": each.name,
                    "codes": list(each.codes),
                    "groups": {code: list(codes) for code, codes in each.groups.items()},
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
    """SHA-256 over the cells in canonical order: what a cube is recognised by."""
    text = json.dumps([[list(at), cells[at]] for at in sorted(cells)], separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def definition_of(population: Population) -> dict[str, Any]:
    """As JSON: a cube is read with its own definition for ever."""
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
    finer: int | None = None,
    kept: bytes | None = None,
) -> JointCube:
    """`finer`: the k of the tier that this one was made of, if it was."""
    return JointCube(
        population,
        period,
        k,
        profile,
        PROFILES[profile].at(finer or k, k),
        Measure(definition["measure"]),
        dimensions_of(definition["dimensions"]),
        tuple(definition["tilted"]),
        tuple(map(PeriodKind, definition["spans"])),
        definition["carried"],
        definition["flagged"],
        cells,
        kept,
    )


def seen(view: View, joint: JointCube, span: PeriodKind | None = None) -> ProtectedCube:
    """The view of one closed period; with a `span`, what the period adds to that longer one."""
    looks = _looks(view, joint, span)
    cells: dict[Coordinates, int] = {}
    for look, sign in zip(looks, (1, -1), strict=False):
        for place, shown in zip(look(joint.at), joint.shown, strict=True):
            if place[0] >= 0:
                at = tuple(d.codes[p] for d, p in zip(view.dimensions, place, strict=True))
                cells[at] = cells.get(at, 0) + sign * int(shown)
    counts: Counted = "persons"
    if joint.measure is Measure.SEARCHES_WITHOUT_RESULT:
        counts = "searches"
    return ProtectedCube(
        programme=view.programme,
        period=joint.period,
        k=joint.k,
        profile=joint.profile,
        dimensions=view.dimensions,
        cells={at: count for at, count in cells.items() if count},
        certainty=Certainty((_part(view, joint, span, looks),), joint.k),
        counts=counts,
    )


def _part(view: View, joint: JointCube, span: PeriodKind | None, looks: Sequence[Look]) -> Part:
    flowing = {HISTORY, str(joint.carried)} if span else set()
    reads = tuple(joint.names.index(view.sources[each.name]) for each in view.dimensions)
    always = frozenset(map(joint.names.index, flowing | set(view.where)))
    return Part(joint, reads, always, *looks)


def over(
    views: Sequence[tuple[View, JointCube]], period: Period | None, name: str
) -> ProtectedCube:
    """The counts over several closed periods: persons where they make up a span of their population
    (`period`), each once; else the sum of what each period counted."""
    first = views[0][1]
    if period is None or period.kind not in first.spans or len(views) == 1:
        return summed((seen(view, joint) for view, joint in views), name)
    cube = summed((seen(view, joint, period.kind) for view, joint in views), name)
    return replace(cube, counts="persons")


class Seen(Protocol):
    """A closed release, and which view of which joint cube it is."""

    @property
    def period(self) -> str: ...
    @property
    def cube(self) -> ProtectedCube: ...
    @property
    def seen(self) -> tuple[View, JointCube] | None: ...


def combined(releases: Sequence[Seen], name: str) -> ProtectedCube:
    """The counts of several closed periods of one programme: persons, if they make up a month, a
    quarter or a year."""
    if len(releases) == 1:
        return releases[0].cube
    views = [each.seen for each in releases if each.seen is not None]
    if len(views) < len(releases):
        return summed((each.cube for each in releases), name)
    return over(views, span_of([each.period for each in releases]), name)


def expected_errors(cube: ProtectedCube) -> tuple[ExpectedError, ...]:
    """How far the total, each dimension's counts and a cell are off on average: half the width of
    their intervals over 1.645 is a standard deviation, and a mean error is 0.8 of one."""
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


@dataclass(frozen=True)
class _Flow:
    """Of a span: those who arrive at a place (`arriving`), or leave one for a further one."""

    span: int
    arriving: bool


def _looks(view: View, joint: JointCube, span: PeriodKind | None) -> list[Look]:
    """Where the cells of the joint cube stand; in a flow, where they arrive and where they leave."""
    if span is None:
        return [partial(_placed, view, joint, None)]
    at = joint.spans.index(span)
    return [partial(_placed, view, joint, _Flow(at, arriving=each)) for each in (True, False)]


def _placed(view: View, joint: JointCube, flow: _Flow | None, rows: Whole) -> Whole:
    """Where rows of the joint cube stand in the view."""
    codes = {name: rows[:, place] for place, name in enumerate(joint.names)}
    inside = np.ones(len(rows), bool) if flow is None else _flowing(joint, flow, codes)
    for name, wanted in view.where.items():
        of = joint.dimensions[joint.names.index(name)].codes
        inside = inside & np.array([code in wanted for code in of])[codes[name]]
    places = np.full((len(rows), len(view.dimensions)), -1, np.int64)
    for number, dimension in enumerate(view.dimensions):
        source = view.sources[dimension.name]
        into = view.into.get(dimension.name, {})
        own = {code: place for place, code in enumerate(dimension.codes)}
        of = joint.dimensions[joint.names.index(source)].codes
        turned = np.array([own.get(into.get(code, code), 0) for code in of])
        places[:, number] = turned[codes[source]]
    places[~inside] = -1
    return places


@dataclass(frozen=True)
class _Known:
    """What is known of rows in a span: whether they are new in it, how far they had come and come now, as
    places of the carried codes; and whether the flagged dimension had said something, and does."""

    new: Bools
    prior: Whole
    reached: Whole
    flag: Bools
    said: Bools


def _known(joint: JointCube, span: int, codes: Mapping[str, Whole]) -> _Known:
    def codes_of(name: str) -> tuple[str, ...]:
        return joint.dimensions[joint.names.index(name)].codes

    steps = codes_of(str(joint.carried))
    before = [code.split("|")[span] for code in codes_of(HISTORY)]
    past = codes[HISTORY]
    reached = [0 if x == NEW else steps.index(x.removesuffix(FLAG)) for x in before]
    further = RULES[joint.measure].further
    table = np.array([[steps.index(further(a, b)) for b in steps] for a in steps])
    prior = np.array(reached)[past]
    said = np.zeros(past.shape, bool)
    if joint.flagged:
        said = codes[joint.flagged] != codes_of(joint.flagged).index(NOTHING)
    return _Known(
        np.array([each == NEW for each in before])[past],
        prior,
        table[prior, codes[str(joint.carried)]],
        np.array([each.endswith(FLAG) for each in before])[past],
        said,
    )


def _flowing(joint: JointCube, flow: _Flow, codes: dict[str, Whole]) -> Bools:
    """Which rows arrive or leave, with their carried and flagged codes put to where they do."""
    known, carried = _known(joint, flow.span, codes), str(joint.carried)
    moved = known.reached != known.prior
    if joint.flagged:
        needs = joint.dimensions[joint.names.index(joint.flagged)].codes
        nothing = needs.index(NOTHING)
        moved = moved | (~known.flag & known.said)
        # What was said first stands; which it was is of no matter to somebody who moves on.
        first = np.where(known.said, codes[joint.flagged], (nothing + 1) % len(needs))
        kept = np.where(known.flag, first, codes[joint.flagged] if flow.arriving else nothing)
        codes[joint.flagged] = np.where(known.new, codes[joint.flagged], kept)
    stands = known.reached if flow.arriving else known.prior
    codes[carried] = np.where(known.new, codes[carried], stands)
    flowing: Bools = known.new | moved if flow.arriving else ~known.new & moved
    return flowing
