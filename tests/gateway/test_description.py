"""The front merges the services' descriptions by the route table and renames clashing schemas."""

import socket
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from common.errors import Problem
from gateway.front import site
from gateway.front.description.document import combined, operations
from gateway.front.description.endpoints import own
from gateway.front.description.generators import plainer
from gateway.front.routes import ROUTES as SERVED
from gateway.front.routes import Deprecation, Route, RouteTable, Upstream, deprecation_headers
from gateway.front.settings import FrontSettings
from gateway.front.site import Description
from gateway.front.upstreams import Upstreams
from stack.reference.described import descriptions

from tests.support.patience import PATIENCE

ROUTES = (
    Route("/directory/v1", Upstream.DIRECTORY, "v1", "Directory", anonymous=True),
    Route(
        "/referrals/v1",
        Upstream.REFERRALS,
        "v1",
        "Referrals",
        deprecation=Deprecation(date(2026, 1, 1), date(2027, 1, 1), "/referrals/v2"),
    ),
)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port without a listener that stays reserved during the test."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def part(prefix: str, kind: str) -> dict[str, Any]:
    ref = {"$ref": "#/components/schemas/Page"}
    answer = {"200": {"content": {"application/json": {"schema": ref}}}}
    return {
        "paths": {
            f"{prefix}/things/{{thing_id}}": {"get": {"tags": ["t"], "responses": dict(answer)}},
            f"{prefix}/things": {"post": {"tags": ["t", "t"], "responses": dict(answer)}},
            "/healthz": {"get": {"responses": {}}},
        },
        "components": {"schemas": {"Page": {"type": kind}, "HTTPValidationError": {}}},
    }


DOCUMENT = combined(
    {
        Upstream.DIRECTORY: part("/directory/v1", "object"),
        Upstream.REFERRALS: part("/referrals/v1", "array"),
    },
    ROUTES,
    public_url="https://ruta.example",
    version="1",
)


def test_each_operation_says_more_than_its_summary() -> None:
    document = combined(descriptions(), SERVED, public_url="https://ruta.example", version="1")
    known = {f"{method.upper()} {path}": o for path, method, o in operations(document)}
    echoes = [
        name
        for name, operation in known.items()
        if operation["description"].rstrip(".") == operation.get("summary", "").rstrip(".")
    ]
    assert echoes == [], "say it in the docstring of the route"
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if "_" in name] == []
    made = document["paths"]["/referrals/v1/cases"]["post"]["responses"]["201"]["links"]
    assert made["read"] == {
        "operationId": "referrals.cases.read",
        "parameters": {"case_id": "$response.body#/id"},
    }


def test_only_what_the_front_lets_through_is_described() -> None:
    assert sorted(DOCUMENT["paths"]) == [
        "/directory/v1/things",
        "/directory/v1/things/{thing_id}",
        "/referrals/v1/things",
        "/referrals/v1/things/{thing_id}",
    ]


def test_each_schema_is_titled_by_its_name() -> None:
    assert all(s["title"] == name for name, s in DOCUMENT["components"]["schemas"].items())


def test_no_operation_has_a_tag_twice() -> None:
    assert all(operation["tags"] == ["t"] for _, _, operation in operations(DOCUMENT))


def test_two_schemas_of_one_name_are_told_apart() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Page"] == {"type": "object", "title": "Page"}
    assert schemas["ReferralsPage"] == {"type": "array", "items": {}, "title": "ReferralsPage"}
    answer = DOCUMENT["paths"]["/referrals/v1/things"]["post"]["responses"]["200"]
    assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/ReferralsPage")
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_every_operation_has_an_id_and_the_fronts_answers_and_each_path_parameter() -> None:
    seen = set()
    for path, method, operation in operations(DOCUMENT):
        assert operation["operationId"] not in seen
        seen.add(operation["operationId"])
        assert {"400", "401", "429", "431", "503"} <= set(operation["responses"])
        assert ("409" in operation["responses"]) is (method == "post")
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == ({"thing_id"} if "{thing_id}" in path else set())


def test_a_deprecated_version_says_so_in_document_and_headers() -> None:
    assert DOCUMENT["paths"]["/referrals/v1/things"]["post"]["deprecated"] is True
    deprecation = ROUTES[1].deprecation
    assert deprecation is not None
    assert deprecation_headers(deprecation) == [
        (b"deprecation", b"@1767225600"),
        (b"sunset", b"Fri, 01 Jan 2027 00:00:00 GMT"),
        (b"link", b'</referrals/v2>; rel="successor-version"'),
    ]


