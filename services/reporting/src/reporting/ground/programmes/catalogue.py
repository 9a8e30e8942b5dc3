"""Reads definitions from data files, shipped with Ruta or in a deployment's own folder.

`populations.json` defines who is counted together; every other file is a programme, a view of a population. A dimension
lists its codes in the file, or takes them from shared lists: ``{"places": [{"country": "VEN", "level": 1}]}``,
``{"codelist": "pathways"}``, ``{"codelist": "htcds:type_of_exploitation"}``.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from common.words import codelists
from common.words.codelists import Code
from common.words.languages import LANGUAGES
from common.words.places import Places
from common.words.tables import completed

from reporting.errors import OutsideProgrammeError
from reporting.ground.htcds import htcds
from reporting.ground.periods import PeriodKind
from reporting.ground.programmes.definition import (
    Codes,
    Labels,
    Link,
    Measure,
    Population,
    Programme,
    ProgrammeDimension,
)
from reporting.ground.protection.protected import Dimension

POPULATIONS = "populations.json"
_SHARED: Mapping[str, Callable[[], Mapping[str, Code]]] = {
    "pathways": codelists.pathways,
    "categories": codelists.categories,
    "populations": codelists.populations,
}


class Catalogue:
    """A deployment's programmes, by id."""

    def __init__(self, programmes: Mapping[str, Programme]) -> None:
        self._programmes = dict(programmes)
        for each in self._programmes.values():
            self._check_links(each)
        for each in self._programmes.values():
            self._check_declared(each)

    def __iter__(self) -> Any:
        return iter(self._programmes.values())

    def get(self, programme_id: str) -> Programme:
        """Return the definition. Raise OutsideProgrammeError with the existing ids if it does not exist."""
        try:
            return self._programmes[programme_id]
        except KeyError:
            raise OutsideProgrammeError(
                "programme", programme_id, tuple(self._programmes)
            ) from None

    def _check_links(self, programme: Programme) -> None:
        """Raise ValueError if a link names something that does not exist."""
        for link in programme.links:
            other = self._programmes.get(link.other)
            if other is None or other.population.id != programme.population.id:
                raise ValueError(f"{programme.id}: it shares no people with {link.other!r}")
            for side, codes in ((programme, link.here), (other, link.there)):
                known = {each.name: each.dimension for each in side.dimensions}
                for name, wanted in codes.items():
                    if name not in known or not set(wanted) <= set(known[name].codes):
                        raise ValueError(f"{programme.id}: {side.id} has no {name}={wanted}")

    def _check_declared(self, programme: Programme) -> None:
        """Raise ValueError if the programme shares people with another and neither file declares how."""
        for other in self.linked(programme):
            declared = {link.other for link in programme.links}
            if other.id not in declared and programme.id not in {x.other for x in other.links}:
                raise ValueError(
                    f"{programme.id} and {other.id} count the same people: say how under 'links'"
                )

    def linked(self, programme: Programme) -> tuple[Programme, ...]:
        """Return the other programmes over the same people, which are views of the same joint cube (R1)."""
        return tuple(
            other
            for other in self._programmes.values()
            if other.population.id == programme.population.id and other.id != programme.id
        )


def load(folder: Path | None = None) -> Catalogue:
    """Load the catalogue from ``folder`` (`populations.json`, and one file per programme), or else the shipped
    catalogue."""
    return _read(folder) if folder is not None else shipped()


@cache
def shipped() -> Catalogue:
    return _read(files("reporting").joinpath("data", "programmes"))


def programme(programme_id: str) -> Programme:
    """Return a shipped definition. Raise OutsideProgrammeError with the existing ids if it does not exist."""
    return shipped().get(programme_id)


def _read(folder: Traversable) -> Catalogue:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    read = {
        entry.name: completed("reporting", json.loads(entry.read_text(encoding="utf-8")))
        for entry in entries
        if entry.name.endswith(".json")
    }
    populations = {each["id"]: _population(each) for each in read.pop(POPULATIONS, ())}
    _check_apart(populations.values())
    definitions = [_programme(each, populations) for each in read.values()]
    return Catalogue({each.id: each for each in definitions})


def _check_apart(populations: Iterable[Population]) -> None:
    """Raise ValueError if two populations count the same people, because the two would then be rounded separately."""
    known: dict[Measure, str] = {}
    for each in sorted(populations, key=lambda population: population.id):
        if (other := known.setdefault(each.measure, each.id)) != each.id:
            raise ValueError(f"{other} and {each.id} count the same people: one population")


def _population(entry: Mapping[str, Any]) -> Population:
    dimensions = tuple(_dimension(each) for each in entry["dimensions"])
    return Population(
        id=entry["id"],
        measure=Measure(entry["measure"]),
        period_kind=PeriodKind(entry["period"]),
        k=entry["k"],
        dimensions=dimensions,
        tilted=tuple(entry.get("tilted", [each.name for each in dimensions])),
        spans=tuple(map(PeriodKind, entry.get("spans", ()))),
        carried=entry.get("carried"),
        flagged=entry.get("flagged"),
        reached=tuple(map(frozenset, entry.get("reached", ()))),
        apart=tuple(map(frozenset, entry.get("apart", ()))),
    )


