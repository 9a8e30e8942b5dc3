"""A service as sent by a client, in the form that is stored."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from directory.ground.hsds.schemas import OrganizationDocument, ServiceDocument

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """`document` excludes the organisation."""

    document: Document
    organization: OrganizationDocument | None = None

    @classmethod
    def of(cls, sent: ServiceDocument) -> "Given":
        return cls(sent.plain(without=("organization",)), sent.organization)

    @property
    def id(self) -> UUID | None:
        return _uuid(self.document.get("id"))

    @property
    def organization_id(self) -> UUID | None:
        return _uuid(self.document.get("organization_id"))

    @property
    def places(self) -> set[UUID]:
        """Return the ids of all places, whether embedded or only referenced."""
        sites = self.document.get("service_at_locations", ())
        named = (
            site["location"].get("id") if "location" in site else site.get("location_id")
            for site in sites
        )
        return {UUID(each) for each in named if each}

    @property
    def sites(self) -> set[UUID]:
        sites = self.document.get("service_at_locations", ())
        return {UUID(site["id"]) for site in sites if "id" in site}

    def plain(self) -> Document:
        """Return the whole document, with its organisation."""
        if self.organization is None:
            return self.document
        return {**self.document, "organization": self.organization.plain()}


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
