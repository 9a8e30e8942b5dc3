"""No list omits rows silently. Each list in the API's description is paged, states how many first rows it returns, or
returns all rows of a set that a rule keeps small."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.front.description.document import combined, operations
from gateway.front.routes import ROUTES
from stack.reference.described import descriptions

ROOT = Path(__file__).parents[2]
DIRECTORY, REFERRALS, REPORTS = "/directory/v1", "/referrals/v1", "/reports/v1"

# The maximum number of rows, which the description states.
FIRST = {
    f"{DIRECTORY}/endorsements/suggestions": 100,
    f"{DIRECTORY}/records/services/{{service_id}}/duplicates": 20,
    f"{DIRECTORY}/services/suggestions": 8,
    f"{REFERRALS}/cases/{{case_id}}/referrals/{{referral_id}}/alternatives": 10,
    f"{REFERRALS}/referrals/{{referral_id}}/alternatives": 10,
    f"{REFERRALS}/calendar": 1000,
}
# Lists that return all rows, with the reason why each stays small.
WHOLE = {
    f"{DIRECTORY}/crosswalks": "publishers of files that one organisation imports",
    f"{DIRECTORY}/gaps": "needs of one area, or of those beneath it",
    f"{DIRECTORY}/pathways/profile-sets": "50 sets of an AoR, checked when one is stored",
    f"{DIRECTORY}/pathways/proposals": "one of each AoR",
    f"{DIRECTORY}/pathways/situations": "a code list",
    f"{DIRECTORY}/pathways/{{pathway_id}}/versions": "versions of one pathway",
    f"{DIRECTORY}/risk-messages": "messages in force, which a coordinator writes by hand",
    f"{DIRECTORY}/risk-messages/own": "messages of an AoR, which its coordinator writes by hand",
    f"{DIRECTORY}/webhooks": "5 of an organisation, checked when one is added",
    f"{REFERRALS}/cases/load": "people of one organisation",
    f"{REFERRALS}/cases/{{case_id}}/assistance": "one case",
    f"{REFERRALS}/cases/{{case_id}}/plan": "one case",
    f"{REFERRALS}/cases/{{case_id}}/plan/suggestions": "needs of an area's published pathways",
    f"{REFERRALS}/cases/{{case_id}}/referrals/{{referral_id}}/history": "one referral",
    f"{REFERRALS}/cases/{{case_id}}/reviews": "one case",
    f"{REFERRALS}/channels": "6 of a person, checked when one is added",
    f"{REFERRALS}/channels/team": "6 of each person of one organisation",
    f"{REFERRALS}/instruments": "200 versions of an organisation, checked when one is stored",
    f"{REFERRALS}/intake/forms": "100 of an organisation, checked when one is added",
    f"{REFERRALS}/line/answers": "a code list",
    f"{REFERRALS}/on-call": "500 shifts of an organisation, checked when one is planned",
    f"{REFERRALS}/protocols": "agreements between operations",
    f"{REFERRALS}/referrals/{{referral_id}}/history": "one referral",
    f"{REFERRALS}/timers/overdue": "AoRs",
    f"{REFERRALS}/timers/overdue/organisations": "organisations",
    f"{REFERRALS}/timers/policies": "a code list",
    f"{REFERRALS}/webhooks": "20 of an organisation, checked when one is added",
    f"{REFERRALS}/work/load": "people of one organisation, by kind of work",
    f"{REPORTS}/activities/indicators": "a code list",
    f"{REPORTS}/activities/progress": "targets of one plan",
    f"{REPORTS}/activities/targets": "targets of one plan",
    f"{REPORTS}/activities/unreported": "organisations",
    f"{REPORTS}/context/milestones/{{milestone_id}}/history": "one milestone",
    f"{REPORTS}/context/series": "series that the IM team loads by hand",
    f"{REPORTS}/context/series/{{code}}": "editions of one series",
    f"{REPORTS}/exports/dhis2/codes": "a code list",
    f"{REPORTS}/programmes": "a code list",
}
PAGED = {"next_cursor", "total_pages", "last_page", "total"}


def lists() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield each list's path, its operation and the schema of its response."""
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        content = operation["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
        reads = method == "get" or path.endswith("/search")
        rows = schema.get("properties", {}).get("items", {})
        if reads and "array" in (schema.get("type"), rows.get("type")):
            yield path, operation, schema


def without_pages() -> dict[str, dict[str, Any]]:
    return {
        path: operation
        for path, operation, schema in lists()
        if not PAGED & schema.get("properties", {}).keys() and path not in NO_LISTS
    }


NO_LISTS = {
    f"{REFERRALS}/consents/{{grant_id}}": "`items` are what the person agreed to share",
    f"{REFERRALS}/exceptions/{{exception_id}}": "`items` are what the exception covers",
}


def test_each_list_has_pages_or_says_how_long_it_is() -> None:
    found = without_pages()
    assert found.keys() == FIRST.keys() | WHOLE.keys()
    for path, most in FIRST.items():
        answer = found[path]["responses"]["200"]
        told = f"{found[path].get('description')} {answer.get('description')}"
        assert str(most) in told, (path, told)


def test_each_paged_list_takes_a_cursor_or_a_page() -> None:
    for path, operation, schema in lists():
        if "next_cursor" in schema.get("properties", {}):
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert {"cursor", "limit"} <= names, path


def test_no_query_cuts_at_a_number_without_a_name() -> None:
    cut = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(ROOT.glob("services/*/src/**/*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "limit"
        and any(isinstance(a, ast.Constant) and isinstance(a.value, int) and a.value > 2 for a in node.args)
    ]  # fmt: skip
    assert cut == [], "a list or a sweep is cut at a number that no rule explains"