def _programme(entry: Mapping[str, Any], populations: Mapping[str, Population]) -> Programme:
    """Return a programme. Raise ValueError for an unknown population, because it would be rounded separately."""
    population = populations.get(entry["population"])
    if population is None:
        raise ValueError(f"{entry['id']}: there is no population {entry['population']!r}")
    joint = {each.name: each for each in population.dimensions}
    where = _codes(entry.get("where", {}))
    for name, codes in _codes(entry.get("without", {})).items():
        where[name] = tuple(c for c in joint[name].dimension.codes if c not in codes)
    views = [_view(each, joint, where) for each in entry["dimensions"]]
    for name, codes in where.items():
        if name not in joint or not set(codes) <= set(joint[name].dimension.codes):
            raise ValueError(f"{entry['id']}: its population has no {name}={codes}")
    return Programme(
        id=entry["id"],
        title=_labels(entry["title"]),
        unit=_labels(entry["unit"]),
        population=population,
        dimensions=tuple(dimension for _, dimension, _ in views),
        note=_labels(entry["note"]),
        sources={dimension.name: source for source, dimension, _ in views},
        into={dimension.name: into for _, dimension, into in views},
        where=where,
        links=tuple(_link(each) for each in entry.get("links", ())),
    )


def _view(
    entry: Any, joint: Mapping[str, ProgrammeDimension], where: Codes
) -> tuple[str, ProgrammeDimension, Mapping[str, str]]:
    """Return a programme's dimension: a dimension of its population by name, or one with another name, label or codes,
    or with fewer of them."""
    given: Mapping[str, Any] = {"name": entry} if isinstance(entry, str) else entry
    source = given.get("of", given["name"])
    if source not in joint:
        raise ValueError(f"{given['name']}: its population has no dimension {source!r}")
    if "codes" in given:
        own = _dimension(given)
        into = {
            code: given.get("into", {}).get(code, code) for code in joint[source].dimension.codes
        }
        kept = where.get(source, joint[source].dimension.codes)
        if not {into[code] for code in kept} <= set(own.dimension.codes):
            raise ValueError(f"{own.name}: a code of {source} has no place in it")
        return source, own, into
    base = joint[source]
    codes = where.get(source, base.dimension.codes)
    label = _labels(given["label"]) if "label" in given else base.label
    dimension = replace(base.dimension, name=given["name"], codes=codes)
    fallback = base.fallback if base.fallback in codes else codes[-1]
    return source, ProgrammeDimension(dimension, label, base.code_labels, fallback), {}


def _codes(entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(codes) for name, codes in entry.items()}


def _link(entry: Mapping[str, Any]) -> Link:
    here, there = (_codes(entry.get(side, {})) for side in ("here", "there"))
    if entry["relation"] not in ("equal", "within"):
        raise ValueError(f"{entry['relation']!r} is no relation: write 'equal' or 'within'")
    return Link(entry["with"], here, there, entry["relation"])


def _dimension(entry: Mapping[str, Any]) -> ProgrammeDimension:
    labels: dict[str, Labels] = {}
    for places in entry.get("places", ()):
        labels |= _places(**places)
    if "codelist" in entry:
        shared = _shared(entry["codelist"])
        labels |= {code: {x: each.label(x) for x in LANGUAGES} for code, each in shared.items()}
    labels |= {code: _labels(each) for code, each in entry.get("codes", {}).items()}
    groups = {code: tuple(each["codes"]) for code, each in entry.get("groups", {}).items()}
    sensitive = labels if entry.get("sensitive") == "all" else entry.get("sensitive", ())
    dimension = Dimension(entry["name"], tuple(labels), groups, frozenset(sensitive))
    labels |= {code: _labels(each["label"]) for code, each in entry.get("groups", {}).items()}
    if entry["fallback"] not in dimension.codes:
        raise ValueError(f"{entry['name']}: the fallback is not one of the codes")
    return ProgrammeDimension(dimension, _labels(entry["label"]), labels, entry["fallback"])


def _shared(name: str) -> Mapping[str, Code]:
    return _SHARED[name]() if name in _SHARED else htcds(name.removeprefix("htcds:"))


def _places(level: int, country: str | None = None) -> dict[str, Labels]:
    places = Places.load().at_level(level, country)
    if not places:
        raise ValueError(f"no places of level {level} are known for {country or 'any country'}")
    return {place.pcode: {x: place.label(x) for x in LANGUAGES} for place in places}


def _labels(entry: Mapping[str, str]) -> Labels:
    return {language: entry[language] for language in LANGUAGES}
