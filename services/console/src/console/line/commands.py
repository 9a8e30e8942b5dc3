"""Commands of the desk. Pure."""

from common.words.choices import offered

from console.commands import Command, Field

_REPORT = "/referrals/v1/line/reports/{report_id}"
_HANDED = "/referrals/v1/line/handed-over/{report_id}"
BASES = ("vital_interest", "best_interest", "mandatory_report")
ANSWER = Command("answer", f"{_REPORT}/messages", (Field("text", "area"),))
TAKE = Command("take", f"{_REPORT}/take")
REROUTE = Command("reroute", f"{_REPORT}/reroute", (Field("kind", "pick"), Field("area", "place")))
IMPLICATED = Command(
    "implicated",
    f"{_REPORT}/implicated-organisations",
    (Field("organisation_ids", "several"),),
    method="put",
)
SPAM = Command("spam", f"{_REPORT}/spam")
NOT_SPAM = Command("not-spam", f"{_REPORT}/not-spam")
EXCEPTION = Command(
    "exception",
    f"{_REPORT}/exceptions",
    (Field("organisation_id", "pick"), Field("basis", "choice", BASES), Field("rationale", "area")),
)
HAND_OVER = Command(
    "hand-over",
    f"{_REPORT}/hand-over",
    (Field("organisation_id", "pick"), Field("exception_id", "given")),
)
CLOSE = Command(
    "close",
    f"{_REPORT}/close",
    (
        Field(
            "reason",
            "choice",
            offered("close", "line"),
        ),
    ),
)
GIVE_BACK = Command(
    "give-back",
    f"{_HANDED}/give-back",
    (Field("reason", "choice", offered("decline", "line")),),
)
