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
CSRF = ProblemType(
    "csrf",
    403,
    "This request did not come from Ruta's own pages",
    "Send the X-CSRF-Token that GET /session gave you, from the same site.",
)
UPSTREAM_TIMEOUT = ProblemType(
    "upstream_timeout",
    504,
    "A service took too long to answer",
    "Repeat the request with the same Idempotency-Key.",
)
