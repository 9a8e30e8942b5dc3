"""Refuses attachments for now and points to the alternative."""

from uuid import UUID

from common.http import Session, router

from referrals.errors import ATTACHMENTS_REFUSED
from referrals.ground.dependencies import Writer
from referrals.referral.referrals import queries

attachments = router("/referrals/v1/referrals/{referral_id}/attachments", ["referrals"])


@attachments.post("")
async def refuse_attachment(referral_id: UUID, session: Session, caller: Writer) -> None:
    """Always refuse with 415: Ruta cannot check a file for content that the person did not agree to share."""
    await queries.one(session, caller, referral_id)
    raise ATTACHMENTS_REFUSED.because("file_may_hold_more_than_person_agreed")
