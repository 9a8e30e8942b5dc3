"""Commands of a case plan. Pure."""

from console.commands import Command, Field

_CASE = "/referrals/v1/cases/{case_id}"
ADD = Command(
    "add",
    f"{_CASE}/plan",
    (Field("need", "pick"), Field("objective", "area"), Field("planned_end", "date")),
)
SUGGESTED = Command(
    "suggested",
    f"{_CASE}/plan",
    (
        Field("need", "given"),
        Field("support_type", "given"),
        Field("pathway_id", "given"),
        Field("step", "given"),
    ),
)
EDIT = Command(
    "edit",
    f"{_CASE}/plan/{{item_id}}",
    (
        Field("expected_version", "given"),
        Field("objective", "area"),
        Field("planned_end", "date"),
    ),
    method="put",
)
STATUS = Command(
    "status",
    f"{_CASE}/plan/{{item_id}}/status",
    (
        Field("status", "choice", ("planned", "in_progress", "met", "dropped")),
        Field(
            "reason", "choice", ("person_ended", "not_available", "not_needed", "moved", "other")
        ),
    ),
)
GIVEN = Command(
    "given",
    f"{_CASE}/assistance",
    (
        Field("support_type", "pick"),
        Field("given_on", "date"),
        Field("plan_item_id", "pick"),
        Field("modality", "choice", ("cash", "voucher")),
        Field("amount_band", "pick"),
        Field("note", "area"),
    ),
)
IN_ERROR = Command("in-error", f"{_CASE}/assistance/{{assistance_id}}/entered-in-error")
REVIEW = Command("review", f"{_CASE}/reviews", (Field("due_on", "date"),))
DONE = Command(
    "done",
    f"{_CASE}/reviews/{{review_id}}/done",
    (
        Field("outcome", "choice", ("continue", "change_plan", "ready_to_close", "not_reached")),
        Field("next_due_on", "date"),
        Field("note", "area"),
    ),
)
