"""Events of the reporting service."""

from typing import ClassVar
from uuid import UUID

from common.events.base import Event
from common.events.codes import Code


class ReleasePublished(Event):
    SUBJECT: ClassVar[str] = "ruta.reporting.release.published.v1"
    PUBLIC: ClassVar[bool] = True

    release_id: UUID
    programme: Code
    period: str


class ReleaseWithdrawn(Event):
    SUBJECT: ClassVar[str] = "ruta.reporting.release.withdrawn.v1"
    PUBLIC: ClassVar[bool] = True

    release_id: UUID
    programme: Code
    period: str


class BulletinPublished(Event):
    SUBJECT: ClassVar[str] = "ruta.reporting.bulletin.published.v1"
    PUBLIC: ClassVar[bool] = True

    bulletin_id: UUID
    period: str
    languages: tuple[Code, ...]


class BulletinWithdrawn(Event):
    SUBJECT: ClassVar[str] = "ruta.reporting.bulletin.withdrawn.v1"
    PUBLIC: ClassVar[bool] = True

    bulletin_id: UUID
    period: str
