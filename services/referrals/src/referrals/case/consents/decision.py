"""Decides whether these items of this case may go to this organisation, for this purpose, now. Pure.

Every movement of personal data calls this when it happens. Each clause is one function below, in evaluation order.
Source: the inter-agency rules on referral with consent, docs/referral-lifecycle.md.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from referrals.ground.vocabulary.ages import (
    Assent,
    Caregiver,
    Decider,
    Verdict,
    WrongDecider,
    judge,
)
from referrals.ground.vocabulary.disclosure import TEXTS, hidden


class Road(StrEnum):
    """The ways in which personal data can move."""

    SEND = "send"
    ANSWER = "answer"
    READ = "read"
    TRANSFER = "transfer"
    COUNT = "count"
    COMPARE = "compare"


class Kind(StrEnum):
    """The kinds of permission: the four kinds of consent, and an exception that a second person approved."""

    REFERRAL = "referral"
    TRANSFER = "transfer"
    REPORTING = "reporting"
    COMPARISON = "comparison"
    EXCEPTION = "exception"


_OPENED_BY: dict[Road, frozenset[Kind]] = {
    Road.SEND: frozenset({Kind.REFERRAL, Kind.EXCEPTION}),
    Road.ANSWER: frozenset({Kind.REFERRAL, Kind.EXCEPTION}),
    Road.READ: frozenset({Kind.REFERRAL, Kind.EXCEPTION}),
    Road.TRANSFER: frozenset({Kind.TRANSFER}),
    Road.COUNT: frozenset({Kind.REPORTING}),
    Road.COMPARE: frozenset({Kind.COMPARISON}),
}
NEW_FACTS = frozenset(Road) - {Road.READ}
"""Roads on which new data moves; an ended consent allows none of them."""


class Standing(StrEnum):
    HOLDS = "holds"
    WAITS = "waits"
    ENDED = "ended"


STANDINGS = {
    "active": Standing.HOLDS,
    "approved": Standing.HOLDS,
    "pending": Standing.WAITS,
    "refused": Standing.ENDED,
    "withdrawn": Standing.ENDED,
    "ended": Standing.ENDED,
}
"""By the stored status of a consent or an exception."""
ENDING_AHEAD = timedelta(days=7)
"""The sender asks the person again this long before the consent's end date."""
EXPIRED = "expired"
"""The displayed status of a consent past its end date. No row stores it, so that a fast clock ends no consent."""


def has_expired(valid_until: datetime | None, now: datetime) -> bool:
    return valid_until is not None and valid_until <= now


def status_at(status: str, valid_until: datetime | None, now: datetime) -> str:
    """Return the status to show. A consent that the person ended remains ended, whatever its date."""
    over = STANDINGS[status] is not Standing.ENDED and has_expired(valid_until, now)
    return EXPIRED if over else status


@dataclass(frozen=True, slots=True)
class Word:
    """A consent or an exception. `decided_by` is None for an exception. `confirmed`: a supervisor agreed. `status` is
    a key of STANDINGS."""

    kind: Kind
    status: str
    case_id: UUID
    items: Collection[str] = ()
    service_id: UUID | None = None
    organisation_id: UUID | None = None
    purpose: str | None = None
    valid_until: datetime | None = None
    decided_by: str | None = None
    assent: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """The person according to the current record; `age` is in completed years, None if not recorded."""

    age: int | None
    caregiver: Caregiver
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """The data that would move, by which route and to whom. `items` None means all granted items. `texts` are names
    from `disclosure.TEXTS`. `shared` is False if the referral ended in a way that ends reading."""

    road: Road
    case_id: UUID
    service_id: UUID | None = None
    organisation_id: UUID | None = None
    purpose: str | None = None
    items: Collection[str] | None = None
    texts: Collection[str] = ()
    shared: bool = True


class Why(StrEnum):
    """Stable codes for refusals."""

    ERASED = "erased"
    IMPLICATED = "implicated"
    WRONG_KIND = "wrong_kind"
    PENDING = "pending"
    ENDED = "ended"
    EXPIRED = "expired"
    OTHER_CASE = "other_case"
    OTHER_RECIPIENT = "other_recipient"
    OTHER_PURPOSE = "other_purpose"
    SHARING_ENDED = "sharing_ended"
    WRONG_DECIDER = "wrong_decider"
    NOT_GRANTED = "not_granted"
    TEXT_NOT_GRANTED = "text_not_granted"


