"""Opening a case's two sealed columns with its key."""

from typing import Any

from referrals.cases.models import Case, CaseRecord
from referrals.errors import ERASED
from referrals.keys.sealing import open_column

ONLY_THE_CODE = "Only the case code and its history remain."


def open_with(key: bytes, case: Case | CaseRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """Identity and attributes in clear; 410 after erasure."""
    if case.identity is None or case.attributes is None:
        raise ERASED.because(ONLY_THE_CODE)
    owner = case.organisation_id
    return (
        open_column(key, case.identity, organisation=owner, row=case.id, column="identity"),
        open_column(key, case.attributes, organisation=owner, row=case.id, column="attributes"),
    )
