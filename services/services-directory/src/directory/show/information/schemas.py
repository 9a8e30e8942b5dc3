"""Bodies and parameters of information points."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from common.http import Strict
from common.words.each import Each
from common.words.languages import PageLanguage
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from directory.ground.hsds.extensions import Aor, AorCode, PCode, one_of
from directory.show.information.needs import needs
from directory.show.information.short_text import ONE, plain

Language = PageLanguage


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


NeedCode = Annotated[str, Field(max_length=40), one_of(needs, "need")]


class HelpQuery(BaseModel):
    """A search for help. Only a body may contain a position or words, so they never appear in an address. It requests
    no information about the person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    area: Annotated[PCode | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="P-code of a state, municipality or parish."
    )
    need: Annotated[NeedCode | None, BeforeValidator(_none_if_empty)] = None
    words: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None,
        BeforeValidator(_none_if_empty),
    ] = Field(None, description="What somebody needs and where, in their own words.")
    open_now: bool = Field(False, description="Only services known to be open at this moment.")
    language: Language | None = None
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    page: int = Field(1, ge=1, le=1000)

    @model_validator(mode="after")
    def _whole_position(self) -> "HelpQuery":
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give latitude and longitude, or neither")
        return self

    @property
    def asks(self) -> bool:
        return bool(self.area or self.need or self.words) or self.latitude is not None


class HelpView(BaseModel):
    """A public service in one language. `open_now` is null if unknown. `opens` is the next opening; it is null if the
    service is open or the time is unknown. The `ways` call and walk_in need no referral."""

    id: UUID
    name: str
    organisation: str
    place: str
    phones: list[str]
    hours: str
    open_now: bool | None
    opens: str | None = Field(
        default=None, description="When it opens next; null where it is open or nobody knows."
    )
    ways: list[str] = Field(
        default=[],
        description="How to reach it: `call`, `walk_in` (both without a referral), `referral`.",
    )
    what: list[str]
    kilometres: float | None


class HelpPage(BaseModel):
    items: list[HelpView]
    total: int
    page: int
    more: bool
    updated: date


class ShortMessage(BaseModel):
    """The fields of a message, under the names that the operator has set. Other fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    secret: str = Field(description="The operation's, so that only its gateway asks.")
    text: str = Field(description="What somebody wrote.", examples=["ZULIA 9"])
    sender: str | None = Field(
        None, alias="from", description="Read only where the answer is sent, and not kept."
    )


class ShortAnswer(BaseModel):
    messages: list[str] = Field(
        description="At most three, each of 160 characters of the GSM alphabet; none where they were "
        "sent through the operation's own gateway."
    )


def _one_message(text: str) -> str:
    if len(plain(text)) > ONE:
        raise ValueError(f"at most {ONE} characters: it must fit one text message")
    return text


class RiskText(Strict):
    title: str = Field(min_length=3, max_length=120)
    body: str = Field(min_length=3, max_length=3000, description="Plain text; blank lines part.")
    sms: Annotated[str, Field(min_length=3, max_length=400), AfterValidator(_one_message)]


class RiskTexts(Strict, Each[RiskText]):
    """A text in both languages. Both are required, so that everybody gets the whole warning."""


class NewRiskMessage(Strict):
    aor: Aor
    areas: list[PCode] = Field([], max_length=60, description="Empty means everywhere.")
    texts: RiskTexts
    valid_until: date


class RiskMessageView(BaseModel):
    id: UUID
    aor: AorCode
    areas: list[str]
    state: Literal["draft", "published", "withdrawn"]
    version: int
    texts: RiskTexts
    valid_until: date
    written_at: datetime
    published_at: datetime | None


class OwnRiskMessage(RiskMessageView):
    possible_steps: list[str] = Field(
        description="What you can do with it now: rewrite, publish, withdraw."
    )


class SnippetCode(BaseModel):
    """The code for a website's page, and the same content as a plain link."""

    html: str
    link: str
