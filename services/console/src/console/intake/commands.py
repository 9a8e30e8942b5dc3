"""Quarantine commands. Pure."""

from console.commands import Command, Field

_SUBMISSION = "/referrals/v1/intake/submissions/{submission_id}"
RETRY = Command("retry", f"{_SUBMISSION}/retry")
DISCARD = Command("discard", f"{_SUBMISSION}/discard")
MAPPING = Command(
    "mapping",
    "/referrals/v1/intake/forms/{form_id}",
    (Field("name", "given"), Field("instrument_id", "given")),
    method="put",
)
