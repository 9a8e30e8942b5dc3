"""Who may publish and read which events: the arrows of the design as data, and as NATS permissions.

The embedded server and the production configuration are both generated from here, so they say
the same.
"""

# producer -> who reads its events
READERS: dict[str, tuple[str, ...]] = {
    "directory": ("referrals", "reporting"),
    "referrals": ("directory", "reporting"),
    "reporting": ("gateway", "referrals"),
}
PRODUCERS = tuple(READERS)
USERS = (*PRODUCERS, "gateway")
# Operations of the IM team: inspect, replay, back up. No service holds it.
OPERATOR = "operator"


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
    publish = ["$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    if user in PRODUCERS:
        publish += [f"ruta.{user}.>", *_own_stream(stream(user))]
    for producer in reads(user):
        publish += _durable(stream(producer), user)
    return {"publish": publish, "subscribe": [f"{inbox_prefix(user)}.>"]}


def _own_stream(name: str) -> list[str]:
    # No DELETE and no PURGE: a service cannot unpublish what it has published.
    # What it has published tells it what its database forgot.
    verbs = ("CREATE", "UPDATE", "INFO", "MSG.GET")
    return [f"$JS.API.STREAM.{verb}.{name}" for verb in verbs]


def _durable(name: str, user: str) -> list[str]:
    """One durable consumer, named after its reader, on another service's stream."""
    return [
        f"$JS.API.STREAM.INFO.{name}",
        f"$JS.API.CONSUMER.CREATE.{name}.{user}",
        f"$JS.API.CONSUMER.CREATE.{name}.{user}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.{name}.{user}",
        f"$JS.API.CONSUMER.INFO.{name}.{user}",
        f"$JS.API.CONSUMER.MSG.NEXT.{name}.{user}",
        f"$JS.ACK.{name}.{user}.>",
    ]
