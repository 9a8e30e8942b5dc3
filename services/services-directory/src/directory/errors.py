"""Problems that only the directory has."""

from common.errors import ProblemType

NOT_YOURS = ProblemType(
    "not_your_entry",
    403,
    "This entry belongs to another organisation",
    "Ask its owner or the coordinator of its area of responsibility to change it.",
)
WRONG_SECRET = ProblemType(
    "wrong_secret",
    403,
    "Only the operation's gateway passes messages on",
    "Send the secret that the operation has set for its gateway, in the body.",
)
TOO_OPEN = ProblemType(
    "too_open",
    422,
    "This would show more than is safe",
    "Raise the visibility that the pointer names, or leave the exact place out.",
)
ILLEGAL_STEP = ProblemType(
    "illegal_step",
    409,
    "This step is not possible now",
    "The detail names the steps that are possible.",
)
UNKNOWN_REFERENCE = ProblemType(
    "unknown_reference", 422, "Something that this refers to does not exist"
)
RESYNC_NEEDED = ProblemType(
    "resync_needed",
    410,
    "Your copy cannot be brought up to date from this cursor",
    "Take a new snapshot at /directory/v1/sync/snapshot.",
)
TOO_WIDE = ProblemType(
    "too_wide",
    422,
    "The search is too broad",
    "Say more: a place (`area`, or `near` with `radius`), a need (`category`) or another word.",
)
TOO_DEEP = ProblemType(
    "too_deep",
    422,
    "This page is too far down the list",
    "Narrow the list; for all entries ask `format=ndjson`, or keep a copy by /directory/v1/sync.",
)
