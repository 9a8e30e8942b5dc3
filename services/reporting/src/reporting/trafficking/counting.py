"""Which cell a person identified or assisted counts in: once per programme and period (R5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from reporting.programmes.definition import Measure
from reporting.trafficking.codes import exploitation_code, single_code

SCREENING, ASSISTANCE = "screening", "assistance"
OPENED, STOPPED = "screening-opened", "screening-stopped"
ATTACHED, REFERRED = "screening-attached", "screening-referred"
_FURTHEST = (OPENED, STOPPED, SCREENING, REFERRED, ASSISTANCE)
_STAGES = dict(
    zip(_FURTHEST, ("opened", "stopped", "concluded", "referred", "assisted"), strict=True)
)
"""How far a person came, by the last of these kinds that there is a fact of."""

NOT_IDENTIFIED = frozenset(
    {"no_indication", "not_a_victim", "NotAVictimOfTrafficking", "insufficient_information"}
)
"""Judgements of a screener after which a person is not counted as identified."""

NO_TRANSIT, SEVERAL = "none", "several"


@dataclass(frozen=True)
class Identification:
    """One step of a screening or one act of assistance, recorded under consent to statistics."""

    kind: str
    id: UUID
    version: int
    occurred_on: date
    person: bytes
    judgement: str | None
    assistance_type: str | None
    area: str | None
    sex: str | None
    age_band: str | None
    exploitation_types: tuple[str, ...]
    origin: str | None
    transit: tuple[str, ...]
    destination: str | None

    @property
    def counts(self) -> bool:
        """Assistance always does; a concluded screening where the screener judged so."""
        if self.kind == SCREENING:
            return self.judgement not in NOT_IDENTIFIED
        return self.kind == ASSISTANCE


Values = Mapping[str, str | None]


def persons_identified(facts: Sequence[Identification]) -> Values | None:
    """By place, sex, age, exploitation, and whether the person was identified, assisted, or both."""
    known = _known(facts)
    if not known:
        return None
    kinds = {each.kind for each in known}
    contact = "both" if len(kinds) > 1 else "assisted" if ASSISTANCE in kinds else "identified"
    types = {each for fact in known for each in fact.exploitation_types}
    return {**_person(known), "exploitation": exploitation_code(types), "contact": contact}


def persons_routed(facts: Sequence[Identification]) -> Values | None:
    """The same persons by the last known origin, transit and destination."""
    known = _known(facts)
    if not known:
        return None
    last = next((f for f in reversed(known) if f.origin or f.destination), known[-1])
    transit = last.transit[0] if len(last.transit) == 1 else SEVERAL if last.transit else NO_TRANSIT
    return {
        "origin": last.origin,
        "transit": transit if last.origin or last.destination else None,
        "destination": last.destination,
    }


def persons_assisted(facts: Sequence[Identification]) -> Values | None:
    """Those of them who were assisted, by the type of assistance."""
    assisted = [each for each in _known(facts) if each.kind == ASSISTANCE]
    if not assisted:
        return None
    types = {each.assistance_type for each in assisted if each.assistance_type}
    return {**_person(_known(facts)), "type": single_code(types, "support_plan_type")}


def persons_screened(facts: Sequence[Identification]) -> Values | None:
    """Everybody who was screened or assisted, by how far they came: the funnel.

    Those who are also counted as identified have the same area as there: the cubes are linked.
    """
    kinds = {each.kind for each in facts}
    furthest = next((kind for kind in reversed(_FURTHEST) if kind in kinds), None)
    if furthest is None:
        return None
    placed = _known(facts) or sorted(facts, key=lambda each: (each.occurred_on, each.version))
    return {**_person(placed), "stage": _STAGES[furthest]}


def _known(facts: Sequence[Identification]) -> list[Identification]:
    latest: dict[tuple[str, UUID], Identification] = {}
    for each in facts:
        before = latest.get((each.kind, each.id))
        if before is None or each.version > before.version:
            latest[each.kind, each.id] = each
    return sorted(
        (each for each in latest.values() if each.counts),
        key=lambda each: (each.occurred_on, each.kind, str(each.id)),
    )


def _person(known: Sequence[Identification]) -> dict[str, str | None]:
    return {
        name: next((v for fact in reversed(known) if (v := getattr(fact, name))), None)
        for name in ("area", "sex", "age_band")
    }


IDENTIFICATION_MEASURES: Mapping[Measure, Callable[[Sequence[Identification]], Values | None]] = {
    Measure.PERSONS_SCREENED: persons_screened,
    Measure.PERSONS_IDENTIFIED: persons_identified,
    Measure.PERSONS_ROUTED: persons_routed,
    Measure.PERSONS_ASSISTED: persons_assisted,
}


def contributing(measure: Measure) -> tuple[str, ...]:
    """The kinds of facts that a measure counts."""
    return _FURTHEST if measure is Measure.PERSONS_SCREENED else (SCREENING, ASSISTANCE)
