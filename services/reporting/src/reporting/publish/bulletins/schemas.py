"""Request and response bodies for the bulletin endpoints."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from common.http import Strict
from common.words.each import Each
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from reporting.protect.withdrawals.schemas import WithdrawalView
from reporting.publish.bulletins.document.content import Content, Letterhead
from reporting.publish.bulletins.document.words import MOST
from reporting.publish.judgements.schemas import Slug

State = Literal["draft", "signed_off", "published", "withdrawn"]


class DraftBulletin(Strict):
    period: str = Field(
        max_length=10,
        description="A half month (2026-11a, 2026-11b) or a month (2026-11) that has ended.",
        examples=["2026-11a"],
    )
    beside: list[Literal["stakeholders", "milestones"]] = Field(
        default_factory=list,
        max_length=2,
        description="What this draft prints beside the numbers: institutions that may be printed,"
        " the next milestones. Say it with each draft.",
    )
    analysis: Slug | None = Field(
        None,
        description="Prints the problem tree and SWOT of this analysis, as far as they are agreed.",
        examples=["trata-2027"],
    )


_BREAK = re.compile(r"\r\n?|[\x0b\x0c]")
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f\ufffe\uffff]")


def _pasted(text: Any) -> Any:
    """Replace the word processor's own line breaks, which XML (feed, workbook) cannot contain."""
    return _CONTROL.sub("", _BREAK.sub("\n", text)) if isinstance(text, str) else text


Said = Annotated[str, BeforeValidator(_pasted), StringConstraints(max_length=MOST)]


class DraftText(Strict):
    es: Said = ""
    en: Said = ""


class _OfDraft(Strict):
    content_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="Of the draft that you read: refused if somebody has changed it since.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class SignedDraft(_OfDraft):
    """The draft that a coordinator signs off."""


class Arrangement(_OfDraft):
    """The order of sections with numbers, and the sections that are not printed."""

    order: list[Annotated[str, StringConstraints(max_length=80)]] = Field(
        max_length=50,
        description="Each section with numbers once. Highlights stand before them; challenges, practices,"
        " next steps, contacts, the glossary and the sources behind.",
        examples=[["key-figures", "needs", "referrals", "activities", "trends"]],
    )
    hidden: list[Annotated[str, StringConstraints(max_length=80)]] = Field(
        default_factory=list,
        max_length=50,
        description="Of these, what stays in the draft and is not printed; at least one is.",
        examples=[["trends"]],
    )


class BulletinWords(_OfDraft):
    """All texts that people write in the bulletin. They replace earlier texts."""

    texts: dict[str, DraftText] = Field(
        max_length=20,
        description="`highlights`, the id of a section (its analysis), `challenges`, `practices`,"
        " `next-steps` or `contacts` → a text in both languages; a new line begins a paragraph.",
        examples=[
            {
                "highlights": {
                    "es": "La red llegó a más estados.",
                    "en": "The network reached more states.",
                }
            }
        ],
    )


ShortText = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class ShortTexts(Each[ShortText], Strict):
    """A short text in each language."""


class IssuerBody(Strict):
    """An organisation that issues the bulletins."""

    name: ShortText = Field(examples=["Clúster de Protección"])
    logo: Annotated[str, StringConstraints(max_length=60_000)] | None = Field(
        None, description="A PNG of at most 40,000 bytes, in base64; its metadata are removed."
    )


class LetterheadBody(Strict):
    """Who issues the bulletins, and for which country."""

    country: ShortTexts = Field(description="Printed first.")
    cluster: ShortTexts = Field(description="Printed beside the country.")
    organisations: list[IssuerBody] = Field(
        min_length=1, max_length=6, description="In the order of print."
    )


class BordersView(BaseModel):
    """The borders on bulletin maps."""

    source: str = Field(description="As maps print it.", examples=["geoBoundaries (CC BY 3.0 IGO)"])
    places: list[str] = Field(
        description="P-codes of the states with borders.", examples=[["VE01", "VE23"]]
    )


class LetterheadView(LetterheadBody):
    """Who issues the bulletins, and the borders on their maps."""

    borders: BordersView | None = Field(description="Null: the maps are tiles alone.")

    @classmethod
    def of(cls, head: Letterhead) -> Self:
        drawn = head.borders
        return cls.model_validate(
            {
                **head.model_dump(),
                "borders": drawn and {"source": drawn.source, "places": sorted(drawn.polygons)},
            }
        )


class FileView(BaseModel):
    language: str
    name: str
    path: str
    media_type: str


class BulletinView(BaseModel):
    id: UUID
    kind: Literal["biweekly", "monthly"]
    period: str
    start: date
    end: date
    edition: int = Field(description="Above 1 it corrects the edition before, which stays.")
    state: State
    title: dict[str, str]
    period_label: dict[str, str]
    content_sha256: str
    drafted_at: datetime
    signed_off_at: datetime | None
    published_at: datetime | None
    withdrawal: WithdrawalView | None = Field(
        None, description="The tombstone; its text and files answer 410."
    )
    files: list[FileView]


class BulletinDetail(BulletinView):
    """A bulletin with its content and the source of each number."""

    possible_steps: list[str] | None = Field(
        None,
        description="Only when you read one bulletin: what you can do with it now (sign_off, publish, withdraw, "
        "agree to a withdrawal).",
    )
    content: Content


class TracedFigure(BaseModel):
    section: str
    beside: dict[str, str]
    value: str | None
    source: dict[str, str]


class UntracedNumber(BaseModel):
    """A number without a source."""

    form: str = Field(
        description="`content`; `words` or `chart` with its section or id; or a file's name."
    )
    number: str = Field(description="As printed.")
    reason: dict[str, str]


class Trace(BaseModel):
    """Every number with its source; `untraced` is empty if all numbers can be traced."""

    figures: list[TracedFigure]
    untraced: list[UntracedNumber] = Field(description="In each language.")
    problems: list[str] = Field(description="`untraced`, in English.", deprecated=True)


class PublicationView(BaseModel):
    """The progress of a requested publication."""

    state: Literal["at_work", "published", "refused"] = Field(
        description="`at_work`: the worker has it to do, or in hand."
    )
    done: int = Field(description="Of `steps`.")
    steps: int = Field(
        description="The numbers are checked; in each language all forms are made, then read back."
    )
    asked_at: datetime
    problem: dict[str, Any] | None = Field(
        description="A problem detail: why it was refused. Nothing of it stays; ask again."
    )
