"""The check finds every way in which a description can break a client, and reports nothing else."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.descriptions.breaks import breaks, skeleton

Document = dict[str, Any]
Change = Callable[[Document], object]

REFERRAL = "#/components/schemas/Referral"
ANSWER = {"schema": {"$ref": REFERRAL}}
STORY: Document = {
    "paths": {
        "/referrals/{referral_id}": {
            "post": {
                "operationId": "referrals.send",
                "x-ruta-access": {
                    "anonymous": False,
                    "scope": "referrals:write",
                    "roles": ["caseworker", "supervisor"],
                },
                "parameters": [
                    {"name": "referral_id", "in": "path", "required": True, "schema": {}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}},
                    {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {
                    "type": "object",
                    "required": ["case_id"],
                    "properties": {
                        "case_id": {"type": "string", "maxLength": 36},
                        "urgency": {"enum": ["low", "high"], "default": "low"},
                        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                        "places": {"type": "array", "maxItems": 9, "items": {"type": "string"}},
                    },
                }}, "text/csv": {}}},
                "responses": {
                    "201": {"headers": {"ETag": {}}, "content": {"application/json": ANSWER}},
                    "303": {"description": "a page"},
                    "409": {"content": {"application/json": ANSWER}},
                },
            },
            "get": {
                "operationId": "referrals.read",
                "x-ruta-access": {"anonymous": True, "scope": None, "roles": None},
                "responses": {"200": {"content": {"application/json": ANSWER, "text/csv": {}}}},
            },
        },
    },
    "components": {"schemas": {"Referral": {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "state": {"enum": ["sent", "accepted"]},
            "count": {"type": "integer"},
            "parent": {"anyOf": [{"$ref": REFERRAL}, {"type": "null"}]},
            "by_state": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }}},
}  # fmt: skip


def post(document: Document) -> Document:
    found: Document = document["paths"]["/referrals/{referral_id}"]["post"]
    return found


def body(document: Document) -> Document:
    found: Document = post(document)["requestBody"]["content"]["application/json"]["schema"]
    return found


def sent(document: Document, name: str) -> Document:
    found: Document = body(document)["properties"][name]
    return found


def answered(document: Document) -> Document:
    found: Document = document["components"]["schemas"]["Referral"]
    return found


BREAKING: dict[str, tuple[Change, str]] = {
    "the path": (lambda d: d["paths"].clear(), "POST /referrals/{referral_id}: the operation is"),
    "the operation": (
        lambda d: d["paths"]["/referrals/{referral_id}"].pop("get"),
        "GET /referrals/{referral_id}: the operation is gone",
    ),
    "its id": (lambda d: post(d).update(operationId="send"), "id referrals.send became send"),
    "a token": (
        lambda d: d["paths"]["/referrals/{referral_id}"]["get"].update({"x-ruta-access": {}}),
        "a token is now needed",
    ),
    "a scope": (lambda d: post(d)["x-ruta-access"].update(scope="admin"), "became admin"),
    "a role": (
        lambda d: post(d)["x-ruta-access"].update(roles=["supervisor"]),
        "caseworker may no longer do it",
    ),
    "any role": (
        lambda d: d["paths"]["/referrals/{referral_id}"]["get"]["x-ruta-access"].update(
            roles=["auditor"]
        ),
        "only the roles auditor",
    ),
    "a parameter": (lambda d: post(d)["parameters"].pop(1), "query parameter limit: the param"),
    "a parameter required": (
        lambda d: post(d)["parameters"][1].update(required=True),
        "query parameter limit: the parameter became required",
    ),
    "a new required parameter": (
        lambda d: post(d)["parameters"].append({"name": "aor", "in": "query", "required": True}),
        "query parameter aor: a new parameter is required",
    ),
    "another default": (
        lambda d: post(d)["parameters"][1]["schema"].update(default=5),
        "the default 20 became 5",
    ),
    "a parameter's type": (
        lambda d: post(d)["parameters"][1]["schema"].update(type="boolean"),
        "query parameter limit: integer is no longer accepted",
    ),
    "the body required": (lambda d: post(d)["requestBody"].update(required=True), "body: a body"),
    "the body's kind": (
        lambda d: post(d)["requestBody"]["content"].pop("text/csv"),
        "body: text/csv is no longer accepted",
    ),
    "the body": (lambda d: post(d).pop("requestBody"), "application/json is no longer accepted"),
    "a member sent": (lambda d: body(d)["properties"].pop("note"), "body/note: the member is gone"),
    "a member required": (
        lambda d: body(d)["required"].append("note"),
        "body/note: the member is now required",
    ),
    "a new required member": (
        lambda d: (
            body(d)["properties"].update(aor={"type": "string"}),
            body(d)["required"].append("aor"),
        ),
        "body/aor: the member is now required",
    ),
    "other members": (
        lambda d: body(d).update(additionalProperties=False),
        "members of other names are now refused",
    ),
    "null sent": (
        lambda d: sent(d, "note")["anyOf"].pop(),
        "body/note: null is no longer accepted",
    ),
    "a value sent": (lambda d: sent(d, "urgency")["enum"].pop(), "high is no longer accepted"),
    "only some values": (
        lambda d: sent(d, "case_id").update(enum=["a", "b"]),
        "body/case_id: only a, b is accepted now",
    ),
    "a length": (lambda d: sent(d, "case_id").update(maxLength=9), "maxLength 36 became 9"),
    "a new length": (lambda d: sent(d, "case_id").update(minLength=9), "minLength unsaid"),
    "a pattern": (lambda d: sent(d, "case_id").update(pattern="^a"), "pattern unsaid became ^a"),
    "a format": (lambda d: sent(d, "case_id").update(format="uuid"), "format unsaid became uuid"),
    "a number of items": (lambda d: sent(d, "places").update(maxItems=1), "maxItems 9 became 1"),
    "items": (
        lambda d: sent(d, "places")["items"].update(type="integer"),
        "body/places/[]: string is no longer accepted",
    ),
    "an answer": (lambda d: post(d)["responses"].pop("303"), "answer 303: the answer is gone"),
    "an answer's kind": (
        lambda d: d["paths"]["/referrals/{referral_id}"]["get"]["responses"]["200"]["content"].pop(
            "text/csv"
        ),
        "answer 200: text/csv is no longer answered",
    ),
    "a header": (
        lambda d: post(d)["responses"]["201"]["headers"].clear(),
        "answer 201: the header ETag is gone",
    ),
    "a member answered": (
        lambda d: answered(d)["properties"].pop("count"),
        "answer 201/count: the member is gone",
    ),
    "a member may be absent": (
        lambda d: answered(d)["required"].remove("state"),
        "answer 201/state: the member may now be absent",
    ),
    "null answered": (
        lambda d: answered(d)["properties"].update(count={"type": ["integer", "null"]}),
        "answer 201/count: null may now be answered, too",
    ),
    "a type answered": (
        lambda d: answered(d)["properties"]["count"].update(type="string"),
        "answer 201/count: string may now be answered, too",
    ),
    "a format answered": (
        lambda d: answered(d)["properties"]["id"].pop("format"),
        "answer 201/id: the format uuid became None",
    ),
    "all values answered": (
        lambda d: answered(d)["properties"].update(state={"enum": ["open"]}),
        "none of sent, accepted is answered any more",
    ),
    "values of a map": (
        lambda d: answered(d)["properties"]["by_state"].update(
            additionalProperties={"type": "string"}
        ),
        "answer 201/by_state/*: string may now be answered, too",
    ),
}

HARMLESS: dict[str, Change] = {
    "words": lambda d: post(d).update(summary="Send", description="Send it.", tags=["x"]),
    "a new operation": lambda d: d["paths"].update({"/new": {"get": {"responses": {}}}}),
    "a new optional parameter": lambda d: post(d)["parameters"].append(
        {"name": "aor", "in": "query", "schema": {"type": "string"}}
    ),
    "the name of what the path names": lambda d: (
        d["paths"].update({"/referrals/{id}": d["paths"].pop("/referrals/{referral_id}")}),
        d["paths"]["/referrals/{id}"]["post"]["parameters"][0].update(name="id"),
    ),
    "a header's case": lambda d: post(d)["parameters"][2].update(name="idempotency-key"),
    "a new optional member": lambda d: body(d)["properties"].update(aor={"type": "string"}),
    "a member no longer required": lambda d: body(d)["required"].clear(),
    "more values sent": lambda d: sent(d, "urgency")["enum"].append("urgent"),
    "any value sent": lambda d: body(d)["properties"].update(urgency={"type": "string"}),
    "more length": lambda d: sent(d, "case_id").update(maxLength=99),
    "no length": lambda d: sent(d, "case_id").pop("maxLength"),
    "null sent, too": lambda d: body(d)["properties"].update(
        case_id={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "a new member answered": lambda d: answered(d)["properties"].update(aor={"type": "string"}),
    "a member always there": lambda d: answered(d)["required"].append("count"),
    "more values answered": lambda d: answered(d)["properties"]["state"]["enum"].append("no_show"),
    "one more answer": lambda d: post(d)["responses"].update({"202": {}}),
    "another refusal": lambda d: post(d)["responses"].pop("409"),
    "fewer scopes": lambda d: post(d)["x-ruta-access"].update(scope=None, roles=None),
    "a name of its own": lambda d: (
        d["components"]["schemas"].update(Note={"type": "string"}),
        sent(d, "note")["anyOf"].__setitem__(0, {"$ref": "#/components/schemas/Note"}),
    ),
}


def changed(change: Change) -> Document:
    document = deepcopy(STORY)
    change(document)
    assert document != STORY
    return document


@pytest.mark.parametrize("name", BREAKING)
def test_what_breaks_a_client_is_found_where_it_is(name: str) -> None:
    change, told = BREAKING[name]
    found = [str(one) for one in breaks(skeleton(STORY), changed(change))]
    assert any(told in one for one in found), found


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nobody_is_let_through(name: str) -> None:
    assert breaks(skeleton(STORY), changed(HARMLESS[name])) == []


def test_what_is_kept_says_the_same_as_the_whole() -> None:
    kept = skeleton(STORY)
    assert breaks(STORY, kept) == breaks(kept, STORY) == []
    assert skeleton(kept) == kept


def test_each_finding_says_what_to_do() -> None:
    [found] = breaks(STORY, changed(BREAKING["a member required"][0]))
    assert str(found).endswith(
        "Let it be left out, with a default that means what its absence meant."
    )
