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


def test_states_and_statuses_of_answers_are_listed() -> None:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    schemas = document["components"]["schemas"]
    assert [*codes_of(schemas["ReferralView"]["properties"]["state"], schemas)] == [
        {*ReferralState}
    ]
    for name in ("Consent", "ReportSummary", "ThreadView"):
        assert None not in [*codes_of(schemas[name]["properties"]["status"], schemas)], name
