"""What of the last words is not in the list yet."""

import sqlalchemy as sa
from sqlmodel import col

from referrals.restrictions.models import Restriction

UNTOLD = col(Restriction.told_at).is_(None)


def any_untold() -> sa.Exists:
    return sa.exists().where(UNTOLD)
