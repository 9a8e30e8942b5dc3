"""Decides in which cell of the joint cube a screened or assisted person counts: one cell per period (R5)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from reporting.ground.htcds import exploitation_code, single_code

SCREENING, ASSISTANCE = "screening", "assistance"
OPENED, STOPPED = "screening-opened", "screening-stopped"
ATTACHED, REFERRED = "screening-attached", "screening-referred"
EVERY_KIND = (OPENED, STOPPED, SCREENING, REFERRED, ASSISTANCE)
IDENTIFYING = (SCREENING, ASSISTANCE)
"""The kinds of facts that identify or assist a person."""

NOT_IDENTIFIED = frozenset(
    {"no_indication", "not_a_victim", "NotAVictimOfTrafficking", "insufficient_information"}
)
"""Judgements after which a person does not count as identified."""

NO_TRANSIT, SEVERAL = "none", "several"


@dataclass(frozen=True)
class Identification:
    """A screening step or one instance of assistance, recorded under a statistics consent."""

    kind: str
    id: UUID
    version: int
    occurred_on: date
    person: bytes
    counted_on: date
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
        """Return whether a fact counts. Assistance always counts; a concluded screening counts if the screener
        identified trafficking."""
        if self.kind == SCREENING:
            return self.judgement not in NOT_IDENTIFIED
        return self.kind == ASSISTANCE


Values = Mapping[str, str | None]


_STAGES = {OPENED: "opened", STOPPED: "stopped", SCREENING: "concluded", REFERRED: "referred"}
_IDENTIFIED = {"concluded": "identified", "referred": "identified-referred"}
_REACHED = ("opened", "stopped", "concluded", "referred")


def screened(facts: Sequence[Identification]) -> Values | None:
    """Return the values of a person's cell: area and profile, stage and finding, kind of exploitation, route, and
    assistance. Return None if the person does not count."""
    kinds = {each.kind for each in facts}
    if not kinds & {*_STAGES, ASSISTANCE}:
        return None
    known = _known(facts)
    placed = known or sorted(facts, key=lambda each: (each.occurred_on, each.version))
    types = {each for fact in known for each in fact.exploitation_types}
    given = {f.assistance_type for f in known if f.kind == ASSISTANCE and f.assistance_type}
    return {
        **_person(placed),
        "exploitation": exploitation_code(types),
        "standing": _standing(kinds, {each.kind for each in known}),
        **_route(known),
        "assistance": single_code(given, "support_plan_type"),
    }


def _standing(kinds: Collection[str], counted: Collection[str]) -> str:
    if ASSISTANCE in counted:
        return "identified-assisted" if SCREENING in counted else "assisted"
    stage = next(_STAGES[kind] for kind in reversed(_STAGES) if kind in kinds)
    # A referral is prepared only after a conclusion, even if the conclusion did not arrive in this period.
    return _IDENTIFIED.get(stage, stage) if SCREENING in counted else stage


def further(before: str, now: str) -> str:
    """Return a person's state over a longer period: the furthest stage and all findings."""
    both = {before, now}
    found = any(each.startswith("identified") for each in both)
    if any(each.endswith("assisted") for each in both):
        return "identified-assisted" if found else "assisted"
    named = {value: stage for stage, value in _IDENTIFIED.items()}
    stage = max((named.get(each, each) for each in both), key=_REACHED.index)
    return _IDENTIFIED.get(stage, stage) if found else stage


def place_of(fact: Identification) -> tuple[UUID, int]:
    """Return the id of a fact's screening or assistance, and the fact's version."""
    return fact.id, fact.version


def _route(known: Sequence[Identification]) -> dict[str, str | None]:
    """Return the last known origin, transit and destination."""
    if not known:
        return {"origin": None, "transit": None, "destination": None}
    last = next((f for f in reversed(known) if f.origin or f.destination), known[-1])
    transit = last.transit[0] if len(last.transit) == 1 else SEVERAL if last.transit else NO_TRANSIT
    return {
        "origin": last.origin,
        "transit": transit if last.origin or last.destination else None,
        "destination": last.destination,
    }


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
