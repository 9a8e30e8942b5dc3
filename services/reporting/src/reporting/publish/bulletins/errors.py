"""How the bulletin endpoints say no."""

from common.errors import ProblemType

WRONG_STATE = ProblemType(
    "bulletin_state", 409, "The bulletin is not in the state that this step needs"
)
UNFOUNDED = ProblemType(
    "number_in_words",
    422,
    "A number in the words is none of the bulletin's",
    "Write a number as it stands in its section, with its interval, or say it without a number.",
)
UNTRACEABLE = ProblemType(
    "untraceable_number",
    409,
    "A number of the bulletin does not trace to its source",
    "Something changed since the draft: draft the bulletin again.",
)
