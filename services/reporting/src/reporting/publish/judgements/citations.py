"""Shows a reader a statement's sources: the number with its interval, and whether a newer one was published. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from common.words.languages import LANGUAGES

from reporting.ground.language import Text, with_interval, written
from reporting.ground.unsourced_numbers import CONTACT, loose_numbers
from reporting.publish.judgements.schemas import Basis
from reporting.publish.judgements.tree import Place


@dataclass(frozen=True)
class Cited:
    """A cited source. `value` None means a judgement without data; `ends` is the last day of the cited period or
    point."""

    basis: Basis
    source: Text
    value: int | Decimal | None = None
    low: int | None = None
    high: int | None = None
    programme: str | None = None
    ends: date | None = None

    @property
    def written(self) -> Text:
        if self.value is None:
            return dict.fromkeys(LANGUAGES, "")
        return {language: self._written(self.value, language) for language in LANGUAGES}

    def _written(self, value: int | Decimal, language: str) -> str:
        if self.low is None or self.high is None:
            return written(value, language)
        return with_interval(
            *(written(each, language) for each in (value, self.low, self.high)), zero=value == 0
        )


@dataclass(frozen=True)
class Newest:
    """The newest citable sources: the end of each programme's last published period, and the newest editions of outside
    series."""

    ends: dict[str, date]
    editions: frozenset[UUID]

    def supersedes(self, cited: Cited) -> bool:
        """Return whether something newer exists. A release never changes; the programme's next release supersedes its
        figures."""
        if cited.basis.kind == "figure":
            newest = self.ends.get(cited.programme or "")
            return newest is None or cited.ends is None or newest > cited.ends
        return cited.basis.kind == "series" and cited.basis.series not in self.editions


@dataclass(frozen=True)
class Statement:
    id: UUID
    version: int
    analysis: str
    place: Place
    parent: UUID | None
    text: Text
    cited: tuple[Cited, ...]
    written_at: datetime
    written_by: str
    organisation_id: UUID
    agreed_at: datetime | None
    agreed_by: str | None


def loose(text: Text, cited: Iterable[Cited]) -> list[tuple[str, str]]:
    """Return numbers and addresses in a text, by language, that none of its citations contain."""
    known = list(cited)
    found: list[tuple[str, str]] = []
    for language in LANGUAGES:
        found += [
            (language, match.group())
            for match in CONTACT.finditer(text[language])
            if "@" in match.group() or "://" in match.group()
        ]
        numbers = loose_numbers(
            text[language], language, written=[each.written[language] for each in known]
        )
        found += [(language, number) for _, number in numbers]
    return found
