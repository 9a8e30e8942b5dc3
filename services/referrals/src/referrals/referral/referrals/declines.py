"""Whether a service that declined may be offered to the same person for the same need. Pure."""

from datetime import datetime, timedelta

ASK_AGAIN_AFTER: dict[str, timedelta] = {"capacity": timedelta(days=7)}
"""By the reason; a service that declined for another reason is not offered again."""


def may_offer_again(reason: str | None, declined_at: datetime, now: datetime) -> bool:
    wait = ASK_AGAIN_AFTER.get(reason or "")
    return wait is not None and declined_at + wait <= now
