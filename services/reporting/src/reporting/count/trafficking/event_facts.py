"""Converts screenings and assistance into facts."""

from typing import Any
from uuid import UUID

from common import clock
from common.events.codes import ReportingAttributes
from common.events.referrals import AssistanceGiven, ScreeningConcluded, ScreeningProgress

from reporting.count.facts.event_facts import area_of
from reporting.count.facts.pseudonyms import pseudonym
from reporting.count.trafficking.cells import ASSISTANCE, SCREENING

Fact = dict[str, Any]


def read_screening(event: ScreeningConcluded, key: bytes) -> Fact:
    """Convert the event of a concluded screening. Without a case, the screening itself represents the person."""
    attributes = event.attributes
    types = event.exploitation_types or (attributes.exploitation_types if attributes else ())
    return {
        "kind": SCREENING,
        "id": event.screening_id,
        "version": event.version,
        "occurred_on": clock.utc_day(event.occurred_at),
        "organisation": event.organisation_id,
        "judgement": event.judgement,
        "assistance_type": None,
        "area": area_of(event.area),
        **_about(attributes, event.case_id or event.screening_id, key),
        "exploitation_types": types if attributes else (),
    }


def read_progress(event: ScreeningProgress, key: bytes) -> Fact:
    """Convert a screening's progress event, which contains the stage but no finding."""
    return {
        "kind": f"{SCREENING}-{type(event).SUBJECT.split('.')[3]}",
        "id": event.screening_id,
        "version": event.version,
        "occurred_on": clock.utc_day(event.occurred_at),
        "organisation": event.organisation_id,
        "judgement": None,
        "assistance_type": None,
        "area": area_of(event.area),
        **_about(event.attributes, event.case_id or event.screening_id, key),
        "exploitation_types": (),
    }


def read_assistance(event: AssistanceGiven, key: bytes) -> Fact:
    """Convert the event of one act of assistance."""
    attributes = event.attributes
    return {
        "kind": ASSISTANCE,
        "id": event.assistance_id,
        "version": event.version,
        "occurred_on": event.date,
        "organisation": event.organisation_id,
        "judgement": None,
        "assistance_type": event.type,
        "area": area_of(event.area),
        **_about(attributes, event.case_id, key),
        "exploitation_types": attributes.exploitation_types if attributes else (),
    }


def without_person(fact: Fact) -> Fact:
    """Return an erased person's fact without the person; only the assistance or screening itself remains."""
    nothing = dict.fromkeys(("person", "sex", "age_band", "origin", "destination"))
    return {**fact, **nothing, "countable": False, "exploitation_types": (), "transit": ()}


def _about(attributes: ReportingAttributes | None, unit: UUID, key: bytes) -> Fact:
    known = attributes or ReportingAttributes()
    return {
        "person": pseudonym(key, unit),
        "countable": attributes is not None,
        "sex": known.sex,
        "age_band": known.age_band,
        "origin": area_of(known.origin),
        "transit": [a for each in known.transit if (a := area_of(each))],
        "destination": area_of(known.destination),
    }
