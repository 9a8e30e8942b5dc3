"""The base class of all events: a versioned subject and strict data."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

PREFIX = "ruta"
_REGISTRY: dict[str, type["Event"]] = {}


class Event(BaseModel):
    """The base of all event classes. A subclass is registered under its `SUBJECT`. Data may only gain optional fields.
    A breaking change needs a new class with a new version, published alongside the old one. Readers ignore unknown
    fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    SUBJECT: ClassVar[str] = ""
    PERSONAL: ClassVar[frozenset[str]] = frozenset()
    """Fields with information about a person. An erasure removes them; an event that requires one of them is
    deleted."""

    PUBLIC: ClassVar[bool] = False
    """Everybody may read this event, so other clusters may subscribe to it."""

    version: int

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "SUBJECT" in cls.__dict__ and cls.SUBJECT:
            if cls.SUBJECT in _REGISTRY:
                raise TypeError(f"two event classes for {cls.SUBJECT}")
            _REGISTRY[cls.SUBJECT] = cls

    def about(self) -> tuple[str, UUID]:
        """Return the kind and id of the aggregate: the event's first id field."""
        name = next(each for each in type(self).model_fields if each.endswith("_id"))
        return name.removesuffix("_id"), getattr(self, name)

    @classmethod
    def producer(cls) -> str:
        """Return the service that publishes the event, which is the second part of the subject."""
        return cls.SUBJECT.split(".")[1]


def registered() -> dict[str, type[Event]]:
    """Return all event classes by subject, once their modules are imported (see `catalogue`)."""
    return dict(_REGISTRY)
