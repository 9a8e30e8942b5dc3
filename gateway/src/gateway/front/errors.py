"""Errors that the front itself returns. `common` defines the shared problem types."""

from common.errors import PROBLEMS

HEAD_TOO_LARGE = PROBLEMS["head_too_large"]
REQUEST_TIMEOUT = PROBLEMS["request_timeout"]
SIGN_IN_STALE = PROBLEMS["sign_in_stale"]
UPSTREAM_TIMEOUT = PROBLEMS["upstream_timeout"]
