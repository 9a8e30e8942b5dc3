"""The context pack: input tables for a problem tree or a SWOT, without conclusions. Pure.

Stakeholders come from the directory's events, needs from protected releases, and risks from other sources with their
provenance. The caller supplies all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.words.codelists import categories
from common.words.places import Places

from reporting.count.context.series import OutsideSeries
from reporting.ground.language import text
from reporting.ground.protection.protected import ProtectedCube, Row, rate
from reporting.ground.tabular.tables import Cell, Table, columns_of

EXPLAINED = text(
    "Insumos para un árbol de problemas y un análisis FODA, no conclusiones. "
    "Casos reportados, no prevalencia. Un cero significa ninguna persona o muy pocas.",
    "Inputs for a problem tree and a SWOT analysis, no conclusions. "
    "Reported cases, not prevalence. A zero means none or very few.",
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A service listed in the directory, in codes. Its place is at most as exact as a first-level area."""

    organisation_id: UUID
    categories: tuple[str, ...]
    states: tuple[str, ...]
    referable: bool


def tables(
    *,
    offers: Sequence[Offer],
    names: Mapping[UUID, str],
    referrals: ProtectedCube | None,
    unmet: ProtectedCube | None,
    gaps: ProtectedCube | None,
    series: Iterable[OutsideSeries],
    places: Places,
    states: Sequence[str],
) -> list[Table]:
    """Return stakeholders, people left behind by state, and outside series with their provenance."""
    return [
        _stakeholders(offers, names, places),
        _left_behind(offers, (referrals, unmet, gaps), places, states),
        _risks(series, places),
    ]


def _stakeholders(offers: Sequence[Offer], names: Mapping[UUID, str], places: Places) -> Table:
    """Return the stakeholders. An organisation that reports activities has the name given there; any other has only its
    id."""
    counted: dict[tuple[UUID, str, str], list[int]] = {}
    for offer in offers:
        for state in offer.states or ("",):
            for category in offer.categories:
                key = (offer.organisation_id, state, category)
                row = counted.setdefault(key, [0, 0])
                row[0] += 1
                row[1] += offer.referable
    rows: list[tuple[Cell, ...]] = [
        (
            str(organisation),
            f"/directory/v1/organizations/{organisation}",
            state or None,
            _name(state, places),
            category,
            categories().label(category, "es"),
            categories().label(category, "en"),
            listed,
            referable,
            names.get(organisation),
        )
        for (organisation, state, category), (listed, referable) in sorted(counted.items())
    ]
    columns = columns_of(__package__, "stakeholders")
    return Table("stakeholders", text("Actores", "Stakeholders"), columns, rows, (EXPLAINED,))


def _left_behind(
    offers: Sequence[Offer],
    cubes: tuple[ProtectedCube | None, ProtectedCube | None, ProtectedCube | None],
    places: Places,
    states: Sequence[str],
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for place in map(places.require, states):
        referred, unmet, searches = (_in_state(cube, place.pcode) for cube in cubes)
        counts = (*_bounded(referred), *_bounded(unmet))
        ready = sum(place.pcode in offer.states and offer.referable for offer in offers)
        k = cubes[0].k if cubes[0] else 0
        share = None
        if referred is not None and unmet is not None:
            share = rate(unmet.count, referred.count, k).value
        found = (*counts, share, *_bounded(searches))
        rows.append((place.pcode, place.name, *found, ready))
    columns = columns_of(__package__, "left_behind")
    name = text("Quién queda atrás", "Who is left behind")
    return Table("left_behind", name, columns, rows, (EXPLAINED,))


def _bounded(row: Row | None) -> tuple[int | None, int | None, int | None]:
    return (None, None, None) if row is None else (row.count, row.low, row.high)


def _in_state(cube: ProtectedCube | None, state: str) -> Row | None:
    if cube is None or state not in cube.dimension("area").codes:
        return None
    return cube.figure({"area": (state,)})


def _risks(series: Iterable[OutsideSeries], places: Places) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            each.code,
            each.title["es"],
            each.title["en"],
            point.day,
            point.area,
            _name(point.area, places),
            point.value,
            each.unit["en"],
            each.source,
            each.url,
            each.licence,
            each.retrieved_on,
            each.edition,
        )
        for each in series
        for point in each.points
    ]
    columns = columns_of(__package__, "risks")
    return Table(
        "risks", text("Riesgos de otras fuentes", "Risks from other sources"), columns, rows
    )


def _name(pcode: str | None, places: Places) -> str | None:
    place = places.get(pcode) if pcode else None
    return place.name if place else None
