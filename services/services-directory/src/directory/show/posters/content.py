"""Content of a poster: the steps of a pathway in three bands, each with public services. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from common.words import codelists
from common.words.places import Places
from common.words.tables import completed

from directory.pathways.definition.graph import Pathway, Urgency
from directory.pathways.planning.composition import PlannedStep
from directory.pathways.planning.resolution import Course
from directory.pathways.planning.step_order import OrderedStep
from directory.pathways.texts.emergency import emergency_numbers
from directory.pathways.texts.sentences import say

SERVICES_PER_STEP, LINES = 3, 3
BANDS = ("danger", "soon", "later")
_NO_WINDOW = 10**6
_SOON = frozenset({Urgency.AT_ONCE, Urgency.WITHIN_24_HOURS})


@dataclass(frozen=True, slots=True)
class PublicService:
    """A public service; every line is in the poster's language."""

    name: str
    organisation: str
    place: str
    phones: tuple[str, ...]
    hours: str


@dataclass(frozen=True, slots=True)
class PosterStep:
    """A step of the poster. `instead` says where to get information if no service may be printed."""

    title: str
    notes: tuple[str, ...]
    services: tuple[PublicService, ...]
    instead: str


@dataclass(frozen=True, slots=True)
class Band:
    title: str
    steps: tuple[PosterStep, ...]


@dataclass(frozen=True, slots=True)
class Poster:
    """One page. `no_number` means that no service in the steps has a number, so the author must be told. `lines` then
    contains hotlines that serve the area. `url` is the address of the current version; `version` lists the pathway's
    layers."""

    language: str
    title: str
    area: str
    bands: tuple[Band, ...]
    emergency: tuple[str, ...]
    choice: str
    verify: str
    proposal: str
    updated: str
    version: str
    focal_point: str
    url: str
    lines: tuple[str, ...]
    no_number: bool
    missing: bool
    shortened: bool
    labels: Mapping[str, str]

    def with_at_most(self, services: int) -> "Poster":
        """Return the poster with fewer services per step, and a note that there are more."""
        bands = tuple(
            replace(
                band,
                steps=tuple(
                    replace(step, services=step.services[:services]) for step in band.steps
                ),
            )
            for band in self.bands
        )
        return replace(self, bands=bands, shortened=self.shortened or bands != self.bands)

    def with_lines(self, lines: Sequence[PublicService]) -> "Poster":
        """Return the poster with hotlines that serve the area."""
        return replace(self, lines=tuple(_line(each) for each in lines))


LABELS: dict[str, dict[str, str]] = completed(
    "directory",
    {
        "es": {
            "danger": "Si hay peligro ahora",
            "soon": "Cuanto antes",
            "later": "En los días siguientes",
            "none": "Por ahora no hay un servicio público verificado.",
            "nobody": "Por ahora ningún servicio público puede ayudarle a llegar: llame a la coordinación.",
            "emergency": "En peligro, si llamar es seguro",
            "lines": "Líneas nacionales",
            "maker": "Antes de imprimir: ningún servicio de este cartel tiene un teléfono público. Pida a la coordinación que verifique uno en esta zona.",
            "ask": "Si aquí falta un servicio, pregunte en cualquier otro de esta página o a la coordinación.",
            "more": "Hay más servicios: escanee el código.",
            "updated": "Actualizado el",
            "version": "Versión de la ruta",
            "none_published": "propuesta",
            "scan": "Versión al día: escanee el código",
            "contact": "Coordinación",
            "bar": "Idioma y salida rápida",
            "exit": "Salir de esta página",
        },
        "en": {
            "danger": "If you are in danger now",
            "soon": "As soon as possible",
            "later": "In the following days",
            "none": "There is no verified public service now.",
            "nobody": "No public service can help you reach it now: call the coordination.",
            "emergency": "In danger, if it is safe to call",
            "lines": "National lines",
            "maker": "Before you print: no service on this poster has a public telephone. Ask the coordination to verify one in this area.",
            "ask": "If a service is missing here, ask any other on this page or the coordination.",
            "more": "There are more services: scan the code.",
            "updated": "Updated on",
            "version": "Pathway version",
            "none_published": "proposal",
            "scan": "Latest version: scan the code",
            "contact": "Coordination",
            "bar": "Language and quick exit",
            "exit": "Leave this page",
        },
    },
)


