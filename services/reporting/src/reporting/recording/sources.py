"""The events that become facts, by service: consumers read them live, and a rebuild reads them again."""

from common.events.base import Event
from common.events.readers import READ_BY

DURABLE = "reporting"
SOURCES: tuple[tuple[str, tuple[type[Event], ...]], ...] = tuple(
    (producer, readers[DURABLE]) for producer, readers in READ_BY.items() if DURABLE in readers
)
CONSUMERS = tuple(f"{producer}/{DURABLE}" for producer, _ in SOURCES)
"""The inbox's names of these streams' readers."""
