"""A decrypted screening. It is sealed under the case key or, without a case, under its own key."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from common import clock
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.errors import ERASED
from referrals.ground.keys.sealed_columns import open_column, seal_column
from referrals.ground.keys.store import CaseKeys, KeyDestroyed
from referrals.screening.screenings.answers import Answer
from referrals.screening.screenings.instrument import Instrument
from referrals.screening.screenings.instruments import known
from referrals.screening.screenings.models import Screening
from referrals.screening.screenings.summary import Summary, summarise

Column = Literal["answers", "conclusion"]


@dataclass(frozen=True)
class Opened:
    """A decrypted screening."""

    screening: Screening
    instrument: Instrument
    answers: dict[str, Answer]
    conclusion: dict[str, Any] | None = None

    @property
    def day(self) -> date:
        """Return the day of the screening, which conditions call today."""
        return clock.day_of(self.screening.held_at)

    @cached_property
    def summary(self) -> Summary:
        """Return the summary, cached because the answers of an `Opened` do not change."""
        return summarise(self.instrument, self.answers, self.day)


def key_id(screening: Screening) -> UUID:
    return screening.case_id or screening.id


async def key_of(keys: CaseKeys, screening: Screening) -> bytes:
    """Return the key; raise 410 after erasure."""
    try:
        return await keys.of(key_id(screening))
    except KeyDestroyed as error:
        raise ERASED.because("what_was_said_in_it_was_erased") from error


def seal(key: bytes, screening: Screening, column: Column, value: Any) -> None:
    sealed = seal_column(
        key, value, organisation=screening.organisation_id, row=screening.id, column=column
    )
    setattr(screening, column, sealed)


def unseal(key: bytes, screening: Screening, column: Column) -> Any:
    """Return the decrypted value, or None if there is none."""
    sealed: bytes | None = getattr(screening, column)
    if sealed is None:
        return None
    return open_column(
        key, sealed, organisation=screening.organisation_id, row=screening.id, column=column
    )


def reseal(
    old: bytes,
    new: bytes,
    screening: Screening,
    *,
    organisation: UUID | None = None,
    case_id: UUID | None = None,
) -> None:
    """Reseal the same content under another key, case or organisation."""
    columns: tuple[Column, ...] = ("answers", "conclusion")
    words = {column: unseal(old, screening, column) for column in columns}
    screening.organisation_id = organisation or screening.organisation_id
    screening.case_id = case_id or screening.case_id
    for column in columns:
        if words[column] is not None:
            seal(new, screening, column, words[column])


async def open_answers(session: AsyncSession, keys: CaseKeys, screening: Screening) -> Opened:
    """Return the decrypted screening; raise 410 after erasure."""
    refuse_if_erased(screening)
    instrument = await known(session, screening.organisation_id, screening.instrument_id)
    if screening.answers is None and screening.conclusion is None:
        return Opened(screening, instrument, {})
    key = await key_of(keys, screening)
    answers = unseal(key, screening, "answers") or {}
    return Opened(screening, instrument, answers, unseal(key, screening, "conclusion"))


def refuse_if_erased(screening: Screening) -> None:
    if screening.status == "erased":
        raise ERASED.because("what_was_said_in_it_was_erased")
