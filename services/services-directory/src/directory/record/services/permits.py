"""Rules for who may write an entry."""

from typing import Any

from common.auth import Principal
from common.errors import NOT_FOUND

from directory.errors import NOT_YOURS
from directory.ground.entries.states import curates
from directory.record.organizations import rights as organizations
from directory.record.records.rights import Scope, may_read, owns, scope_of


def check_may_write(caller: Principal, scope: Scope, organization: Any, row: Any) -> None:
    """Raise 403 unless the caller may write. An existing entry requires its owner or curator. A new entry must belong
    to the caller's organisation."""
    if curates(caller, scope.aors, scope.states) and (row is None or may_read(caller, row)):
        return
    if row is not None and not may_read(caller, row):
        raise NOT_FOUND.because("no_service_record_has_this_id")
    if not organizations.owns(caller, organization) or (
        row is not None and not owns(caller, scope_of(row))
    ):
        raise NOT_YOURS.because(
            "your_client_enters_services_of_its_own", pointer="/organization_id"
        )
