"""A referral from draft to confirmed feedback, as both sides see it."""

from tests.services.referrals.story import SALUD, Story


async def test_a_referral_reaches_its_outcome_and_both_sides_see_it(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    assert referral["state"] == "sent"
    inbox = (await story.get("ngo-salud", "/referrals/inbox")).json()["items"]
    assert [r["id"] for r in inbox] == [referral["id"]]
    seen = (await story.get("ngo-salud", f"{path}/disclosure")).json()
    assert seen["items"]["name"] == "Yolimar Canaria Perdomo"
    assert set(seen["items"]) == {"name", "contact", "situation"}
    for step, body in (
        ("acknowledge", {}),
        ("accept", {"focal_point": "Dra. M."}),
        ("start", {}),
        ("complete", {"outcome": "delivered"}),
    ):
        await story.made("ngo-salud", f"{path}/{step}", body)
    done = await story.made(
        "ngo-refugio", f"{path}/confirm", {"confirmed_by": "person", "agrees": True}
    )
    assert (done["state"], done["feedback_confirmed_by"]) == ("completed", "person")
    history = (await story.get("ngo-refugio", f"{path}/history")).json()
    assert [s["command"] for s in history] == [
        "draft", "send", "acknowledge", "accept", "start", "complete", "confirm",
    ]  # fmt: skip
    events = await story.rows(
        "SELECT type, version FROM outbox WHERE aggregateid = :id ORDER BY version",
        id=referral["id"],
    )
    assert [e.type.split(".")[-2] for e in events] == [
        "sent", "acknowledged", "accepted", "in_service", "completed", "confirmed",
    ]  # fmt: skip


async def test_a_draft_is_invisible_to_the_recipient(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    draft = await story.draft(case["id"], service_id)
    assert (await story.get("ngo-salud", f"/referrals/{draft['id']}")).status_code == 404
    assert (await story.get("ngo-salud", "/referrals/inbox")).json()["items"] == []
    rows = await story.rows("SELECT 1 FROM notices WHERE organisation_id = :o", o=SALUD)
    assert rows == []


async def test_a_case_with_open_referrals_is_not_closed(story: Story) -> None:
    referral = await story.sent()
    close = f"/cases/{referral['case_id']}/close"
    refused = await story.post("ngo-refugio", close, {"reason": "needs_met"})
    assert (refused.status_code, refused.json()["code"]) == (409, "open_referrals")
    assert refused.json()["referral_ids"] == [referral["id"]]
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-refugio", f"{path}/recall", {"reason": "needs_changed"})
    closed = await story.made("ngo-refugio", close, {"reason": "needs_met"})
    assert closed["status"] == "closed"
