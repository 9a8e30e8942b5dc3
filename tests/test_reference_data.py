"""External data in the project equals its source, where the source is available."""

import csv
import json
from typing import Any

import pytest

from tests.services.directory import official
from tests.support.reference import reference_data, shipped_json

SCHEMAS = {
    "taxonomy": "taxonomy",
    "taxonomy_term": "taxonomy_term",
    "location": "location",
    **{
        name: f"compiled/{name}"
        for one in ("service", "service_at_location", "organization")
        for name in (one, f"{one}_list")
    },
}


def table(name: str) -> list[dict[str, str]]:
    text = reference_data(f"fivews/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_the_words_of_the_5w() -> None:
    records = table("ven_5w_2024_sample_aggregated")[1:]
    types = {row[of] for row in records for of in ("org_leader_type", "org_implementer_type")}
    assert shipped_json("fivews/words.json") | {"source": ""} == {
        "source": "",
        "ven_columns": [[row["column"], row["hxl_tag"]] for row in table("ven_5w_columns_hxl")],
        "ven_organisation_types": sorted(types),
        "ven_location_types": sorted({row["tlocation"] for row in records} - {""}),
        "ven_activity_codes": sorted(
            row["activity_code"] for row in table("ven_hrp2024_activity_codes")
        ),
        "r4v_columns": [row["column_en"] for row in table("r4v_5w_columns")],
        "r4v_subsectors": [row["r4v_subsector_en"] for row in table("r4v_subsectors")],
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_members_of_hsds(name: str) -> None:
    assert official.schema(name) == judged(SCHEMAS[name])


def judged(path: str) -> dict[str, Any]:
    return _judged(json.loads(reference_data(f"hsds/schema/{path}.json").read_text()))


def _judged(part: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a schema that affect validation, without titles, texts and examples."""
    if "$ref" in part:
        return judged(part["$ref"].removesuffix(".json"))
    kept: dict[str, Any] = {key: part[key] for key in ("type", "format", "enum") if key in part}
    if "items" in part:
        kept["items"] = _judged(part["items"])
    if "properties" in part:
        kept["required"] = part.get("required", [])
        kept["properties"] = {name: _judged(each) for name, each in part["properties"].items()}
    return kept