class Refused(Exception):
    """A refusal. `code` is set if the rule on who decides refused; `items` are the items that were not granted."""

    def __init__(
        self, why: Why, message: str, *, code: str | None = None, items: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.why = why
        self.code = code
        self.items = tuple(sorted(items))


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that the decision depends on."""

    move: Move
    word: Word
    person: Person
    implicated: Collection[UUID] = field(default=frozenset())
    now: datetime = field(kw_only=True)


def allowed(asked: Asked) -> frozenset[str]:
    """Return the items that may move; raise Refused at the first failed clause."""
    for clause in CLAUSES:
        clause(asked)
    granted = still_granted(asked.word.items, asked.person)
    return granted if asked.move.items is None else granted & frozenset(asked.move.items)


def still_granted(items: Iterable[str], person: Person) -> frozenset[str]:
    """Return the granted items that may be shared, given the person's current record."""
    return frozenset(items) - hidden(person.caregiver)


def person_is_known(asked: Asked) -> None:
    if asked.person.erased:
        raise Refused(Why.ERASED, "Only the case code and its history remain.")


def kind_opens_the_road(asked: Asked) -> None:
    if asked.word.kind not in _OPENED_BY[asked.move.road]:
        raise Refused(
            Why.WRONG_KIND, f"A {asked.word.kind} consent does not cover a {_noun(asked.move)}."
        )


def word_is_decided(asked: Asked) -> None:
    if STANDINGS[asked.word.status] is Standing.WAITS:
        raise Refused(
            Why.PENDING,
            "The exception waits for a second person's decision."
            if asked.word.kind is Kind.EXCEPTION
            else "The consent waits for a supervisor's decision.",
        )


def word_stands(asked: Asked) -> None:
    if STANDINGS[asked.word.status] is Standing.ENDED:
        raise Refused(Why.ENDED, f"The {_noun_of(asked.word)} is '{asked.word.status}'.")


def word_has_not_expired(asked: Asked) -> None:
    if has_expired(asked.word.valid_until, asked.now):
        raise Refused(
            Why.EXPIRED,
            f"The {_noun_of(asked.word)} has ended. Ask the person again, and record a new one.",
        )


def case_is_the_same(asked: Asked) -> None:
    if asked.word.case_id != asked.move.case_id:
        raise Refused(Why.OTHER_CASE, f"The {_noun_of(asked.word)} is for another case.")


def recipient_is_the_same(asked: Asked) -> None:
    if asked.word.kind in (Kind.REPORTING, Kind.COMPARISON):
        return
    wanted = (asked.move.service_id, asked.move.organisation_id)
    if (asked.word.service_id, asked.word.organisation_id) != wanted:
        other = "organisation" if asked.move.service_id is None else "service"
        raise Refused(Why.OTHER_RECIPIENT, f"The {_noun_of(asked.word)} is for another {other}.")


def purpose_is_the_same(asked: Asked) -> None:
    if asked.word.purpose != asked.move.purpose:
        raise Refused(
            Why.OTHER_PURPOSE,
            f"The {_noun_of(asked.word)} is for '{asked.word.purpose}', the referral for"
            f" '{asked.move.purpose}'.",
        )


def recipient_is_not_implicated(asked: Asked) -> None:
    if asked.move.organisation_id in asked.implicated:
        raise Refused(
            Why.IMPLICATED, "Nothing of this case goes to an organisation implicated in it."
        )


def sharing_goes_on(asked: Asked) -> None:
    if not asked.move.shared:
        raise Refused(Why.SHARING_ENDED, "Sharing has ended.")


def decider_may_still_decide(asked: Asked) -> None:
    """Check the decider against the current record: the person may have come of age, the caregiver may be implicated,
    or the record may have been corrected."""
    if asked.move.road not in NEW_FACTS or asked.word.decided_by is None:
        return
    if asked.word.decided_by == Decider.BEST_INTEREST and asked.person.age is None:
        return
    try:
        verdict = judge(
            asked.person.age,
            Decider(asked.word.decided_by),
            Assent(asked.word.assent) if asked.word.assent else None,
            asked.person.caregiver,
        )
    except WrongDecider as error:
        raise Refused(Why.WRONG_DECIDER, _anew(error, asked.person.age), code=error.code) from error
    if verdict is Verdict.NEEDS_SUPERVISOR and not asked.word.confirmed:
        raise Refused(
            Why.WRONG_DECIDER,
            "As the person is known now a supervisor has to stand behind it: record it again.",
            code="supervisor_missing",
        )


def items_are_granted(asked: Asked) -> None:
    if asked.move.items is None:
        return
    excess = set(asked.move.items) - still_granted(asked.word.items, asked.person)
    if excess:
        raise Refused(
            Why.NOT_GRANTED,
            f"Not covered by the consent: {', '.join(sorted(excess))}.",
            items=excess,
        )


def texts_belong_to_granted_items(asked: Asked) -> None:
    """Raise Refused for free text without any granted item, because text can reveal as much as an item."""
    granted = texts_granted(still_granted(asked.word.items, asked.person))
    for text in asked.move.texts:
        if text not in granted:
            items = " or ".join(f"'{item}'" for item in sorted(TEXTS[text]))
            raise Refused(
                Why.TEXT_NOT_GRANTED,
                f"A text of your own goes only under a consent that covers {items}: leave it out, "
                "or ask the person.",
                items=[text],
            )


def texts_granted(granted: frozenset[str]) -> frozenset[str]:
    return frozenset(text for text in TEXTS if not granted.isdisjoint(TEXTS[text]))


def _anew(error: WrongDecider, age: int | None) -> str:
    if error.code == "adult_decides" and age is not None:
        return "The person is of age now: ask them and record their own consent."
    return str(error)


def _noun(move: Move) -> str:
    match move.road:
        case Road.TRANSFER:
            return "transfer"
        case Road.COUNT:
            return "statistic"
        case Road.COMPARE:
            return "comparison"
        case _:
            return "referral"


def _noun_of(word: Word) -> str:
    return "exception" if word.kind is Kind.EXCEPTION else "consent"


CLAUSES: tuple[Callable[[Asked], None], ...] = (
    sharing_goes_on,
    person_is_known,
    kind_opens_the_road,
    word_is_decided,
    word_stands,
    word_has_not_expired,
    recipient_is_not_implicated,
    recipient_is_the_same,
    purpose_is_the_same,
    case_is_the_same,
    decider_may_still_decide,
    items_are_granted,
    texts_belong_to_granted_items,
)
