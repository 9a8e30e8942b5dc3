"""The content of a bulletin, independent of its form: sections with sentences, key figures, tables, charts.

It contains every language, so that the editions agree, and all numbers are `Figure`s. A chart has no data of its own:
it draws the table printed below it.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from reporting.ground.language import Text
from reporting.publish.bulletins.document.figures import Figure, Frozen


class Label(Frozen):
    """Words from a code list, a place table, a period or a partner's plan. They may contain digits (an age band, a
    P-code) but never a count."""

    text: Text


class Sentence(Frozen):
    """A sentence. ``text`` has placeholders such as ``{total}`` for the figures and labels with that name."""

    kind: Literal["sentence"] = "sentence"
    text: Text
    figures: dict[str, Figure] = Field(default_factory=dict)
    labels: dict[str, Label] = Field(default_factory=dict)
    emphasis: bool = False


class Words(Frozen):
    """Text written by people, in paragraphs. Numbers in it must be numbers of its section (see `words`)."""

    kind: Literal["words"] = "words"
    text: Text


class KeyFigure(Frozen):
    label: Text
    figure: Figure


class KeyFigures(Frozen):
    kind: Literal["key-figures"] = "key-figures"
    items: tuple[KeyFigure, ...]


class Table(Frozen):
    """A table. The first ``labels`` cells of a row are words, the other cells figures."""

    kind: Literal["table"] = "table"
    id: str
    caption: Text
    columns: tuple[Label, ...]
    rows: tuple[tuple[Label | Figure, ...], ...]


class Chart(Frozen):
    """A chart of ``table``: bars (one number per row), trend (a row per period, a column per series), heat-map (rows by
    columns), flow (origin, destination, number) or map (a row per state, whose P-codes are ``places``)."""

    kind: Literal["chart"] = "chart"
    form: Literal["bars", "trend", "heat-map", "flow", "map"]
    title: Text
    alt: Sentence
    table: Table
    places: tuple[str, ...] = ()


Block = Annotated[Sentence | Words | KeyFigures | Table | Chart, Field(discriminator="kind")]


class Section(Frozen):
    id: str
    title: Text
    blocks: tuple[Block, ...]


class BulletinWish(Frozen):
    """Optional parts beside the numbers; by default none."""

    stakeholders: bool = Field(default=False, description="Institutions that may be printed.")
    milestones: bool = Field(default=False, description="The next milestones.")
    analysis: str | None = Field(
        default=None, description="The problem tree and SWOT of this analysis."
    )


NOTHING = BulletinWish()


class Issuer(Frozen):
    """An organisation that issues the bulletin; `logo` is a base64-encoded PNG."""

    name: str = Field(description="As the bulletin prints it.")
    logo: str | None = Field(default=None, description="Absent: the name alone is printed.")


class Borders(Frozen):
    """The map borders, as GeoJSON MultiPolygon coordinates by P-code, and their source."""

    source: str = Field(description="As maps print it.")
    polygons: dict[str, list[list[list[tuple[float, float]]]]] = Field(
        description="Coordinates of a GeoJSON MultiPolygon, by P-code."
    )


class Letterhead(Frozen):
    """Who issues this deployment's bulletins, and the borders on their maps."""

    country: Text = Field(description="Printed first, by language.")
    cluster: Text = Field(description="Printed beside the country, by language.")
    organisations: tuple[Issuer, ...] = Field(description="In the order of print.")
    borders: Borders | None = Field(default=None, description="Absent: maps are tiles alone.")


class Content(Frozen):
    """A whole bulletin for a period [start, end]."""

    kind: Literal["biweekly", "monthly"]
    period: str
    start: date
    end: date
    title: Text
    period_label: Text
    standing: Sentence
    """Explains what the numbers mean, on the first page and in every footer."""
    sections: tuple[Section, ...]
    letterhead: Letterhead | None = Field(default=None, description="As it was when drafted.")
    edition: int = Field(default=1, description="Above 1 it corrects the edition before.")
    prepared_on: date | None = Field(default=None, description="The day of the draft.")
    hidden: tuple[str, ...] = Field(
        default=(), description="Sections that are kept in the draft and not printed."
    )
    wish: BulletinWish = Field(
        default=NOTHING, description="What was asked for beside the numbers."
    )
