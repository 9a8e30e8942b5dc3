"""Operation ids for generated clients are short and unique, and derive from the method and the path."""

import pytest
from gateway.front.description.parts import operation_id

PATHS = {
    "/referrals/v1/referrals": {"get", "post"},
    "/referrals/v1/referrals/{referral_id}": {"get"},
    "/referrals/v1/referrals/{referral_id}/send": {"post"},
    "/referrals/v1/cases/{case_id}/plan": {"get", "post"},
    "/referrals/v1/cases/{case_id}/plan/{item_id}/status": {"post"},
    "/referrals/v1/break-glass/{access_id}/case": {"get"},
    "/referrals/v1/withdraw": {"get", "post"},
    "/referrals/v1/fhir/ServiceRequest/{referral_id}": {"get"},
    "/directory/v1/services/{service_id}/capacity": {"put"},
    "/directory/v1/records/services/{service_id}": {"patch"},
    "/referrals/v1/webhooks/{webhook_id}": {"delete"},
    "/directory/v1/": {"get"},
    "/oauth/token": {"post"},
    "/.well-known/jwks.json": {"get"},
}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", "/referrals/v1/referrals", "referrals.list"),
        ("post", "/referrals/v1/referrals", "referrals.create"),
        ("get", "/referrals/v1/referrals/{referral_id}", "referrals.read"),
        ("post", "/referrals/v1/referrals/{referral_id}/send", "referrals.send"),
        ("post", "/referrals/v1/cases/{case_id}/plan", "referrals.cases.plan.create"),
        ("get", "/referrals/v1/break-glass/{access_id}/case", "referrals.breakGlass.case.read"),
        ("get", "/referrals/v1/withdraw", "referrals.withdraw.read"),
        ("post", "/referrals/v1/withdraw", "referrals.withdraw.submit"),
        (
            "get",
            "/referrals/v1/fhir/ServiceRequest/{referral_id}",
            "referrals.fhir.serviceRequest.read",
        ),
        (
            "put",
            "/directory/v1/services/{service_id}/capacity",
            "directory.services.capacity.set",
        ),
        (
            "patch",
            "/directory/v1/records/services/{service_id}",
            "directory.records.services.change",
        ),
        ("delete", "/referrals/v1/webhooks/{webhook_id}", "referrals.webhooks.remove"),
        ("get", "/directory/v1/", "directory.read"),
        ("post", "/oauth/token", "oauth.token"),
        ("get", "/.well-known/jwks.json", "wellKnown.jwksJson.read"),
    ],
)
def test_each_operation_is_named_by_what_it_does_to_what(method: str, path: str, name: str) -> None:
    assert operation_id(method, path, PATHS) == name
