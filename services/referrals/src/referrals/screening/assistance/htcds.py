"""A case in HTCDS 2.0 fields (IOM/UNMigration, CC BY 4.0): codes and dates, no identity. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from common.words.places import Places

GENDERS = {"female": "Feminine", "male": "Masculine", "other": "NonConforming"}
EXPLOITATION = (
    "ForcedLabour", "SexualExploitation", "ChildLabour", "ForcedMarriage", "Servitude",
    "ForcedMilitaryByNonStateActors", "OrganRemoval", "ForcedBegging", "ForcedAdoption",
    "Surrogacy", "Other",
)  # fmt: skip
# Purposes in the screening instrument; reporting has the same table for its counts.
FROM_PURPOSE = {
    "purpose.prostitution_others": "SexualExploitation",
    "purpose.sexual": "SexualExploitation",
    "purpose.forced_labour": "ForcedLabour",
    "purpose.slavery": "Servitude",
    "purpose.servitude": "Servitude",
    "purpose.debt_bondage": "ForcedLabour",
    "purpose.organs": "OrganRemoval",
    "purpose.begging": "ForcedBegging",
    "purpose.irregular_adoption": "ForcedAdoption",
    "purpose.servile_marriage": "ForcedMarriage",
    "purpose.armed_groups": "ForcedMilitaryByNonStateActors",
    "purpose.mining": "ForcedLabour",
}
_EVENT_TYPES = (("origin", "Recruitment"), ("transit", "Transit"), ("destination", "Exploitation"))


def exploitation_code(code: str) -> str:
    """Return the HTCDS code. Anything without a code in the standard is `Other`."""
    return code if code in EXPLOITATION else FROM_PURPOSE.get(code, "Other")


def case_status(status: str, closure_reason: str | None, review_due: date | None) -> str:
    if status == "closed":
        return "ClosedReferred" if closure_reason == "transferred" else "Closed"
    return "FollowUp" if review_due is not None else "Active"


def record(
    *,
    reference: str,
    status: str,
    closure_reason: str | None,
    review_due: date | None,
    attributes: Mapping[str, Any],
    plan: Sequence[Mapping[str, Any]],
    route: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return one case. `plan`: support_type, planned_end, ended_on; `route`: origin, transit, destination."""
    exploitation = {exploitation_code(each) for each in attributes.get("exploitation_types") or ()}
    nationality = attributes.get("nationality")
    return {
        "case_reference": reference,
        "prs_Gender": GENDERS.get(attributes.get("sex") or "", "NonSpecifiedUnknown"),
        "prs_Citizenship": [nationality] if nationality else [],
        "vic_TypeOfExploitation": sorted(exploitation),
        "cas_Status": case_status(status, closure_reason, review_due),
        "cas_ReasonForCaseClosure": closure_reason,
        "con_Consent": True,
        "support_plans": [
            {
                "spl_Type": item["support_type"],
                "spl_PlannedEndDate": _day(item["planned_end"]),
                "spl_ActualEndDate": _day(item["ended_on"]),
            }
            for item in plan
        ],
        "historic_trafficking_events": list(_events(route or {})),
    }


def _events(route: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    places = Places.load()
    found = []
    for name, kind in _EVENT_TYPES:
        given = route.get(name) or []
        for pcode in given if isinstance(given, list) else [given]:
            lineage = [pcode, *places.ancestors(pcode)]
            found.append(
                {
                    "hte_Type": kind,
                    "hte_Country": lineage[-1],
                    "hte_State": places.require(lineage[-2]).name if len(lineage) > 1 else None,
                }
            )
    return found


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
