"""FHIR clients get an OperationOutcome for every refusal, whichever component refuses."""

from typing import Any

import httpx
import pytest
from common import errors
from common.errors import FieldError
from fhir.resources.R4B.operationoutcome import OperationOutcome
from gateway.front.description import endpoints
from gateway.front.description.outcomes import expression, outcome
from gateway.front.description.parts import security

from tests.gateway.whole_gateway import Gateway

TASK = "/referrals/v1/fhir/Task"


def told(problem: errors.Problem) -> dict[str, Any]:
    found = outcome(problem.body())
    OperationOutcome.model_validate(found)
    return found


@pytest.mark.parametrize("kind", list(errors.PROBLEMS.values()), ids=lambda kind: kind.code)
def test_every_problem_is_an_outcome_of_r4(kind: errors.ProblemType) -> None:
    (issue,) = told(kind.saying("Why."))["issue"]
    assert issue["details"]["coding"] == [{"system": "urn:ruta:problem", "code": kind.code}]
    assert issue["diagnostics"] == "Why."
    assert issue["severity"] == ("error" if kind.status < 500 else "fatal")


def test_each_wrong_field_is_an_issue_with_its_place() -> None:
    wrong = [FieldError("/input/0/type", "not valid"), FieldError("/status", "no such step")]
    issues = told(errors.INVALID.saying("Two.", errors=wrong))["issue"]
    assert [issue.get("expression") for issue in issues] == [None, ["input[0].type"], ["status"]]
    (only,) = told(errors.INVALID.saying("Why.", pointer="/query/status"))["issue"]
    assert only["expression"] == ["http.status"]


def test_what_helps_is_not_lost() -> None:
    legal: dict[str, Any] = {"legal_transitions": ["accept", "decline"], "max_age": 600}
    found = told(errors.CONFLICT.saying("Not now.", **legal))
    assert {e["url"]: e["valueString"] for e in found["extension"]} == {
        "urn:ruta:problem:legal_transitions": "accept, decline",
        "urn:ruta:problem:max_age": "600",
    }


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ("", "$this"),
        ("/a/b", "a.b"),
        ("/a/0/1/b/2", "a[0][1].b[2]"),
        ("/header/If-Match", "http.If-Match"),
    ],
)
def test_a_place_is_said_as_fhirpath(pointer: str, path: str) -> None:
    assert expression(pointer) == path


def test_the_fronts_own_refusals_are_outcomes_there_and_nowhere_else(gateway: Gateway) -> None:
    wrong = {"Authorization": "Bearer no-token"}
    answer = httpx.get(f"{gateway.url}{TASK}", headers=wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/fhir+json")
    found = answer.json()
    OperationOutcome.model_validate(found)
    assert found["issue"][0]["code"] == "login"
    more = {e["url"]: e["valueString"] for e in found["extension"]}
    assert more["urn:ruta:problem:request_id"] == answer.headers["x-request-id"]
    elsewhere = httpx.get(f"{gateway.url}/referrals/v1/referrals", headers=wrong)
    assert elsewhere.headers["content-type"] == "application/problem+json"
    asked = {**wrong, "Accept": "application/problem+json"}
    answer = httpx.get(f"{gateway.url}{TASK}", headers=asked)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthenticated"


def test_where_tokens_are_had_is_told_as_smart_says_it(gateway: Gateway) -> None:
    answer = httpx.get(f"{gateway.url}/referrals/v1/fhir/.well-known/smart-configuration")
    assert answer.status_code == 200
    found = answer.json()
    token = httpx.post(
        found["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=("ngo-refugio", "the-secret-of-ngo-refugio"),
    )
    assert token.status_code == 200
    assert httpx.get(found["jwks_uri"]).json()["keys"]
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_a_provider_that_was_not_read_yet_is_named_by_its_discovery() -> None:
    found = security(endpoints.outside("https://issuer.example/", {}))
    assert found["oauth2"]["openIdConnectUrl"] == (
        "https://issuer.example/.well-known/openid-configuration"
    )
