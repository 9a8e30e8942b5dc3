"""Who may publish and read which events: the arrows of the design as data, as NATS accounts and permissions.

The embedded server and the production configuration are both generated from here, so they say
the same. Each service has an account of its own: what it publishes and what it asks for reaches the streams by the
imports of that account, and every reply stays in it. In one account for all, a service could have any reply of the server
written to a subject of another.
"""

from collections.abc import Iterable, Mapping

# producer -> who reads its events (`common.events.readers` names the kinds)
READERS: dict[str, tuple[str, ...]] = {
    "directory": ("referrals", "reporting"),
    "referrals": ("directory", "reporting"),
    "reporting": (),
}
PRODUCERS = tuple(READERS)
USERS = PRODUCERS
# Operations of the IM team: make streams, inspect, replay, back up. No service holds it.
OPERATOR = "operator"
STREAMS_ACCOUNT = "RUTA"
"""Of the streams, their operator, and readers outside."""
_REQUESTS = "$JS.API.>"


def outside(reader: str) -> str:
    """The user of a reader outside, for example of another cluster."""
    return f"outside-{reader}"


def outside_permissions() -> dict[str, object]:
    """Publishing nothing, it asks JetStream for nothing either and names no address that the server would
    then send to."""
    from common.events.catalogue import public  # noqa: PLC0415 - whoever keeps servers running asks for no event

    return {"publish": {"deny": [">"]}, "subscribe": list(public())}


def stream(producer: str) -> str:
    return f"RUTA_{producer.upper()}"


def inbox_prefix(user: str) -> str:
    """Replies to one user arrive where no other user may listen."""
    return f"_INBOX.{user}"


def reads(user: str) -> tuple[str, ...]:
    return tuple(producer for producer, readers in READERS.items() if user in readers)


def permissions(user: str) -> dict[str, list[str]]:
    """NATS subjects that `user` may publish to and subscribe to; everything else is denied."""
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
    """The server's accounts. `users`: name, password and what else the server is told of each."""
    services = [name for name in users if name != OPERATOR]
    here = [users[OPERATOR]] if OPERATOR in users else []
    found: dict[str, object] = {
        STREAMS_ACCOUNT: {
            "jetstream": "enabled",
            "users": [*here, *outside_users],
            "exports": [
                # A question may have several answers: a batch of events, each for itself.
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
    """Subjects of the streams' account to which this user writes: its own events, and its read positions."""
    return [f"ruta.{user}.>", *(f"$JS.ACK.{stream(each)}.{user}.>" for each in reads(user))]


def _requests(user: str) -> list[str]:
    """No CREATE, UPDATE, DELETE or PURGE: streams and readers are the operator's, what was published stays.

    What it has published tells a service what its database forgot.
    """
    own = [f"$JS.API.STREAM.{verb}.{stream(user)}" for verb in ("INFO", "MSG.GET")]
    reading = (
        f"$JS.API.CONSUMER.{verb}.{stream(producer)}.{user}"
        for producer in reads(user)
        for verb in ("INFO", "MSG.NEXT")
    )
    return [*own, *reading]