_WRITTEN_OUT: dict[str, dict[str, str]] = completed(
    "directory",
    {
        "es": {
            "NNA": "niñas, niños y adolescentes",
            "PEAS": "explotación y abuso sexual por personal de ayuda",
            "VBG": "violencia basada en género",
        },
        "en": {
            "GBV": "gender-based violence",
            "MHPSS": "mental health and psychosocial support",
            "PSEA": "sexual exploitation and abuse by aid personnel",
            "UASC": "unaccompanied and separated children",
        },
    },
)
_WORD = re.compile(r"\w+")


def written_out(text: str, language: str) -> str:
    """Return the text without our technical abbreviations. Sentences still begin with a capital letter."""
    full = _WRITTEN_OUT[language]
    found = _WORD.sub(lambda word: full.get(word[0], word[0]), text)
    return found if found[:1] == text[:1] else found[:1].upper() + found[1:]


def poster(
    pathway: Pathway,
    course: Course,
    services: Mapping[str, Sequence[PublicService]],
    *,
    area: str,
    language: str,
    version: str,
    today: date,
    url: str,
) -> Poster:
    """Return the poster. `services` are grouped by need, best first; only the first few are printed."""
    ordered = course.steps
    labels = LABELS[language]
    bands = tuple(
        Band(labels[name], steps)
        for name in BANDS
        if (
            steps := tuple(
                _step(each, services, language) for each in ordered if _band(each.step) == name
            )
        )
    )
    place = Places.load().require(area)
    return Poster(
        language=language,
        title=getattr(pathway.title, language),
        area=_named_area(place.pcode, language),
        bands=bands,
        emergency=tuple(
            f"{each['number']}: {each['says'][language]}" for each in emergency_numbers(area)
        ),
        choice=say("notices", "choice")[language],
        verify=say("notices", "verify")[language],
        proposal="" if version != "proposal" else say("notices", "proposal")[language],
        updated=today.isoformat(),
        version=labels["none_published"] if version == "proposal" else version,
        focal_point=getattr(pathway.focal_point, language) if pathway.focal_point else "",
        url=url,
        lines=(),
        no_number=not has_number(bands),
        missing=any(step.instead == labels["none"] for band in bands for step in band.steps),
        shortened=False,
        labels=labels,
    )


def has_number(bands: Sequence[Band]) -> bool:
    """Return whether the poster shows any number besides emergency numbers."""
    return any(each.phones for band in bands for step in band.steps for each in step.services)


def _line(line: PublicService) -> str:
    return f"{line.phones[0]}: {line.name}" + (f" ({line.hours})" if line.hours else "")


def _band(step: PlannedStep) -> str:
    if step.safety:
        return "danger"
    return "soon" if step.urgency in _SOON else "later"


def _named_area(area: str, language: str) -> str:
    places = Places.load()
    lineage = [area, *places.ancestors(area)]
    return ", ".join(places.require(each).label(language) for each in lineage)


def _step(
    ordered: OrderedStep, services: Mapping[str, Sequence[PublicService]], language: str
) -> PosterStep:
    step = ordered.step
    found = tuple(services.get(step.need, ()))
    for fallback in ordered.fallbacks:
        if not found:
            found = tuple(services.get(fallback.step.need, ()))
    intermediaries = [
        written_out(getattr(each, language), language) for each in step.intermediaries
    ]
    if intermediaries and not found and not any(services.get(n) for n in step.intermediary_needs):
        intermediaries.append(LABELS[language]["nobody"])
    return PosterStep(
        title=written_out(codelists.categories().label(step.need, language), language),
        notes=_notes(step, language),
        services=found[:SERVICES_PER_STEP],
        instead=" ".join(intermediaries) or ("" if found else LABELS[language]["none"]),
    )


def _notes(step: PlannedStep, language: str) -> tuple[str, ...]:
    """Return every note of a safety or clinical step, and only the first note of other steps."""
    sources = sorted(step.sources, key=lambda each: each.window_hours or _NO_WINDOW)
    notes = [
        written_out(getattr(source.note, language), language) for source in sources if source.note
    ]
    unique = tuple(dict.fromkeys(notes))
    return unique if step.safety or step.window_hours is not None else unique[:1]
