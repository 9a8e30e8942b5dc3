"""Rules for who may publish and read which events: the arrows of the design, as NATS accounts and permissions.

The configurations of the embedded and the production server are both generated from this module, so they agree. Each
service has its own account. Its events and requests reach the streams through the account's imports, and every reply
stays in the account. In a shared account, a service could make the server write any reply to another service's subject.
"""

from collections.abc import Iterable, Mapping

# producer -> services that read its events (`common.events.readers` lists the kinds)
READERS: dict[str, tuple[str, ...]] = {
    "directory": ("referrals", "reporting"),
    "referrals": ("directory", "reporting"),
    "reporting": (),
}
PRODUCERS = tuple(READERS)
USERS = PRODUCERS
# The IM team's user, which creates streams, inspects, replays and backs up. No service has its password.
OPERATOR = "operator"
STREAMS_ACCOUNT = "RUTA"
"""The account of the streams, their operator, and outside readers."""
_REQUESTS = "$JS.API.>"


def outside(reader: str) -> str:
    """Return the user of an outside reader, for example in another cluster."""
    return f"outside-{reader}"


def outside_permissions() -> dict[str, object]:
    """Return the permissions of an outside reader. It publishes nothing, so it cannot send JetStream requests or choose
    the subject of a reply."""
    from common.events.catalogue import public  # noqa: PLC0415 - whoever keeps servers running asks for no event

    return {"publish": {"deny": [">"]}, "subscribe": list(public())}


def stream(producer: str) -> str:
    return f"RUTA_{producer.upper()}"


def inbox_prefix(user: str) -> str:
    """Return the prefix of a user's replies. No other user may subscribe to it."""
    return f"_INBOX.{user}"


def reads(user: str) -> tuple[str, ...]:
    return tuple(producer for producer, readers in READERS.items() if user in readers)


def permissions(user: str) -> dict[str, list[str]]:
    """Return the NATS subjects that `user` may publish and subscribe to; all others are denied."""
    if user == OPERATOR:
        return {"publish": [">"], "subscribe": [">"]}
    return {
        "publish": [*_reached(user), *_requests(user)],
        "subscribe": [f"{inbox_prefix(user)}.>"],
    }


def accounts(
    users: Mapping[str, Mapping[str, object]],
    outside_users: Iterable[Mapping[str, object]] = (),
) -> dict[str, object]:
    """Return the server's accounts. `users` contains the name, password and further settings of each user."""
    services = [name for name in users if name != OPERATOR]
    here = [users[OPERATOR]] if OPERATOR in users else []
    found: dict[str, object] = {
        STREAMS_ACCOUNT: {
            "jetstream": "enabled",
            "users": [*here, *outside_users],
            "exports": [
                # A request may get several replies, because a batch delivers each event separately.
                {
                    "service": _REQUESTS,
                    "response": "stream",
                    "accounts": [*map(_account, services)],
                },
                *(
                    {"service": subject, "accounts": [_account(name)]}
                    for name in services
                    for subject in _reached(name)
                ),
            ],
        }
    }
    for name in services:
        subjects = [_REQUESTS, *_reached(name)]
        found[_account(name)] = {
            "users": [users[name]],
            "imports": [
                {"service": {"account": STREAMS_ACCOUNT, "subject": subject}}
                for subject in subjects
            ],
        }
    return found


def _account(user: str) -> str:
    return user.upper()


def _reached(user: str) -> list[str]:
    """Return the subjects in the streams' account to which this user writes: its own events, and acknowledgements."""
    return [f"ruta.{user}.>", *(f"$JS.ACK.{stream(each)}.{user}.>" for each in reads(user))]


def _requests(user: str) -> list[str]:
    """Return the requests that a user may send. CREATE, UPDATE, DELETE and PURGE are missing, because only the operator
    manages streams and consumers, and published events must remain. A service can read its own stream to find events
    that its database has lost."""
    own = [f"$JS.API.STREAM.{verb}.{stream(user)}" for verb in ("INFO", "MSG.GET")]
    reading = (
        f"$JS.API.CONSUMER.{verb}.{stream(producer)}.{user}"
        for producer in reads(user)
        for verb in ("INFO", "MSG.NEXT")
    )
    return [*own, *reading]
