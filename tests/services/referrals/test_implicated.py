"""Once an organisation is marked as implicated, it receives nothing about the case. It sees an ordinary recall and
cannot tell that it was accused."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI

from tests.services.referrals.readable_routes import alike, walk
from tests.services.referrals.story import LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_scenarios import code, transfer_offer

SUPERVISOR: dict[str, Any] = {"roles": ["partner", "caseworker", "supervisor"]}


async def mark(story: Story, case_id: str, *who: Any, by: str = "ngo-refugio") -> None:
    body = {"organisation_ids": [str(each) for each in who]}
    response = await story.call(by, "PUT", f"/cases/{case_id}/implicated-organisations", body)
    assert response.status_code == 200, response.text


async def completed(story: Story, **changes: Any) -> dict[str, Any]:
    referral = await story.accepted(**changes)
    return await story.made(
        "ngo-salud", f"/referrals/{referral['id']}/complete", {"outcome": "delivered"}
    )


SUMS = {"/work/count", "/work/load"}
"""Of both stories together: the length of `/work`, which is compared, as test_every_list says."""


async def recalled(story: Story, referral: dict[str, Any]) -> None:
    await story.made("ngo-refugio", f"/referrals/{referral['id']}/recall", {"reason": "no_answer"})


async def recalled_and_withdrawn(story: Story, referral: dict[str, Any]) -> None:
    await recalled(story, referral)
    await withdrawn(story, referral)


async def withdrawn(story: Story, referral: dict[str, Any]) -> None:
    await story.made("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw", {})


async def life_goes_on(story: Story, referral: dict[str, Any]) -> None:
    """Take later steps of the case, which must not reach the implicated organisation."""
    case_id, path = referral["case_id"], f"/referrals/{referral['id']}"
    await story.post("ngo-refugio", f"{path}/confirm", {"confirmed_by": "person", "agrees": True})
    offer = await transfer_offer(story, case_id, LEGAL)
    transfer = await story.made("ngo-refugio", "/transfers", offer)
    await story.made("ngo-legal", f"/transfers/{transfer['id']}/accept", {})
    await story.made("ngo-legal", f"/consents/{referral['grant_id']}/withdraw", {})
    await story.post("ngo-legal", f"{path}/enter-in-error", {"reason": "other"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begun", "ordinary_end"),
    [
        (Story.sent, recalled_and_withdrawn),
        (Story.accepted, recalled_and_withdrawn),
        (completed, withdrawn),
    ],
    ids=["sent", "accepted", "completed"],
)
async def test_it_sees_what_an_ordinary_end_looks_like(
    story: Story,
    app: FastAPI,
    begun: Callable[..., Awaitable[dict[str, Any]]],
    ordinary_end: Callable[..., Awaitable[None]],
) -> None:
    seen = []
    for accused in (False, True):
        referral = await begun(story)
        before = await walk(story, app, "ngo-salud", ids_of(referral), **SUPERVISOR)
        if accused:
            await mark(story, referral["case_id"], SALUD)
            await life_goes_on(story, referral)
        else:
            await ordinary_end(story, referral)
        after = await walk(story, app, "ngo-salud", ids_of(referral), **SUPERVISOR)
        seen.append(
            {
                route: (status, alike(newly(before[route][1], text), ids_of(referral)))
                for route, (status, text) in after.items()
                if route not in SUMS
            }
        )
    assert seen[0].keys() == seen[1].keys()
    assert [route for route in seen[0] if seen[0][route] != seen[1][route]] == []
    assert seen[1]["/referrals/{referral_id}/disclosure"][0] == 410


def ids_of(referral: dict[str, Any]) -> dict[str, str]:
    named = {"referral_id": "id", "case_id": "case_id", "grant_id": "grant_id"}
    return {role: referral[field] for role, field in named.items()} | {
        "service_id": referral["service_id"]
    }


def newly(before: str, after: str) -> str:
    """Return the list's rows that are new since the end; the second story's lists include the first story."""
    import json

    try:
        old, new = json.loads(before), json.loads(after)
    except ValueError:  # The body is a table with one row per line.
        known = before.splitlines()
        return "\n".join(line for line in after.splitlines() if line not in known)
    if isinstance(new, dict) and isinstance(new.get("items"), list):
        known = [json.dumps(item) for item in old.get("items", [])]
        return json.dumps([item for item in new["items"] if json.dumps(item) not in known])
    if isinstance(new, dict) and new.get("resourceType") == "Bundle":
        known = [json.dumps(item) for item in old.get("entry", [])]
        return json.dumps([i for i in new.get("entry", []) if json.dumps(i) not in known])
    return after


async def test_nothing_of_the_case_is_in_any_answer_afterwards(story: Story, app: FastAPI) -> None:
    """No response contains the disclosed content or the case's current holder."""
    referral = await completed(story)
    await mark(story, referral["case_id"], SALUD)
    await life_goes_on(story, referral)
    for route, (_, text) in (
        await walk(story, app, "ngo-salud", ids_of(referral), **SUPERVISOR)
    ).items():
        for secret in (
            "Yolimar",
            "5550199",
            "needs a consultation",
            str(LEGAL),
            'confirmed_by":"p',
        ):
            assert secret not in text, (route, secret)


