"""The query parameters of every list. Each is checked. An unknown parameter is refused with a list of the known ones,
because a typo must not widen the search."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_PER_PAGE = 500
MAX_PAGE = 1_000_000
DEFAULT_PER_PAGE = 25


def _many(value: Any) -> Any:
    """Split a list that is separated by commas or repeats the parameter."""
    items = value if isinstance(value, list) else [value]
    return [
        part for item in items for part in (item.split(",") if isinstance(item, str) else [item])
    ]


Many = BeforeValidator(_many)
Text = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


class PageQuery(BaseModel):
    """The query parameters that every list accepts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    search: Text | None = Field(None, description="Words in Spanish or English, accents or not.")
    page: int = Field(1, ge=1, le=MAX_PAGE, description="Page number, from 1.")
    per_page: int = Field(DEFAULT_PER_PAGE, ge=1, le=MAX_PER_PAGE, description="Entries per page.")
    format: Literal["json", "ndjson"] = Field(
        "json", description="`ndjson` streams all entries, one per line, without pages."
    )


@cache
def described(kind: type[BaseModel]) -> list[dict[str, Any]]:
    """Return the parameters for the API description."""
    schema = kind.model_json_schema()
    found = []
    for name, field in schema["properties"].items():
        inner = {k: v for k, v in field.items() if k not in {"title", "description"}}
        found.append(
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": field.get("description", ""),
                "schema": _without_null(inner),
                **({"style": "form", "explode": False} if _is_list(inner) else {}),
            }
        )
    return found


def body_of(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the request body of a POST query for the API description: the same parameters."""
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            each["name"]: {**each["schema"], "description": each["description"]}
            for each in described(kind)
        },
    }
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"content": {kind: {"schema": schema} for kind in kinds}}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    options = [o for o in schema.get("anyOf", []) if o.get("type") != "null"]
    if len(options) == 1:
        rest = {k: v for k, v in schema.items() if k not in {"anyOf", "default"}}
        schema = {**options[0], **rest}
    if "prefixItems" in schema:  # a comma separates a pair of numbers
        return {"type": "string", "pattern": r"^-?\d+(\.\d+)?(,-?\d+(\.\d+)?)+$"}
    return schema


def _is_list(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "array"
