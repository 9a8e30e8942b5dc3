"""What is, or was, shared with the recipient of a referral, as the decision is asked about it."""

from collections.abc import Collection

from referrals.consents.decision import Move, Road
from referrals.referrals.models import Referral


def move_of(
    road: Road,
    referral: Referral,
    *,
    items: Collection[str] | None = None,
    texts: Collection[str] = (),
    shared: bool = True,
) -> Move:
    return Move(
        road,
        referral.case_id,
        service_id=referral.service_id,
        organisation_id=referral.to_organisation,
        purpose=referral.category,
        items=items,
        texts=texts,
        shared=shared,
    )
