"""Reads programme definitions from data files: those of the package, or a deployment's own folder.

A dimension lists its codes in the file, or takes them from shared lists: ``{"places": [{"country":
"VEN", "level": 1}]}``, ``{"codelist": "pathways"}``, ``{"codelist": "htcds:type_of_exploitation"}``.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from common import codelists
from common.codelists import Code
from common.places import Places

from reporting.errors import OutsideProgrammeError
from reporting.periods import PeriodKind
from reporting.programmes.definition import Labels, Link, Measure, Programme, ProgrammeDimension
from reporting.releases.protected import Dimension
from reporting.trafficking.codes import htcds

LANGUAGES = ("es", "en")
_SHARED: Mapping[str, Callable[[], Mapping[str, Code]]] = {
    "pathways": codelists.pathways,
    "categories": codelists.categories,
    "populations": codelists.populations,
}


class Catalogue:
    """The programmes of one deployment, by id."""

    def __init__(self, programmes: Mapping[str, Programme]) -> None:
        self._programmes = dict(programmes)
        kinds = {(each.population, each.period_kind) for each in programmes.values()}
        if len(kinds) > len({population for population, _ in kinds}):
            raise ValueError("programmes over the same people must close per the same period kind")
        for each in self._programmes.values():
            self._check_links(each)
        for each in self._programmes.values():
            self._check_declared(each)

    def __iter__(self) -> Any:
        return iter(self._programmes.values())

    def get(self, programme_id: str) -> Programme:
        """The definition; raises OutsideProgrammeError with the ids that exist."""
        try:
            return self._programmes[programme_id]
        except KeyError:
            raise OutsideProgrammeError(
                "programme", programme_id, tuple(self._programmes)
            ) from None

    def _check_links(self, programme: Programme) -> None:
        """Raises ValueError where a link names what does not exist."""
        for link in programme.links:
            other = self._programmes.get(link.other)
            if other is None or other.population != programme.population:
                raise ValueError(f"{programme.id}: it shares no people with {link.other!r}")
            for side, codes in ((programme, link.here), (other, link.there)):
                known = {each.name: each.dimension for each in side.dimensions}
                for name, wanted in codes.items():
                    if name not in known or not set(wanted) <= set(known[name].codes):
                        raise ValueError(f"{programme.id}: {side.id} has no {name}={wanted}")

    def _check_declared(self, programme: Programme) -> None:
        """Raises ValueError where it shares people with another and neither file says how."""
        for other in self.linked(programme):
            declared = {link.other for link in programme.links}
            if other.id not in declared and programme.id not in {x.other for x in other.links}:
                raise ValueError(
                    f"{programme.id} and {other.id} count the same people: say how under 'links'"
                )

    def linked(self, programme: Programme) -> tuple[Programme, ...]:
        """The other programmes over the same people: audited together before publication (R1)."""
        return tuple(
            other
            for other in self._programmes.values()
            if other.population == programme.population and other.id != programme.id
        )


def load(folder: Path | None = None) -> Catalogue:
    """The catalogue of ``folder`` (one JSON file per programme), else the shipped one."""
    return _read(folder) if folder is not None else shipped()


@cache
def shipped() -> Catalogue:
    return _read(files("reporting").joinpath("data", "programmes"))


def programme(programme_id: str) -> Programme:
    """A shipped definition; raises OutsideProgrammeError with the ids that exist."""
    return shipped().get(programme_id)


def _read(folder: Traversable) -> Catalogue:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    definitions = [
        _programme(json.loads(entry.read_text(encoding="utf-8")))
        for entry in entries
        if entry.name.endswith(".json")
    ]
    return Catalogue({each.id: each for each in definitions})


def _programme(entry: Mapping[str, Any]) -> Programme:
    return Programme(
        id=entry["id"],
        title=_labels(entry["title"]),
        unit=_labels(entry["unit"]),
        population=entry["population"],
        measure=Measure(entry["measure"]),
        period_kind=PeriodKind(entry["period"]),
        k=entry["k"],
        profile=entry["profile"],
        dimensions=tuple(_dimension(each) for each in entry["dimensions"]),
        note=_labels(entry["note"]),
        part=tuple(entry.get("part", ())),
        links=tuple(_link(each) for each in entry.get("links", ())),
        public_k=entry.get("public_k"),
    )


def _link(entry: Mapping[str, Any]) -> Link:
    here, there = (
        {name: tuple(codes) for name, codes in entry.get(side, {}).items()}
        for side in ("here", "there")
    )
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
    dimension = Dimension(entry["name"], tuple(labels), groups)
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
