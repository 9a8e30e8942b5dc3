"""While the reason for a decline lasts, Ruta does not offer the same service again for that person and need."""

from datetime import timedelta

from common import clock

from tests.services.referrals.story import Story


async def test_a_decliner_is_offered_again_after_a_lack_of_capacity_alone(story: Story) -> None:
    for reason, later in (("capacity", True), ("eligibility", False), ("safety", False)):
        referral = await story.sent()
        assert referral["offer_again"] is None
        path = f"/referrals/{referral['id']}"
        declined = await story.made("ngo-salud", f"{path}/decline", {"reason": reason})
        assert declined["offer_again"] is False
        with clock.shifted(timedelta(days=8)):
            view = (await story.get("ngo-refugio", path)).json()
            assert view["offer_again"] is later, reason
