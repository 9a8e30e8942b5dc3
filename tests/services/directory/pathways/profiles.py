"""Strategies for pathways, profiles and services, and small builders for examples."""

from datetime import date
from functools import cache
from typing import Any

from common.words import codelists
from common.words.places import Places
from directory.pathways.definition.conditions import Condition
from directory.pathways.definition.graph import Bilingual, Pathway, Step, Urgency
from directory.pathways.definition.profile import Profile, Sex, disagreements
from directory.pathways.definition.proposals import situations
from directory.pathways.definition.validation import errors_in, validate
from directory.pathways.matching.candidates import Candidate
from hypothesis import strategies as st

TODAY = date(2026, 11, 25)
PLACES = Places.load()
NEEDS = ("CP-CM", "GBV-CMR", "GBV-SHELTER", "HLT", "HOT", "SHL", "TIP-ASSIST", "TIP-SAFE")
AREAS = ("VE", "VE23", "VE2313", "VE2315", "VE20", "VE2020", "VE2004", "VE07", "VE0709")
SITUATIONS = ("sexual_violence", "trafficking", "child_separated", "forced_labour")
POPULATIONS = ("IND", "MIG", "REF", "VOT", "SUR")


def words(text: str = "x") -> Bilingual:
    return Bilingual(es=text, en=text)


def pathway(*steps: Step, aor: Any = "TIP", **fields: Any) -> Pathway:
    return Pathway(aor=aor, area="VE", title=words("Ruta"), steps=steps, **fields)


def step(key: str, need: str = "HLT", **fields: Any) -> Step:
    if isinstance(fields.get("condition"), dict):
        fields["condition"] = Condition(**fields["condition"])
    return Step(key=key, need=need, **fields)


def service(service_id: str = "a", need: str = "HLT", **fields: Any) -> Candidate:
    """Return a service for anybody in Maracaibo, unless the fields say otherwise."""
    known: dict[str, Any] = {
        "name": f"Servicio {service_id}",
        "organisation": "Organización ficticia",
        "referable": True,
        "functional_status": "fully_functional",
        "capacity_state": "accepting",
        "area": "VE2313",
        "areas": frozenset({"VE23"}),
        "valid_until": date(2027, 5, 1),
        "verified_on": date(2026, 11, 1),
        "endorsed_by": frozenset({"GBV", "TIP"}),
    }
    return Candidate(service_id=service_id, need=need, **{**known, **fields})


def findings(of: Pathway) -> list[Any]:
    return validate(
        of, codelists.categories().codes, codelists.populations().codes, tuple(situations())
    )


def _some(codes: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(codes), max_size=2)


_hours = st.none() | st.sampled_from([24, 72, 120])
conditions = st.builds(
    Condition,
    minimum_age=st.none() | st.sampled_from([0, 12, 18]),
    maximum_age=st.none() | st.sampled_from([11, 17, 59]),
    sexes=st.frozensets(st.sampled_from(list(Sex)), max_size=2),
    populations=_some(POPULATIONS),
    situations=_some(SITUATIONS),
    incident_within_hours=_hours,
    incident_after_hours=_hours,
    immediate_danger=st.none() | st.booleans(),
    has_documents=st.none() | st.booleans(),
    speaks_none_of=_some(("spa", "guc")),
)


# Created once, because Hypothesis inspects each new strategy, which took longer than drawing from it.
_needs = st.sampled_from(NEEDS)
_urgencies = st.sampled_from(list(Urgency))
_windows = st.none() | st.sampled_from([72, 120])
_any_condition = st.just(Condition()) | conditions
_booleans = st.booleans()


@cache
def _up_to_two(keys: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(keys), max_size=2, unique=True)


@cache
def _one_or_none(keys: tuple[str, ...]) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(keys)


@st.composite
def pathways(draw: st.DrawFn, aor: str = "TIP") -> Pathway:
    """Draw a valid pathway. Order edges point only backwards, so there is no cycle."""
    count = draw(st.integers(1, 6))
    steps: list[Step] = []
    for at in range(count):
        earlier = tuple(known.key for known in steps)
        primaries = tuple(known.key for known in steps if known.fallback_of is None)
        steps.append(
            Step(
                key=f"{aor.lower()}-{at}",
                need=draw(_needs),
                urgency=draw(_urgencies),
                window_hours=draw(_windows),
                condition=draw(_any_condition),
                after=tuple(draw(_up_to_two(earlier))) if earlier else (),
                fallback_of=draw(_one_or_none(primaries)) if primaries else None,
                safety=draw(_booleans),
                confidential=draw(_booleans),
                intermediary=words("pregunte"),
            )
        )
    return _repaired(pathway(*steps, aor=aor))


def _repaired(drawn: Pathway) -> Pathway:
    """Remove everything that validation reports, as a coordinator would, until it reports nothing."""
    while wrong := {finding.step for finding in errors_in(findings(drawn))}:
        kept = tuple(each for each in drawn.steps if each.key not in wrong)
        if len(kept) == len(drawn.steps):
            raise AssertionError(findings(drawn))
        drawn = drawn.model_copy(update={"steps": kept})
    return drawn


profiles = st.builds(
    Profile,
    area=st.sampled_from(AREAS),
    age=st.none() | st.integers(0, 90),
    sex=st.none() | st.sampled_from(list(Sex)),
    needs=_some(NEEDS),
    situations=_some(SITUATIONS),
    populations=_some(POPULATIONS),
    languages=_some(("spa", "guc")),
    has_documents=st.none() | st.booleans(),
    hours_since_incident=st.none() | st.integers(0, 300),
    immediate_danger=st.none() | st.booleans(),
).filter(lambda drawn: not disagreements(drawn))

services = st.builds(
    service,
    service_id=st.uuids(version=4).map(str),
    need=st.sampled_from(NEEDS),
    functional_status=st.sampled_from(
        ["fully_functional", "partially_functional", "at_capacity", "suspended", "closed"]
    ),
    capacity_state=st.sampled_from([None, "accepting", "waitlist", "full"]),
    minimum_age=st.none() | st.sampled_from([0, 12, 18]),
    maximum_age=st.none() | st.sampled_from([17, 59]),
    sexes=st.sampled_from([frozenset(), frozenset({"female"}), frozenset({"male"})]),
    populations=_some(POPULATIONS),
    documents=st.sampled_from([frozenset(), frozenset({"cedula"})]),
    languages=_some(("spa", "guc")),
    area=st.none() | st.sampled_from(AREAS[1:]),
    areas=st.frozensets(st.sampled_from(AREAS), max_size=2),
    remote=st.booleans(),
    valid_until=st.none() | st.sampled_from([date(2026, 1, 1), date(2027, 1, 1)]),
    verified_on=st.none() | st.sampled_from([date(2025, 9, 1), date(2026, 11, 1)]),
    endorsed_by=st.sampled_from([frozenset(), frozenset({"TIP"}), frozenset({"GBV"})]),
)
