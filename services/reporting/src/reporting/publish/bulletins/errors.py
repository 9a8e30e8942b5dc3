"""How the bulletin endpoints say no."""

from common.errors import ProblemType

WRONG_STATE = ProblemType(
    "bulletin_state", 409, "The bulletin is not in the state that this step needs"
)
UNFOUNDED = ProblemType(
    "number_in_words",
    422,
    "The text has a number that is not in the bulletin",
    "Write the number as its section shows it, with its interval, or use no number.",
)
UNTRACEABLE = ProblemType(
    "untraceable_number",
    409,
    "A number in the bulletin has no source",
    "Something changed since the draft: draft the bulletin again.",
)
