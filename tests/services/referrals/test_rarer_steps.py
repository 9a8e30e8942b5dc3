"""Steps that few referrals take, each by its own endpoint: waiting, appointment, hold, error."""

from tests.services.referrals.story import Story

LATER = "2099-01-01"
HOLD = {"reason": "documents_missing", "review_on": LATER, "note": "waits for her documents"}


async def test_a_hold_goes_back_to_where_it_came_from(story: Story) -> None:
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}"
    appointment = {
        "appointment_at": "2099-01-01T10:00:00Z",
        "place": "Casa 4",
        "note": "ask for M.",
    }
    states = []
    for step, body in (
        ("schedule", appointment),
        ("hold", HOLD),
        ("resume", {}),
        ("start", {}),
        ("hold", HOLD),
        ("resume", {}),
        ("complete", {"outcome": "delivered"}),
    ):
        states.append((await story.made("ngo-salud", f"{path}/{step}", body))["state"])
    assert states == [
        "scheduled", "on_hold", "scheduled", "in_service", "on_hold", "in_service", "completed",
    ]  # fmt: skip


async def test_nobody_waits_unless_the_person_agreed(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-salud", f"{path}/acknowledge", {})
    unasked = {"expected_on": LATER, "person_agrees": False}
    refused = await story.post("ngo-salud", f"{path}/waitlist", unasked)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/person_agrees"
    waiting = await story.made(
        "ngo-salud", f"{path}/waitlist", {"expected_on": LATER, "person_agrees": True}
    )
    assert waiting["state"] == "waitlisted"
    accepted = await story.made("ngo-salud", f"{path}/accept", {"focal_point": "Dra. M."})
    assert accepted["state"] == "accepted"


async def test_what_was_entered_in_error_moves_no_more(story: Story) -> None:
    referral = await story.accepted()
    path = f"/referrals/{referral['id']}"
    error = {"reason": "wrong_person", "note": "sent for somebody else"}
    foreign = await story.post("ngo-salud", f"{path}/enter-in-error", error)
    assert foreign.status_code == 403
    done = await story.made("ngo-refugio", f"{path}/enter-in-error", error)
    assert done["state"] == "entered_in_error"
    refused = await story.post("ngo-salud", f"{path}/start", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    seen = await story.get("ngo-salud", f"{path}/disclosure")
    assert seen.status_code == 410, seen.text