def test_requests_list_the_codes_of_rights_and_areas_of_responsibility() -> None:
    schemas = combined(descriptions(), SERVED, public_url="https://ruta.example", version="1")[
        "components"
    ]["schemas"]
    for name in ("NewClient", "NewPerson", "NewOrganisation"):
        for field in {"roles", "scopes", "aors"} & schemas[name]["properties"].keys():
            assert schemas[name]["properties"][field]["items"]["enum"], (name, field)
    for name, field in (("NewCall", "aor"), ("NewRiskMessage", "aor"), ("NewReport", "kind")):
        assert schemas[name]["properties"][field]["enum"], name


def test_what_generators_stumble_over_is_said_plainly() -> None:
    reference = "#/components/schemas/"
    one, other = ({"properties": {"kind": {"const": kind}}} for kind in ("one", "other"))
    body = {"type": "object", "properties": {"search": {"type": "string"}}}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    asked = {kind: {"schema": body} for kind in kinds}
    told: dict[str, Any] = {
        "paths": {
            "/things": {
                "post": {
                    "operationId": "directory.things.create",
                    "requestBody": {"content": asked},
                }
            }
        },
        "webhooks": {"notice": {"post": {"operationId": "webhooks.notice"}}},
        "components": {
            "schemas": {
                "One": one,
                "Other": {**other, "required": ["kind"]},
                "Whole": {
                    "properties": {
                        "before": {"anyOf": [{}, {"type": "null"}], "title": "Before"},
                        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "of": {
                            "oneOf": [{"$ref": f"{reference}One"}, {"$ref": f"{reference}Other"}],
                            "discriminator": {
                                "propertyName": "kind",
                                "mapping": {
                                    "one": f"{reference}One",
                                    "other": f"{reference}Other",
                                },
                            },
                        },
                        "with": {"$ref": f"{reference}One", "default": {"kind": "one"}},
                        "words": {"type": "array", "default": []},
                        "answer": {"anyOf": [{"type": "string"}, {"type": "array"}]},
                        "codes": {
                            "type": "array",
                            "items": {"enum": ["CP", "GBV"]},
                            "uniqueItems": True,
                        },
                    }
                },
            }
        },
    }
    plainer(told)
    schemas = told["components"]["schemas"]
    named = {"$ref": f"{reference}DirectoryThingsCreateBody"}
    assert asked == {kind: {"schema": named} for kind in kinds}
    assert schemas["DirectoryThingsCreateBody"]["properties"] == body["properties"]
    assert [schemas[name]["required"] for name in ("One", "Other")] == [["kind"], ["kind"]]
    properties = schemas["Whole"]["properties"]
    assert properties["before"] == {"title": "Before"}
    assert properties["name"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert properties["with"] == {"$ref": f"{reference}One"}
    assert properties["answer"] == {"description": "A text or a list of texts."}
    assert properties["words"] == {"type": "array", "default": [], "items": {}}
    assert properties["codes"] == {"type": "array", "items": {"enum": ["CP", "GBV"]}}
    assert told["webhooks"] == {"notice": {"$ref": "#/components/pathItems/notice"}}
    called = {"notice": {"post": {"operationId": "webhooks.notice"}}}
    assert told["components"]["pathItems"] == called


async def test_a_description_that_lacks_a_service_is_503_and_is_not_made_for_each_who_asks(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front does not rebuild the description for each request while a service is down. A client that keeps asking
    would otherwise overload it."""
    monkeypatch.setattr(site, "_AGAIN_SECONDS", PATIENCE)
    settings = FrontSettings.model_construct(directory_url=f"http://127.0.0.1:{closed_port}")
    upstreams = Upstreams(settings)
    await upstreams.start()
    try:
        description = Description(
            RouteTable(ROUTES),
            upstreams,
            "https://ruta.example",
            lambda: own("https://ruta.example"),
        )
        made = []
        for _ in range(2):
            with pytest.raises(Problem) as refused:
                await description.document()
            made.append(description._made)
    finally:
        await upstreams.close()
    assert made[0] is made[1]
    assert (refused.value.kind.status, refused.value.headers["Retry-After"]) == (
        503,
        str(int(PATIENCE)),
    )
    assert refused.value.body()["detail_params"] == ("directory",)
