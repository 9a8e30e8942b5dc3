"""Errors that only the directory raises."""

from common.errors import PROBLEMS

NOT_YOURS = PROBLEMS["not_your_entry"]
WRONG_SECRET = PROBLEMS["wrong_secret"]
TOO_OPEN = PROBLEMS["too_open"]
ILLEGAL_STEP = PROBLEMS["illegal_step"]
UNKNOWN_REFERENCE = PROBLEMS["unknown_reference"]
RESYNC_NEEDED = PROBLEMS["resync_needed"]
TOO_WIDE = PROBLEMS["too_wide"]
UNSAFE_ADDRESS = PROBLEMS["unsafe_address"]
TOO_DEEP = PROBLEMS["too_deep"]
