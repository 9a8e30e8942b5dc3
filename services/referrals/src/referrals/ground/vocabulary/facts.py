"""Fields, apart from the items, that a recipient may read. Pure. `decided` fails the build if a field is missing from
both tables, so that its author must decide."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from referrals.ground.vocabulary.disclosure import Item

CONTENT: Mapping[str, frozenset[Item]] = {
    "area": frozenset({Item.AREA, Item.ADDRESS}),
    "clinical_deadline": frozenset({Item.HEALTH, Item.SITUATION}),
}
"""Fields that describe the person; each is visible only while one of these items is granted."""


@dataclass(frozen=True)
class Fact:
    """A field's rule. `why`: why the recipient needs it. `after`: whether it stays visible after sharing has ended."""

    why: str
    after: bool = True


_ID = "names a thing; opens it to nobody who may not read it"
_SIDES = "who refers to whom"
_ROUTING = "which team takes it, and how soon"
_OFFER = "whether it can help: decides on a case that the person agreed to hand to it"
_STATE = "how far it has come, in codes"
_TIME = "when a step was taken, or is to be taken"
_OWN = "the recipient's own word"
_SEALED = "decided item by item where it is read; closed after an end"

FACTS: Mapping[str, Fact] = {
    "id": Fact(_ID),
    "case_id": Fact(_ID),
    "case_reference": Fact("the code of the reader's own case; of another's it is empty"),
    "reference": Fact("the code that a person holds whom a successor has to ask", after=False),
    "referral_id": Fact(_ID),
    "subject_id": Fact(_ID),
    "grant_id": Fact(_ID),
    "ids": Fact(_ID),
    "exception_id": Fact("says that it was shared without consent: handle with care", after=False),
    "replaces": Fact("says that the person was referred before: avoids a double", after=False),
    "from_organisation": Fact(_SIDES),
    "to_organisation": Fact(_SIDES),
    "organisation_id": Fact(_SIDES),
    "service_id": Fact(_ROUTING),
    "category": Fact(_ROUTING),
    "about": Fact(_ROUTING),
    "aor": Fact(_ROUTING),
    "urgency": Fact(_ROUTING),
    "offer": Fact(_OFFER, after=False),
    "minor": Fact(_OFFER, after=False),
    "need": Fact(_OFFER, after=False),
    "why": Fact(_OFFER, after=False),
    "rank": Fact(_ROUTING),
    "service_flag": Fact("says that the directory does not offer the service now", after=False),
    "state": Fact(_STATE),
    "from_state": Fact(_STATE),
    "to_state": Fact(_STATE),
    "command": Fact(_STATE),
    "version": Fact(_STATE),
    "reason": Fact(_STATE),
    "outcome": Fact(_STATE),
    "offer_again": Fact(_STATE),
    "late": Fact(_STATE),
    "overdue": Fact(_STATE),
    "asks": Fact("that the person has to be asked before the case is accepted"),
    "legal_transitions": Fact(_STATE),
    "feedback_confirmed_at": Fact(_STATE),
    "feedback_confirmed_by": Fact(_STATE),
    "kind": Fact(_STATE),
    "verb": Fact(_STATE),
    "group": Fact(_STATE),
    "reasons": Fact(_STATE),
    "subject_type": Fact(_STATE),
    "for_supervisor": Fact("to whom of the organisation it is told"),
    "by": Fact("who of the reader's own organisation took the step"),
    "at": Fact(_TIME),
    "on": Fact(_TIME),
    "clock": Fact("the hour of an entry in the reader's own case"),
    "word": Fact("the word of the reader's own case; of another's it is empty"),
    "since": Fact(_TIME),
    "due": Fact(_TIME),
    "due_on": Fact(_TIME),
    "acknowledge_by": Fact(_TIME),
    "decide_by": Fact(_TIME),
    "act_by": Fact(_TIME),
    "created_at": Fact(_TIME),
    "sent_at": Fact(_TIME),
    "changed_at": Fact(_TIME),
    "unheard_at": Fact("that none of its own channels works", after=False),
    "offered_at": Fact(_TIME),
    "decided_at": Fact(_TIME),
    "done_at": Fact(_TIME),
    "disclosed_at": Fact(_TIME),
    "expected_on": Fact(_OWN),
    "review_on": Fact(_OWN),
    "appointment_at": Fact(_OWN),
    "suggested_service_id": Fact(_OWN),
    "detail": Fact(_SEALED),
    "items": Fact(_SEALED),
    "safe_contact": Fact(_SEALED),
    "answers": Fact(_SEALED),
    "history": Fact(_SEALED),
    "disclosure": Fact(_SEALED),
    "disclosure_refused": Fact("the code of why nothing is read any more"),
    "readings": Fact("for who refers alone"),
    "alternatives": Fact("services of the directory, for who refers alone"),
}


def decided(answer: str, fields: Iterable[str]) -> None:
    """Raise TypeError if a field in a response to a recipient is in neither table."""
    for name in fields:
        if name not in CONTENT and name not in FACTS:
            raise TypeError(
                f"{answer}.{name} reaches recipients: name the items that cover it in CONTENT, or say in FACTS"
                " why the recipient has to know it and whether that stays after an end"
            )


def covered(field: str, granted: Collection[str]) -> bool:
    """Return whether these items allow a CONTENT field."""
    return not CONTENT[field].isdisjoint(granted)


def untold(granted: Collection[str] | None) -> frozenset[str]:
    """Return the fields that a recipient may not read now. `granted` contains the recipient's granted items; None means
    that sharing has ended."""
    hidden = {name for name in CONTENT if granted is None or not covered(name, granted)}
    if granted is None:
        hidden |= {name for name, fact in FACTS.items() if not fact.after}
    return frozenset(hidden)
