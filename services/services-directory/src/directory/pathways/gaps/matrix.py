"""The matrix area × need × group, computed from coverage cells. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from common.errors import PROBLEMS
from common.words.places import Places

from directory.pathways.gaps.shares import GROUPS, STATES

COVERED = frozenset({"referable", "waitlist"})


@dataclass(frozen=True, slots=True)
class Cell:
    """Services in one area, need and state that the caller may see. `counts` contains their numbers by group, in the
    order of GROUPS. Cells with `whole` also count in every part of the area."""

    area: str
    need: str
    state: str
    whole: bool
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the matrix. `counts` contains the number of services by state, without zeros. `coverage` is the best
    state, "none" or "not_shown". `people` is None without a population table."""

    area: str
    need: str
    group: str
    counts: Mapping[str, int]
    coverage: str
    people: int | None = None

    @property
    def is_gap(self) -> bool:
        """Return whether the caller can see no service here that could accept a referral."""
        return self.coverage not in COVERED and self.coverage != "not_shown"


def matrix(
    cells: Iterable[Cell],
    areas: Sequence[str],
    needs: Sequence[str],
    places: Places,
    *,
    shown: Callable[[str, str], bool],
    people: Mapping[tuple[str, str], int],
    groups: Sequence[str] = GROUPS,
) -> list[Row]:
    """Return one row per area, need and group, in that order. A service of a wider area counts in each part; a service
    of a part counts in the whole area. `shown` returns whether the caller may know that an area has no service for a
    need."""
    totals = _totals(cells, areas, places)
    return [
        _row(
            (area, need, group),
            totals.get((area, need, group), {}),
            shown(area, need),
            people.get((area, group)),
        )
        for area in areas
        for need in needs
        for group in groups
    ]


def _totals(
    cells: Iterable[Cell], areas: Sequence[str], places: Places
) -> dict[tuple[str, str, str], dict[str, int]]:
    parts: dict[str, list[str]] = {}
    for area in areas:
        for around in places.ancestors(area):
            parts.setdefault(around, []).append(area)
    wanted = set(areas)
    totals: dict[tuple[str, str, str], dict[str, int]] = {}
    for cell in cells:
        counted_in = [cell.area] if cell.area in wanted else []
        if cell.whole:
            counted_in += parts.get(cell.area, [])
        present = [(group, n) for group, n in zip(GROUPS, cell.counts, strict=True) if n > 0]
        for area in counted_in:
            for group, services in present:
                counts = totals.setdefault((area, cell.need, group), {})
                counts[cell.state] = counts.get(cell.state, 0) + services
    return totals


def _row(
    key: tuple[str, str, str], counts: Mapping[str, int], shown: bool, people: int | None
) -> Row:
    # Each count is at least one, because cells with a total of 0 are left out. "closed" counts as no service.
    best = min(counts, key=STATES.index, default="none")
    verdict = "none" if best == "closed" else best
    if verdict not in COVERED and not shown:
        verdict = "not_shown"
    return Row(*key, counts, verdict, people)


@dataclass(frozen=True, slots=True)
class StepWithoutService:
    """A step of a published pathway for which no service in the area accepts referrals."""

    area: str
    aor: str
    version: str
    step: str
    need: str


def steps_without_service(
    rows: Iterable[Row], pathways: Mapping[str, Sequence[tuple[str, str, str, str]]]
) -> list[StepWithoutService]:
    """Return the steps that no group can use. `pathways` contains (AoR, version, step, need) by area."""
    covered: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    for row in rows:
        seen.add((row.area, row.need))
        if not row.is_gap:
            covered.add((row.area, row.need))
    return [
        StepWithoutService(area, aor, version, step, need)
        for area, steps in pathways.items()
        for aor, version, step, need in steps
        if (area, need) in seen and (area, need) not in covered
    ]


def weighted(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Return, for each need, the people in areas and groups with a known population, and those without a service."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.people is None or row.coverage == "not_shown":
            continue
        need = found.setdefault(row.need, {"people": 0, "without_service": 0})
        need["people"] += row.people
        need["without_service"] += row.people if row.is_gap else 0
    return found


TOO_MANY_CELLS = PROBLEMS["too_many_cells"]


@dataclass(frozen=True, slots=True)
class GapQuery:
    """Selects areas of `level` within `area`. Without needs or groups, selects all of them."""

    area: str
    level: int
    needs: Sequence[str] = ()
    groups: Sequence[str] = ()
    only_gaps: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows in the order of area, need and group; `weighted` is empty without a population table."""

    question: GapQuery
    as_of: date
    areas: list[str]
    needs: list[str]
    rows: list[Row]
    open_steps: list[StepWithoutService]
    weighted: dict[str, dict[str, int]]
