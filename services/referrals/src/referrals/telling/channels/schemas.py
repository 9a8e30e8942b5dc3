"""Request and response bodies for channels and shifts."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from common.http import Strict
from common.words.languages import PageLanguage
from pydantic import AwareDatetime, BaseModel, Field, WithJsonSchema, model_validator

from referrals.telling.channels.kinds import ChannelKind, Pace

LocalTime = Annotated[
    time,
    # RFC 3339's `time` has an offset; this is local wall-clock time.
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}),
]
_LONGEST_SHIFT = timedelta(days=31)
_LONGEST_AWAY = timedelta(days=366)


class Wishes(Strict):
    """When and how to notify a person. Times are local, as HH:MM."""

    language: PageLanguage = "es"
    pace: Pace = Field(
        Pace.AT_ONCE,
        description="What is no emergency: `at_once` (at most one message in half an hour), `digest` "
        "(once a day), `emergencies` (never). Emergencies are told at once.",
    )
    digest_at: LocalTime = Field(time(8), description="When a digest is told.", examples=["08:00"])
    quiet_from: LocalTime | None = Field(None, examples=["21:00"])
    quiet_until: LocalTime | None = Field(None, examples=["06:30"])
    wakes: bool = Field(True, description="Emergencies are told in quiet hours, too.")

    @model_validator(mode="after")
    def _both_ends(self) -> "Wishes":
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("give quiet_from and quiet_until, or neither")
        if any(t and t.tzinfo for t in (self.digest_at, self.quiet_from, self.quiet_until)):
            raise ValueError("times are local ones, without an offset: 21:00")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("quiet_from and quiet_until are the same: leave both out")
        return self


class PushKeys(Strict):
    """A browser subscription's keys, stored although messages have no content."""

    p256dh: str = Field(max_length=200)
    auth: str = Field(max_length=50)


class NewChannel(Wishes):
    """A new channel: a mailbox or telephone by its `address`, or a browser by the result of `PushManager.subscribe`."""

    kind: ChannelKind
    address: str | None = Field(None, max_length=320, examples=["guardia@example.org"])
    endpoint: str | None = Field(None, max_length=2000, examples=["https://push.example.org/x1"])
    keys: PushKeys | None = None

    @model_validator(mode="after")
    def _as_its_kind(self) -> "NewChannel":
        browser = self.endpoint is not None and self.keys is not None and self.address is None
        written = self.address is not None and self.endpoint is None and self.keys is None
        if self.kind is ChannelKind.PUSH and not browser:
            raise ValueError("a push channel has endpoint and keys, and no address")
        if self.kind is not ChannelKind.PUSH and not written:
            raise ValueError("a mailbox or telephone has an address, and no endpoint or keys")
        return self


class Away(Strict):
    """The days away. Set both days, or neither if the person is back."""

    away_from: date | None = Field(None, description="The first day at home without messages.")
    away_until: date | None = Field(None, description="The last day at home without messages.")

    @model_validator(mode="after")
    def _days(self) -> "Away":
        first, last = self.away_from, self.away_until
        if (first is None) != (last is None):
            raise ValueError("give away_from and away_until, or neither")
        if first and last and not timedelta(0) <= last - first <= _LONGEST_AWAY:
            raise ValueError("away_until is not before away_from, and within a year of it")
        return self


class Code(Strict):
    code: str = Field(pattern=r"^[0-9]{8}$", examples=["40291735"])


class Nothing(Strict):
    pass


class ChannelView(BaseModel):
    id: UUID
    person: str = Field(description="Whose it is, as sign-ins name them.")
    kind: ChannelKind
    address: str = Field(description="Only so much of it that its owner knows which one it is.")
    language: PageLanguage
    pace: Pace
    digest_at: LocalTime
    quiet_from: LocalTime | None
    quiet_until: LocalTime | None
    wakes: bool
    status: Literal["to_confirm", "active", "off"]
    switched_off: str | None = Field(
        description="Why it tells nothing any more: refused, gone, taken, unconfirmed, by_supervisor."
    )
    told_at: datetime | None = Field(description="When something was last handed over.")
    failure: str | None = Field(description="What the last attempt failed by, while it is retried.")
    created_at: datetime


class ChannelKinds(BaseModel):
    """The kinds of channels that this deployment supports."""

    kinds: list[ChannelKind]
    push_key: str | None = Field(
        description="`applicationServerKey` for a browser's subscription (RFC 8292)."
    )


class NewShift(Strict):
    person: str = Field(min_length=1, max_length=200, description="As sign-ins name them.")
    rank: int = Field(1, ge=1, le=9, description="1 is told first.")
    starts_at: AwareDatetime
    ends_at: AwareDatetime

    @model_validator(mode="after")
    def _length(self) -> "NewShift":
        if not timedelta(0) < self.ends_at - self.starts_at <= _LONGEST_SHIFT:
            raise ValueError("a shift ends after it starts, and within 31 days")
        return self


class ShiftView(BaseModel):
    id: UUID
    person: str
    rank: int
    starts_at: datetime
    ends_at: datetime
    reachable: bool = Field(
        description="Whether this person has a channel that tells and is not away today: otherwise the next is told."
    )
