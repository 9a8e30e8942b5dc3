"""HTTP routes for withdrawing a consent, by the organisation that recorded it or by the person alone."""

from typing import Annotated
from uuid import UUID

from common.auth import Principal
from common.http import Session, open_to_all, router
from fastapi import Response

from referrals.case.consents.schemas import (
    Consent,
    DisclosureRead,
    MissingReadings,
    OwnWithdrawal,
    RecordRead,
    ToldOfReadings,
    Withdrawal,
    WithdrawnConsent,
)
from referrals.ground.dependencies import Keys, Writer
from referrals.referral.referrals import withdrawal
from referrals.referral.referrals.readers import ReadingRoad
from referrals.referral.referrals.withdrawal import Withdrawn

of_consent = router("/referrals/v1/consents/{grant_id}/withdraw", ["consents"])
withdrawals = router("/referrals/v1/withdrawals", ["consents"])
Anyone = Annotated[Principal, open_to_all()]


@of_consent.post("")
async def withdraw_consent(
    grant_id: UUID, body: Withdrawal, session: Session, caller: Writer, keys: Keys
) -> WithdrawnConsent:
    """Record that the person withdraws the consent. Reading stops now, and open referrals under it end."""
    withdrawn = await withdrawal.withdraw_grant(
        session, caller, keys, grant_id, body.method, body.withdrawn_at
    )
    return WithdrawnConsent(
        **Consent.model_validate(withdrawn.grant, from_attributes=True).model_dump(),
        **_told(withdrawn).model_dump(),
        referrals_ended=withdrawn.referrals_ended,
    )


@withdrawals.post("")
async def withdraw_with_own_code(
    body: OwnWithdrawal, session: Session, _anyone: Anyone, keys: Keys, response: Response
) -> ToldOfReadings:
    """Withdraw a consent with the code that the person received with it, without an account."""
    response.headers["Cache-Control"] = "no-store"
    return _told(await withdrawal.withdraw_by_code(session, keys, body.code))


def _told(withdrawn: Withdrawn) -> ToldOfReadings:
    already, whole = [], []
    for read in withdrawn.reads:
        common = {"organisation_id": read.organisation_id, "at": read.at}
        if read.road is ReadingRoad.REFERRAL:
            already.append(
                DisclosureRead(referral_id=read.target_id, items=list(read.items), **common)
            )
        else:
            whole.append(RecordRead(road=read.road.value, **common))
    return ToldOfReadings(
        already_read=already,
        record_read=whole,
        readings_missing=[
            MissingReadings(since=each.kept_until, until=each.at) for each in withdrawn.restores
        ],
        goes_on_reading=withdrawn.goes_on,
        ended_before=withdrawn.ended_before,
    )
