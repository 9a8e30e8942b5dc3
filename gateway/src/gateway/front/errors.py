"""What the front itself refuses, beside the problem types that all of Ruta shares."""

from common.errors import ProblemType

HEAD_TOO_LARGE = ProblemType(
    "head_too_large", 431, "The request head is too large", "Send fewer or shorter headers."
)
REQUEST_TIMEOUT = ProblemType(
    "request_timeout",
    408,
    "The request did not arrive in time",
    "Repeat it with the same Idempotency-Key; send large files over a better connection.",
)
SIGN_IN_STALE = ProblemType(
    "sign_in_stale",
    400,
    "This sign-in began in another browser, or too long ago",
    "Begin again at /session/start.",
)
UPSTREAM_TIMEOUT = ProblemType(
    "upstream_timeout",
    504,
    "A service took too long to answer",
    "Repeat the request with the same Idempotency-Key.",
)
