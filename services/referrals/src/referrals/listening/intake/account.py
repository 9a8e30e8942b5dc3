"""Accounts for every value of a record, which is a tool field, the sender's status or note, or a value to map. Pure.
The mapping handles values without a row in `peer_words.csv`; without a mapping, the record goes into quarantine."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from referrals.listening.intake.mapping import FormMapping, Reason, bare, pointer_to, text_of
from referrals.listening.intake.peer_words import Meaning, Peer, meaning_of

_SAYS = {
    Meaning.REJECTED: "Its system rejected the record: look at the case, then put this away.",
    Meaning.CLOSED: "Its system closed the record: look at the case, or ignore the state and try again.",
    Meaning.WAITS: "Its system is still checking the record: ignore the state to take it all the same.",
}
STANDINGS = frozenset(f"record_{state}" for state in _SAYS)
"""Reasons by which the sender doubts a record or has closed it."""


@dataclass
class Account:
    """An account of a record. `said`: values for the mapping, several as a list. `notes`, `states`: the sender's notes
    and statuses, by path."""

    said: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    states: dict[str, Meaning] = field(default_factory=dict)
    masked: bool = False

    @property
    def has_word(self) -> bool:
        return bool(self.notes or self.states)

    @property
    def is_rejected(self) -> bool:
        return Meaning.REJECTED in self.states.values()

    def reasons(self) -> list[Reason]:
        """Return why a person must check first: the sender doubts the record or has closed it."""
        return [
            Reason(f"record_{state}", pointer_to(place), _SAYS[state])
            for place, state in self.states.items()
        ]


def account_of(peer: Peer, mapping: FormMapping, fields: Mapping[str, Any]) -> Account:
    found, fine = Account(), set[str]()
    for path, value in fields.items():
        place = mapping.place_of(path)
        named = place in mapping.paths
        if not named and (mapping.ignores(path) or mapping.ignores(place)):
            continue
        match meaning_of(peer, bare(path), text_of(value)):
            case Meaning.OWN | Meaning.NOT_HELD if not named:
                fine.add(place)
            case Meaning.NOTE if not named:
                found.notes[path] = text_of(value)
            case Meaning.MASKED:
                found.masked = True
            case Meaning.REJECTED | Meaning.CLOSED | Meaning.WAITS as state:
                found.states.setdefault(place, state)
            case _:
                _add(found.said, place, value)
    # One ongoing enrolment among several is enough.
    found.states = {place: state for place, state in found.states.items() if place not in fine}
    return found


def _add(said: dict[str, Any], place: str, value: Any) -> None:
    if place not in said:
        said[place] = value
    elif isinstance(said[place], list):
        said[place].append(value)
    else:
        said[place] = [said[place], value]
