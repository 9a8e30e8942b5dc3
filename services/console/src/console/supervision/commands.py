"""Supervisors' commands about people. Pure."""

from common.words.choices import offered

from console.commands import Command, Field

TEAM = Command(
    "team",
    "/referrals/v1/services/{service_id}/team",
    (Field("clients", "several"),),
    method="put",
)
CERTIFY = Command(
    "certify",
    "/referrals/v1/certificates",
    (Field("holder", "pick"), Field("certified_on", "date"), Field("valid_until", "date")),
)
REVOKE = Command(
    "revoke",
    "/referrals/v1/certificates/{certificate_id}/revoke",
    (Field("reason", "choice", offered("revoke", "training")),),
)
TRAINING = Command(
    "training",
    "/referrals/v1/trainings",
    (
        Field("topic", "pick"),
        Field("area", "place"),
        Field("starts_on", "date"),
        Field("ends_on", "date"),
        Field("sessions", "number"),
        Field("women", "number"),
        Field("men", "number"),
        Field("others", "number"),
    ),
)
SHIFT = Command(
    "shift",
    "/referrals/v1/on-call",
    (
        Field("person", "pick"),
        Field("rank", "number"),
        Field("starts_at", "moment"),
        Field("ends_at", "moment"),
    ),
)
NO_SHIFT = Command("no-shift", "/referrals/v1/on-call/{shift_id}", method="delete")
