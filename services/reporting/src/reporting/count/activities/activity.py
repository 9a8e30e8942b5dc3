"""A recorded 5W row, and its published form, which contains only numbers from the allow-list."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from reporting.count.activities.codes import activity_codes
from reporting.count.activities.indicators import GROUPS, is_exact

FIELDS = (
    "external_id",
    "report_month",
    "type",
    "activity_code",
    "activity_detail",
    "org_leader",
    "org_leader_type",
    "org_implementer",
    "org_implementer_type",
    "project_code",
    "project_name",
    "adm1_pcode",
    "adm2_pcode",
    "adm3_pcode",
    "tlocation",
    "location_name",
    "start",
    "end",
    "status",
    "quantity",
    *GROUPS,
    "reached",
)
"""The fields that a partner reports, in the order of the workbook's columns."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A recorded 5W row. ``reached`` and the groups count people, ``quantity`` counts units of the type (sessions,
    items, points, institutions). ``masked`` means that numbers or the place were removed."""

    id: UUID
    organisation_id: UUID
    version: int
    changed_at: datetime
    external_id: str
    report_month: date
    type: str
    activity_code: str
    activity_detail: str | None
    org_leader: str
    org_leader_type: str
    org_implementer: str
    org_implementer_type: str
    project_code: str | None
    project_name: str | None
    adm1_pcode: str
    adm2_pcode: str | None
    adm3_pcode: str | None
    tlocation: str | None
    location_name: str | None
    start: date
    end: date | None
    status: str
    quantity: int | None
    women: int | None
    men: int | None
    girls: int | None
    boys: int | None
    other_adults: int | None
    other_children: int | None
    reached: int | None
    masked: bool = False

    @property
    def place(self) -> str:
        """Return the most precise given P-code."""
        return self.adm3_pcode or self.adm2_pcode or self.adm1_pcode


def published(activity: Activity) -> Activity:
    """Return the row as others may see it. This removes numbers of people unless they are allow-listed. An activity
    that serves recipients also loses its parish, place and free text, which could reveal where they are."""
    shown = activity
    if not is_exact(activity.type, activity.activity_code, "reached"):
        shown = replace(
            shown,
            women=None,
            men=None,
            girls=None,
            boys=None,
            other_adults=None,
            other_children=None,
            reached=None,
        )
    if not is_exact(activity.type, activity.activity_code, "quantity"):
        shown = replace(shown, quantity=None)
    code = activity_codes().get(activity.activity_code)
    if code is None or code.counts == "recipients":
        shown = replace(
            shown, adm3_pcode=None, tlocation=None, location_name=None, activity_detail=None
        )
    return shown if shown == activity else replace(shown, masked=True)
