"""The code lists that services share, with Spanish and English labels. Tables under `data/codelists` define their
content."""

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
        """Return the label in `language`, or the Spanish label if that is missing."""
        return self.labels.get(language, self.labels["es"])


@dataclass(frozen=True, slots=True)
class ServiceCategory(Code):
    """A type of service, by the need that it meets."""

    pathway: str
    """The pathway (area of responsibility) that it belongs to: CP, GBV, TIP, GP, MULTI."""
    minimum_visibility: str
    """Services of this category are never shown more openly than this level."""
    support_type: str
    """Its usual HTCDS support type; planners may choose another."""
    helps_late: bool
    """This care also helps late, so its referrals never expire."""
    accommodation: bool
    """Its services are places to sleep, so they may be safe houses."""


@dataclass(frozen=True, slots=True)
class VisibilityLevel(Code):
    """A visibility level. Levels are ordered from the most open to the most restricted."""

    who_sees: str
    location_precision: str


Entry_co = TypeVar("Entry_co", bound=Code, covariant=True)


class CodeList(Mapping[str, Entry_co], Generic[Entry_co]):
    """The entries of a list by code, in the order of the table."""

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
        """Return the label of a code, or the code itself if it is not in the list (retired or foreign)."""
        entry = self._entries.get(code)
        return entry.label(language) if entry else code


def rows(table: str) -> list[dict[str, str]]:
    return tables.rows("common.words", f"data/codelists/{table}")


def _listed(table: str) -> CodeList[Code]:
    return CodeList(table, {row["code"]: _code(row) for row in rows(table)})


def _code(row: Mapping[str, str]) -> Code:
    return Code(row["code"], tables.by_language(row))


@cache
def categories() -> CodeList[ServiceCategory]:
    return CodeList(
        "service_categories",
        {
            row["code"]: ServiceCategory(
                row["code"],
                tables.by_language(row),
                row["pathway"],
                row["minimum_visibility"],
                row["support_type"],
                row["helps_late"] == "yes",
                row["accommodation"] == "yes",
            )
            for row in rows("service_categories")
        },
    )


@cache
def visibility_levels() -> CodeList[VisibilityLevel]:
    return CodeList(
        "visibility_levels",
        {
            row["code"]: VisibilityLevel(
                row["code"], tables.by_language(row), row["who_sees"], row["location_precision"]
            )
            for row in rows("visibility_levels")
        },
    )


@cache
def pathways() -> CodeList[Code]:
    return _listed("pathways")


@cache
def populations() -> CodeList[Code]:
    return _listed("population_groups")


@cache
def functional_statuses() -> CodeList[Code]:
    return _listed("functional_status")


@cache
def organisation_types() -> CodeList[Code]:
    return _listed("organisation_types")


@cache
def languages() -> CodeList[Code]:
    """Return languages by their ISO 639-3 codes."""
    return _listed("languages")


@cache
def nationalities() -> CodeList[Code]:
    """Return the countries that forms offer as a nationality, by ISO 3166-1 alpha-2. The API accepts every country."""
    return _listed("nationalities")


@cache
def confidential_needs() -> CodeList[Code]:
    """Return the categories whose services are never public (safe houses, alternative care). The label describes how to
    reach them, unless a pathway of the area does."""
    return _listed("confidential_needs")


@cache
def referral_attributes() -> Mapping[str, CodeList[Code]]:
    """Return the codes for how a service accepts referrals, by attribute: intake_mode, referral_method, response_delay,
    next_step, feedback_mechanism, feedback_delay, coverage, frequency, eligibility."""
    lists: dict[str, dict[str, Code]] = {}
    for row in rows("referral_attributes"):
        lists.setdefault(row["attribute"], {})[row["code"]] = _code(row)
    return MappingProxyType({name: CodeList(name, entries) for name, entries in lists.items()})
