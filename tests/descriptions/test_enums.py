"""The description lists the codes of each closed code list in a response or a request."""

from collections.abc import Iterator
from typing import Any

from common.words.choices import words
from common.words.codelists import pathways
from common.words.referral_states import ReferralState
from directory.pathways.definition.graph import Urgency
from gateway.front.description.document import combined
from gateway.front.routes import ROUTES
from stack.reference.described import descriptions

AORS = ({"*", *pathways()},)
URGENCIES = ({*words("urgencies")}, {*Urgency})
"""Of a referral, and of a step of a pathway."""


def codes_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[set[str] | None]:
    """Yield the codes of each text in a schema, or None for a text without a list."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for part in schema.get("anyOf", ()):
        yield from codes_of(part, schemas)
    if schema.get("type") == "array":
        yield from codes_of(schema["items"], schemas)
    if schema.get("type") == "string":
        listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        yield None if listed is None else set(listed)


def test_areas_of_responsibility_and_urgencies_are_listed_wherever_they_stand() -> None:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    schemas = document["components"]["schemas"]
    seen, wrong = 0, []
    for name, schema in schemas.items():
        for field, known in (("aor", AORS), ("urgency", URGENCIES)):
            for codes in codes_of(schema.get("properties", {}).get(field, {}), schemas):
                seen += 1
                if codes is None or not any(codes <= each for each in known):
                    wrong.append((name, field, codes))
    assert wrong == []
    assert seen > 40


# Words of the sender, of another list, or numbers.
FREE = {
    ("OrganizationDocument", "tax_status"), ("OrganizationDocument", "legal_status"),
    ("ShownOrganization", "tax_status"), ("ShownOrganization", "legal_status"),
    ("ActivityBody", "status"), ("ActivityView", "status"), ("WorkItem", "state"), ("OnlyIf", "status"),
}  # fmt: skip


def test_states_and_statuses_are_listed_wherever_they_stand() -> None:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    schemas = document["components"]["schemas"]
    found = {
        (name, field): [*codes_of(part, schemas)]
        for name, schema in schemas.items()
        for field, part in schema.get("properties", {}).items()
        if field.split("_")[-1] in ("state", "status")
    }
    assert {place for place, codes in found.items() if None in codes} == FREE
    assert found["ReferralView", "state"] == [{*ReferralState}]
