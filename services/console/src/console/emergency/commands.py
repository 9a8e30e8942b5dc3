"""The command that asks. Pure."""

from console.commands import Command, Field

ASK = Command(
    "ask",
    "/referrals/v1/break-glass",
    (Field("case_reference", "text"), Field("reason", "area")),
)