async def test_its_feed_falls_silent(story: Story) -> None:
    referral = await completed(story)
    await mark(story, referral["case_id"], SALUD)
    told = await story.told_to("ngo-salud", referral["id"])
    await life_goes_on(story, referral)
    assert await story.told_to("ngo-salud", referral["id"]) == told
    assert told[-1] == "referral.sharing_ended"


async def test_after_a_later_withdrawal_the_accused_has_to_delete_as_others_do(
    story: Story,
) -> None:
    owed = []
    for accused in (False, True):
        referral = await story.accepted()
        await story.get("ngo-salud", f"/referrals/{referral['id']}/disclosure")
        if accused:
            await mark(story, referral["case_id"], SALUD)
        else:
            await recalled(story, referral)
        await withdrawn(story, referral)
        tasks = (await story.get("ngo-salud", "/tasks?limit=200", **SUPERVISOR)).json()["items"]
        mine = [task["kind"] for task in tasks if task["referral_id"] == referral["id"]]
        owed.append((mine, await story.told_to("ngo-salud", referral["id"])))
    assert owed[0] == owed[1]
    assert owed[1][0] == ["delete_disclosed_data"]


async def test_commands_of_the_accused_are_answered_as_after_any_recall(story: Story) -> None:
    answers = []
    for accused in (False, True):
        referral = await story.accepted()
        path = f"/referrals/{referral['id']}"
        if accused:
            await mark(story, referral["case_id"], SALUD)
            await story.made("ngo-refugio", f"/consents/{referral['grant_id']}/withdraw", {})
        else:
            await recalled(story, referral)
        service = await story.service(LEGAL, ("HLT",))
        tried = [
            await story.post("ngo-salud", f"{path}/complete", {"outcome": "delivered"}),
            await story.post("ngo-salud", f"{path}/enter-in-error", {"reason": "other"}),
            await story.post("ngo-salud", f"{path}/suggest", {"service_id": service}),
            await story.post("ngo-salud", f"{path}/withdraw", {}),
            await story.get("ngo-salud", path),
            await story.get("ngo-salud", f"{path}/history"),
        ]
        ids = {**ids_of(referral), "other": service}
        answers.append([(each.status_code, alike(each.text, ids)) for each in tried])
    assert answers[0] == answers[1]


async def test_a_mark_that_is_taken_back_lets_the_referral_move_again(story: Story) -> None:
    referral = await completed(story)
    await mark(story, referral["case_id"], SALUD)
    await mark(story, referral["case_id"])
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-refugio", f"{path}/confirm", {"confirmed_by": "person", "agrees": True})
    seen = (await story.get("ngo-salud", path)).json()
    assert seen["feedback_confirmed_by"] == "person"
    assert (await story.get("ngo-salud", f"{path}/disclosure")).status_code == 410


async def test_the_holder_does_not_mark_itself(story: Story) -> None:
    case = await story.case()
    body = {"organisation_ids": [str(REFUGIO)]}
    refused = await story.call(
        "ngo-refugio", "PUT", f"/cases/{case['id']}/implicated-organisations", body
    )
    assert code(refused) == (422, "invalid")
    assert refused.json()["errors"][0]["pointer"] == "/organisation_ids"


async def test_recipients_are_told_no_reason_of_a_recall(story: Story) -> None:
    referral = await story.sent()
    path = f"/referrals/{referral['id']}"
    await story.made("ngo-refugio", f"{path}/recall", {"reason": "safety"})
    assert (await story.get("ngo-refugio", path)).json()["reason"] == "safety"
    assert (await story.get("ngo-salud", path)).json()["reason"] is None
    steps = (await story.get("ngo-salud", f"{path}/history")).json()
    assert [(s["command"], s["reason"]) for s in steps][-1] == ("recall", None)
    assert "safety" not in (await story.get("ngo-salud", f"/fhir/Task/{referral['id']}")).text
