"""What documents say of their organisation, as text that tells one from another."""

from dataclasses import dataclass, field

from directory.ground.hsds.given import Given
from directory.ground.hsds.schemas import OrganizationDocument


@dataclass(frozen=True, slots=True)
class SaidOnce:
    """Of an object that many documents of a batch share it is written once."""

    _known: dict[int, tuple[OrganizationDocument, str]] = field(default_factory=dict)

    def of(self, document: Given) -> str | None:
        organization = document.organization
        if organization is None:
            return None
        known = self._known.get(id(organization))
        if known is None:
            # With the object kept, its number stays its own.
            known = self._known[id(organization)] = (organization, organization.model_dump_json())
        return known[1]
