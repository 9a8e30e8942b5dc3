"""HTTP of taking a consent back: by the organisation that recorded it, or by the person alone."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from common.auth import Principal
from common.web import Session, open_to_all, router
from fastapi import Response

from referrals.audit.models import AuditEntry
from referrals.consents.schemas import (
    Consent,
    DisclosureRead,
    OwnWithdrawal,
    Withdrawal,
    WithdrawnConsent,
)
from referrals.dependencies import Keys, Writer
from referrals.referrals import withdrawal

of_consent = router("/referrals/v1/consents/{grant_id}/withdraw", ["consents"])
withdrawals = router("/referrals/v1/withdrawals", ["consents"])
Anyone = Annotated[Principal, open_to_all()]


@of_consent.post("")
async def withdraw_consent(
    grant_id: UUID, body: Withdrawal, session: Session, caller: Writer, keys: Keys
) -> WithdrawnConsent:
    """The person takes it back: reading stops now, open referrals under it end."""
    grant, reads, ended = await withdrawal.withdraw_grant(
        session, caller, keys, grant_id, body.method, body.withdrawn_at
    )
    return WithdrawnConsent(
        **Consent.model_validate(grant, from_attributes=True).model_dump(),
        already_read=_reads(reads),
        referrals_ended=ended,
    )


@withdrawals.post("")
async def withdraw_with_own_code(
    body: OwnWithdrawal, session: Session, _anyone: Anyone, keys: Keys, response: Response
) -> dict[str, list[DisclosureRead]]:
    """The person withdraws with the code that came with the consent, without any account."""
    response.headers["Cache-Control"] = "no-store"
    _, reads = await withdrawal.withdraw_by_code(session, keys, body.code)
    return {"already_read": _reads(reads)}


def _reads(entries: Sequence[AuditEntry]) -> list[DisclosureRead]:
    return [
        DisclosureRead(
            referral_id=entry.target_id,
            organisation_id=entry.organisation_id,
            at=entry.at,
            items=entry.detail.get("items", []),
        )
        for entry in entries
    ]
