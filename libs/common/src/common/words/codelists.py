"""The code lists that services share, with Spanish and English labels. The lists are tables under
`data/codelists`: what a list contains is decided there, not in code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Generic, TypeVar

from common.words import tables


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of a code list."""

    code: str
    labels: Mapping[str, str]
    """By language."""

    @property
    def label_es(self) -> str:
        return self.labels["es"]

    @property
    def label_en(self) -> str:
        return self.labels["en"]

    def label(self, language: str = "es") -> str:
        """The label in `language`, Spanish if there is none in it."""
        return self.labels.get(language, self.labels["es"])


@dataclass(frozen=True, slots=True)
class ServiceCategory(Code):
    """A kind of service: the need that it meets."""

    pathway: str
    """The pathway (area of responsibility) that it belongs to: CP, GBV, TIP, GP, MULTI."""
    minimum_visibility: str
    """No service of this category is shown more openly than this visibility level."""
    support_type: str
    """The HTCDS support type that it usually is; who plans may say another."""
    helps_late: bool
    """Care that helps late too: a referral to it never expires."""
    hxl_sector_code: str
    hrp_activity_codes: tuple[str, ...]
    primero_service_type: str | None
    basis: str


@dataclass(frozen=True, slots=True)
class Pathway(Code):
    coordination_body: str
    entry_rule_en: str


@dataclass(frozen=True, slots=True)
class PopulationGroup(Code):
    kind: str
    """status, group, age_sex or specific_need."""
    unhcr_hapi_code: str | None
    note: str


@dataclass(frozen=True, slots=True)
class FunctionalStatus(Code):
    referable: str
    """yes, yes_with_warning, waitlist, no or no_until_verified."""
    meaning_en: str


@dataclass(frozen=True, slots=True)
class VisibilityLevel(Code):
    """Levels come in order, from the most open to the most closed."""

    ocha_sensitivity: str
    who_sees: str
    location_precision: str


@dataclass(frozen=True, slots=True)
class OrganisationType(Code):
    ocha_code: str
    iati_code: str
    fivews_value_es: str | None


@dataclass(frozen=True, slots=True)
class Language(Code):
    """`code` is ISO 639-3."""

    indigenous: bool
    spoken_in: str
    glottocode: str | None
    family: str | None


Entry_co = TypeVar("Entry_co", bound=Code, covariant=True)


class CodeList(Mapping[str, Entry_co], Generic[Entry_co]):
    """Entries by code, in the order of the table."""

    def __init__(self, name: str, entries: Mapping[str, Entry_co]) -> None:
        self.name = name
        self._entries = MappingProxyType(dict(entries))

    def __getitem__(self, code: str) -> Entry_co:
        return self._entries[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def label(self, code: str, language: str = "es") -> str:
        """The label of a code; the code itself if it is not in the list (retired, foreign)."""
        entry = self._entries.get(code)
        return entry.label(language) if entry else code


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a table of `data/codelists`, by column."""
    return tables.rows("common.words", f"data/codelists/{table}")


def _labels(row: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    return row["code"], tables.by_language(row)


@cache
def categories() -> CodeList[ServiceCategory]:
    return CodeList(
        "service_categories",
        {
            row["code"]: ServiceCategory(
                *_labels(row),
                pathway=row["pathway"],
                minimum_visibility=row["minimum_visibility"],
                support_type=row["support_type"],
                helps_late=row["helps_late"] == "yes",
                hxl_sector_code=row["hxl_sector_code"],
                hrp_activity_codes=tuple(filter(None, row["hrp2024_activity_codes"].split(";"))),
                primero_service_type=row["primero_service_type"] or None,
                basis=row["basis"],
            )
            for row in rows("service_categories")
        },
    )


@cache
def pathways() -> CodeList[Pathway]:
    return CodeList(
        "pathways",
        {
            row["code"]: Pathway(*_labels(row), row["coordination_body"], row["entry_rule_en"])
            for row in rows("pathways")
        },
    )


@cache
def populations() -> CodeList[PopulationGroup]:
    return CodeList(
        "population_groups",
        {
            row["code"]: PopulationGroup(
                *_labels(row), row["kind"], row["unhcr_hapi_code"] or None, row["note"]
            )
            for row in rows("population_groups")
        },
    )


@cache
def functional_statuses() -> CodeList[FunctionalStatus]:
    return CodeList(
        "functional_status",
        {
            row["code"]: FunctionalStatus(*_labels(row), row["referable"], row["meaning_en"])
            for row in rows("functional_status")
        },
    )


@cache
def visibility_levels() -> CodeList[VisibilityLevel]:
    return CodeList(
        "visibility_levels",
        {
            row["code"]: VisibilityLevel(
                *_labels(row), row["ocha_sensitivity"], row["who_sees"], row["location_precision"]
            )
            for row in rows("visibility_levels")
        },
    )


@cache
def organisation_types() -> CodeList[OrganisationType]:
    return CodeList(
        "organisation_types",
        {
            row["code"]: OrganisationType(
                *_labels(row),
                row["ocha_hrinfo_code"],
                row["iati_code"],
                row["ven_5w_value_es"] or None,
            )
            for row in rows("organisation_types")
        },
    )


@cache
def confidential_needs() -> CodeList[Code]:
    """Categories whose services are never shown to everybody (safe houses, alternative care); the
    label says through whom they are reached where no pathway of the area says it."""
    return CodeList(
        "confidential_needs",
        {row["code"]: Code(*_labels(row)) for row in rows("confidential_needs")},
    )


@cache
def languages() -> CodeList[Language]:
    return CodeList(
        "languages",
        {
            row["code"]: Language(
                *_labels(row),
                row["indigenous"] == "yes",
                row["spoken_in"],
                row["glottocode"] or None,
                row["family"] or None,
            )
            for row in rows("languages")
        },
    )


@cache
def referral_attributes() -> Mapping[str, CodeList[Code]]:
    """How a service takes referrals, by attribute: intake_mode, referral_method, response_delay,
    next_step, feedback_mechanism, feedback_delay, coverage, frequency, eligibility."""
    lists: dict[str, dict[str, Code]] = {}
    for row in rows("referral_attributes"):
        lists.setdefault(row["attribute"], {})[row["code"]] = Code(*_labels(row))
    return MappingProxyType({name: CodeList(name, entries) for name, entries in lists.items()})
