"""Commands for a person's own channels. Pure."""

from common.words.languages import LANGUAGES

from console.commands import Command, Field

_CHANNELS = "/referrals/v1/channels"
PACES = ("at_once", "digest", "emergencies")
_WISHES = (
    Field("language", "choice", LANGUAGES),
    Field("pace", "choice", PACES),
    Field("digest_at", "clock"),
    Field("quiet_from", "clock"),
    Field("quiet_until", "clock"),
    Field("wakes", "agreed"),
)
ADD = Command(
    "channel",
    _CHANNELS,
    (Field("kind", "choice"), Field("address", "text"), *_WISHES),
)
# Fields of a browser subscription; visitors set its hours later.
PUSH = Command(
    "push",
    _CHANNELS,
    tuple(
        Field(name, "given")
        for name in ("kind", "endpoint", "keys/p256dh", "keys/auth", "language")
    ),
)
CONFIRM = Command("confirm", f"{_CHANNELS}/{{channel_id}}/confirm", (Field("code", "text"),))
CODE = Command("code", f"{_CHANNELS}/{{channel_id}}/code")
WISHES = Command("wishes", f"{_CHANNELS}/{{channel_id}}/wishes", _WISHES, method="put")
# Empty dates mean that the person is back.
AWAY = Command(
    "away",
    f"{_CHANNELS}/away",
    (Field("away_from", "date"), Field("away_until", "date")),
    method="put",
)
REMOVE = Command("remove", f"{_CHANNELS}/{{channel_id}}", method="delete")
