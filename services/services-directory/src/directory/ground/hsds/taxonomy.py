"""The profile's own taxonomies: categories, areas of responsibility, sex, population and pathway step as HSDS terms. A
plain HSDS client can filter by them. Ids are derived from the codes, so every installation has the same ones."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from common.words import codelists

_ROOT = uuid5(NAMESPACE_URL, "https://ruta/taxonomies")
VERSION = "1"

CATEGORIES, AORS, SEXES, POPULATIONS, STEPS = (
    "ruta-categories",
    "ruta-aors",
    "ruta-sex",
    "ruta-population",
    "ruta-pathway-step",
)
_DESCRIPTIONS = {
    CATEGORIES: "What a service does / Qué hace el servicio",
    AORS: "Area of responsibility / Área de responsabilidad",
    SEXES: "Sex of the persons that the service takes / Sexo de las personas atendidas",
    POPULATIONS: "Population groups that the service takes / Grupos de población atendidos",
    STEPS: "Step of a pathway / Paso de una ruta de atención",
}
_SEX_LABELS = {
    "female": ("Female", "Mujer"),
    "male": ("Male", "Hombre"),
    "other": ("Other", "Otro"),
}


def taxonomy_id(name: str) -> UUID:
    return uuid5(_ROOT, name)


def term_id(taxonomy: str, code: str) -> UUID:
    return uuid5(taxonomy_id(taxonomy), code)


@cache
def taxonomies() -> dict[str, dict[str, Any]]:
    return {
        name: {
            "id": str(taxonomy_id(name)),
            "name": name,
            "description": description,
            "version": VERSION,
        }
        for name, description in _DESCRIPTIONS.items()
    }


def term(taxonomy: str, code: str) -> dict[str, Any]:
    """Return the HSDS taxonomy term for a code, named in English and described in both languages."""
    english, spanish = _labels(taxonomy, code)
    return {
        "id": str(term_id(taxonomy, code)),
        "code": code,
        "name": english,
        "description": f"{english} / {spanish}",
        "taxonomy": taxonomy,
        "taxonomy_detail": taxonomies()[taxonomy],
        "language": "en",
    }


def _labels(taxonomy: str, code: str) -> tuple[str, str]:
    """Return the labels in English and in Spanish."""
    if taxonomy == SEXES:
        return _SEX_LABELS[code]
    if taxonomy == STEPS:
        return code, code
    lists: dict[str, codelists.CodeList[Any]] = {
        CATEGORIES: codelists.categories(),
        AORS: codelists.pathways(),
        POPULATIONS: codelists.populations(),
    }
    entry = lists[taxonomy][code]
    return entry.label_en, entry.label_es


def built_in_terms() -> Iterator[dict[str, Any]]:
    """Yield every term of the code lists. Pathway steps are free text and come with the services."""
    for code in codelists.categories():
        yield term(CATEGORIES, code)
    for code in codelists.pathways():
        yield term(AORS, code)
    for code in _SEX_LABELS:
        yield term(SEXES, code)
    for code in codelists.populations():
        yield term(POPULATIONS, code)


def aors_of(service: dict[str, Any]) -> list[str]:
    """Return the areas of responsibility of the pathway steps and of the categories."""
    found = {step["aor"] for step in service.get("pathway", [])}
    found |= {codelists.categories()[code].pathway for code in service.get("categories", [])}
    return sorted(found)


def attributes_of(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a service's extensions as HSDS attributes. Ids derive from the service and the term."""
    own = UUID(service["id"])
    wanted = [(CATEGORIES, code) for code in service.get("categories", [])]
    wanted += [(AORS, aor) for aor in aors_of(service)]
    eligibility = service.get("eligibility", {})
    wanted += [(SEXES, sex) for sex in eligibility.get("sex", [])]
    wanted += [(POPULATIONS, code) for code in eligibility.get("populations", [])]
    steps = {step["step"] for step in service.get("pathway", []) if step.get("step")}
    wanted += [(STEPS, step) for step in sorted(steps)]
    return [_attribute(own, taxonomy, code) for taxonomy, code in wanted]


def _attribute(service: UUID, taxonomy: str, code: str) -> dict[str, Any]:
    built = term(taxonomy, code)
    return {
        "id": str(uuid5(service, built["id"])),
        "link_entity": "service",
        "value": code,
        "taxonomy_term": built,
        "label": built["name"],
    }


def given_attributes(service: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attributes that a client wrote. A client that writes back a document it read also sends our derived
    attributes, which must not be stored twice."""
    return [
        attribute
        for attribute in service.get("attributes", [])
        if attribute.get("taxonomy_term", {}).get("taxonomy") not in _DESCRIPTIONS
    ]
