"""Outbox, relay and inbox: PostgreSQL is the record, and NATS is a transport that may lose or repeat events."""

from common.messaging.connection import Broker
from common.messaging.consumer import TOGETHER, Consumer, Subscription
from common.messaging.erasure import forget_in_dead_letters, forget_persons
from common.messaging.outbox import append
from common.messaging.relay import Relay
from common.messaging.said_before import SaidBefore

__all__ = [
    "TOGETHER",
    "Broker",
    "Consumer",
    "Relay",
    "SaidBefore",
    "Subscription",
    "append",
    "forget_in_dead_letters",
    "forget_persons",
]
