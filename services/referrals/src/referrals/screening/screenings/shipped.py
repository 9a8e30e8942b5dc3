"""The instrument that ships with Ruta, built from tables under `data`. Indicators paraphrase the public ILO/UNODC
lists; their grades are a proposal (`needs_review`). A coordinator may retire it and upload another instrument."""

from collections.abc import Iterator, Mapping
from functools import cache
from uuid import NAMESPACE_URL, UUID, uuid5

from common.words import tables
from common.words.tables import by_language, completed

from referrals.screening.screenings.instrument import (
    Instrument,
    Kind,
    Labels,
    Option,
    Question,
    Role,
)

SHIPPED_ID: UUID = uuid5(NAMESPACE_URL, "urn:ruta:instrument:ruta-trafficking:1")
_CODE, _VERSION = "ruta-trafficking", "1"


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    return tuple(tables.rows(__package__, f"data/{name}"))


def rules() -> tuple[Mapping[str, str], ...]:
    return rows("rules")


@cache
def exploitation_types() -> Mapping[str, Labels]:
    return {
        row["id"]: Labels(**by_language(row))
        for row in rows("elements")
        if row["element"] == "purpose"
    }


@cache
def judgements() -> Mapping[str, Labels]:
    return {row["code"]: Labels(**by_language(row)) for row in rows("judgements")}


_TITLE = completed(
    "referrals",
    {
        "es": "Tamizaje de trata de personas (acto, medio, fin)",
        "en": "Screening for trafficking in persons (act, means, purpose)",
    },
)
_NOTICE = completed(
    "referrals",
    {
        "es": "Las gradaciones de los indicadores son una propuesta que necesita revisión experta."
        " Los indicadores no prueban ni descartan la trata.",
        "en": "The grades of the indicators are a proposal that needs expert review."
        " Indicators neither prove nor disprove trafficking.",
    },
)


@cache
def shipped() -> Instrument:
    """Return the questions about safety and consent, then the person, then act, means and purpose."""
    return Instrument(
        code=_CODE,
        version=_VERSION,
        title=Labels(**_TITLE),
        notice=Labels(**_NOTICE),
        questions=tuple(_questions()),
    )


def _questions() -> Iterator[Question]:
    sections = {row["id"]: _labels(row) for row in rows("sections")}
    for row in rows("opening"):
        yield Question(
            id=row["id"],
            kind=Kind(row["kind"]),
            label=_labels(row),
            hint=Labels(**by_language(row, "hint")) if row["hint_es"] else None,
            section=sections[row["section"]],
            options=_options(row["options"]),
            relevant=row["relevant"] or None,
            required=row["required"] == "yes",
            role=Role(row["role"]) if row["role"] else None,
        )
    for row in rows("elements"):
        if row["element"] == "act":
            yield Question(
                id=row["id"],
                kind=Kind.ONE_OF,
                label=_labels(row),
                section=sections["act"],
                options=_options("answers"),
                element=row["id"],
                basis=row["basis"],
            )
    for row in rows("indicators"):
        yield Question(
            id=row["id"],
            kind=Kind.ONE_OF,
            label=_labels(row),
            section=sections[row["dimension"]],
            options=_options("answers"),
            relevant=_asked_of(row["applies_to"]),
            element=_element(row["maps_to_element"]),
            grade=_grade(row["ilo_grade_adult_labour"]),
            needs_review=True,
            basis=row["basis"],
        )


def _asked_of(applies_to: str) -> str | None:
    """Return the age-group condition. A person of unknown age gets the questions for both groups."""
    match sorted(applies_to.split(",")):
        case ["child"]:
            return "${age_group} != 'adult'"
        case ["adult"]:
            return "${age_group} != 'child'"
        case ["adult", "child"]:
            return None
    raise ValueError(f"indicators.csv: ask adult, child or both, not {applies_to!r}")


def _element(name: str) -> str:
    if name != "context" and name not in {row["id"] for row in rows("elements")}:
        raise ValueError(f"indicators.csv: no element {name!r}")
    return name


def _grade(text: str) -> "str | None":
    return text or None


def _options(name: str) -> tuple[Option, ...]:
    return tuple(
        Option(code=row["code"], label=_labels(row))
        for row in rows("options")
        if row["list"] == name
    )


def _labels(row: Mapping[str, str]) -> Labels:
    return Labels(**by_language(row))
