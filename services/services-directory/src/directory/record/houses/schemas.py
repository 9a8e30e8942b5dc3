"""Whether an entry is held, by its words and by who has looked. Pure."""

from collections.abc import Collection
from typing import NamedTuple

from directory.ground.hsds.masking import masked
from directory.ground.hsds.rendering import Record
from directory.ground.hsds.safe_houses import house_words


class Look(NamedTuple):
    """`heard`: words that a file said beside the entry. `is_house`: what somebody said who saw `seen`; None: nobody
    has looked."""

    heard: frozenset[str] = frozenset()
    is_house: bool | None = None
    seen: frozenset[str] = frozenset()

    def held(self, words: Collection[str]) -> bool:
        """A person's word counts until there is a word that they did not see."""
        if self.is_house is None:
            return bool(words)
        return self.is_house or not self.seen >= set(words)

    def waiting(self, words: Collection[str]) -> bool:
        return self.held(words) and not self.is_house


NOBODY = Look()


def as_held(record: Record, look: Look) -> tuple[Record, frozenset[str]]:
    """The record as it is shown, and the words by which it may be a house."""
    words = house_words(record.service, record.organization) | look.heard
    return (masked(record, confirmed=bool(look.is_house)) if look.held(words) else record), words
