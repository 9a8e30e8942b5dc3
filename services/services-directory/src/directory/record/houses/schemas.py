"""Decides by its words and its review whether the place of an entry must be hidden ("held"). Pure."""

from collections.abc import Collection
from typing import NamedTuple

from directory.ground.hsds.masking import masked
from directory.ground.hsds.safe_houses import house_words
from directory.ground.hsds.views import Record


class Look(NamedTuple):
    """A review. `heard` contains words that a file contained next to the entry. `is_house` is the reviewer's decision
    after seeing the words `seen`; None means that nobody has reviewed the entry."""

    heard: frozenset[str] = frozenset()
    is_house: bool | None = None
    seen: frozenset[str] = frozenset()

    def held(self, words: Collection[str]) -> bool:
        """Return whether to hide the place. The decision applies until the entry has a word that the reviewer did not
        see."""
        if self.is_house is None:
            return bool(words)
        return self.is_house or not self.seen >= set(words)

    def waiting(self, words: Collection[str]) -> bool:
        return self.held(words) and not self.is_house


NOBODY = Look()


def as_held(record: Record, look: Look) -> tuple[Record, frozenset[str]]:
    """Return the record as readers see it, and the words that suggest a safe house."""
    words = house_words(record.service, record.organization) | look.heard
    return (masked(record, confirmed=bool(look.is_house)) if look.held(words) else record), words
