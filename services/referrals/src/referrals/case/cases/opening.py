"""Opening a case's two sealed columns with its key. Pure."""

from typing import Any, Protocol
from uuid import UUID

from referrals.errors import ERASED
from referrals.ground.keys.sealing import open_column


class Sealed(Protocol):
    """A case, as a row or as a record."""

    @property
    def id(self) -> UUID: ...
    @property
    def organisation_id(self) -> UUID: ...
    @property
    def identity(self) -> bytes | None: ...
    @property
    def attributes(self) -> bytes | None: ...


def open_with(key: bytes, case: Sealed) -> tuple[dict[str, Any], dict[str, Any]]:
    """Identity and attributes in clear; 410 after erasure."""
    if case.identity is None or case.attributes is None:
        raise ERASED.because("only_case_code_and_its_history_remain")
    owner = case.organisation_id
    return (
        open_column(key, case.identity, organisation=owner, row=case.id, column="identity"),
        open_column(key, case.attributes, organisation=owner, row=case.id, column="attributes"),
    )
