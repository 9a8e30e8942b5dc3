"""Batches from clients that were offline."""

from datetime import datetime
from typing import Any

import pytest

from tests.services.referrals.story import Story


def commands(case: str, service_id: str, story: Story) -> list[dict[str, Any]]:
    consent = story.consent_body(case, service_id)
    draft = {
        "case_id": case,
        "service_id": service_id,
        "category": "HLT",
        "payload": {"situation": "x"},
        "safe_contact": {"rule": "person_comes"},
    }
    return [
        {"key": "g", "path": "/referrals/v1/consents", "body": consent},
        {"key": "r", "path": "/referrals/v1/referrals", "body": draft},
        {
            "key": "s",
            "path": "/referrals/v1/referrals/${r.id}/send",
            "body": {"grant_id": "${g.id}"},
        },
    ]


async def test_a_batch_runs_in_order_and_repeating_it_changes_nothing(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    batch = {"commands": commands(case["id"], service_id, story)}
    first = await story.made("ngo-refugio", "/bulk", batch)
    assert [r["status"] for r in first["results"]] == [201, 201, 200]
    again = await story.made("ngo-refugio", "/bulk", batch)
    # The withdrawal code differs because it is shown only once.
    assert first["results"][0]["body"].pop("withdrawal_code")
    assert again["results"][0]["body"].pop("withdrawal_code") is None
    assert again["results"] == first["results"]
    assert len((await story.get("ngo-salud", "/referrals/inbox")).json()["items"]) == 1
    assert len((await story.get("ngo-salud", "/feed")).json()["items"]) == 1


async def test_each_command_has_its_own_result(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    batch = commands(case["id"], service_id, story)
    batch[0]["body"]["items"] = ["soul"]
    batch.append({"key": "w", "path": "/referrals/v1/webhooks", "body": {}})
    batch.append(
        {"key": "c", "path": "/referrals/v1/cases", "body": {"area": "VE23", "identity": {}}}
    )
    done = await story.made("ngo-refugio", "/bulk", {"commands": batch})
    assert [r["status"] for r in done["results"]] == [422, 201, 424, 404, 201]


async def counted(story: Story) -> list[int]:
    """Return the numbers of drafts and consents that a caseworker finds."""
    drafts = (await story.get("ngo-refugio", "/referrals?state=draft")).json()["items"]
    consents = (await story.get("ngo-refugio", "/consents")).json()["items"]
    return [len(drafts), len(consents)]


async def test_together_all_is_done_and_once(story: Story) -> None:
    service_id, case = await story.service(), await story.case()
    batch = {"commands": commands(case["id"], service_id, story), "together": True}
    first = await story.made("ngo-refugio", "/bulk", batch)
    assert [r["status"] for r in first["results"]] == [201, 201, 200]
    again = await story.made("ngo-refugio", "/bulk", batch)
    assert [r["body"]["id"] for r in again["results"]] == [
        r["body"]["id"] for r in first["results"]
    ]
    assert len((await story.get("ngo-salud", "/referrals/inbox")).json()["items"]) == 1
    assert await counted(story) == [0, 1]


@pytest.mark.parametrize(
    ("wrong", "change", "statuses"),
    [
        (0, {"items": ["soul"]}, [422, 424, 424]),
        (1, {"category": "FOOD"}, [424, 422, 424]),
        (2, {"grant_id": "01900000-0000-7000-8000-000000000000"}, [424, 424, 404]),
    ],
)
async def test_together_nothing_is_left_of_what_was_refused(
    story: Story, wrong: int, change: dict[str, Any], statuses: list[int]
) -> None:
    service_id, case = await story.service(), await story.case()
    batch = commands(case["id"], service_id, story)
    right = batch[wrong]["body"]
    batch[wrong]["body"] = {**right, **change}
    for _ in range(3):
        done = await story.made("ngo-refugio", "/bulk", {"commands": batch, "together": True})
        assert [r["status"] for r in done["results"]] == statuses
        assert await counted(story) == [0, 0]
    batch[wrong]["body"] = right  # Reuse the keys, because the failed batch stored nothing.
    done = await story.made("ngo-refugio", "/bulk", {"commands": batch, "together": True})
    assert [r["status"] for r in done["results"]] == [201, 201, 200]
    assert await counted(story) == [0, 1]


async def test_an_erasure_in_the_middle_is_the_end_of_what_went_before(story: Story) -> None:
    """After the erasure, the case key from the first consent is still in memory and must not be used."""
    service_id, case = await story.service(), await story.case()
    consent, _, _ = commands(case["id"], service_id, story)
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    erase = {"key": "e", "path": f"/referrals/v1/cases/{case['id']}/erase", "body": erasure}
    batch = {"commands": [consent, erase, {**consent, "key": "again"}], "together": True}
    done = await story.made("ngo-refugio", "/bulk", batch, roles=["caseworker", "supervisor"])
    assert [r["status"] for r in done["results"]] == [424, 424, 410]
    assert await counted(story) == [0, 0]


@pytest.mark.parametrize("together", [False, True])
async def test_each_command_is_counted_by_its_own_route(story: Story, together: bool) -> None:
    service_id, case = await story.service(), await story.case()
    batch = commands(case["id"], service_id, story)

    async def answered(route: str, status: int) -> float:
        metrics = (await story.client.get("/metrics")).text
        labels = f'method="POST",route="/referrals/v1{route}",status="{status}"'
        return sum(
            float(line.rpartition(" ")[2])
            for line in metrics.splitlines()
            if line.startswith(f"ruta_http_requests_total{{{labels}}}")
        )

    routes = [("/consents", 201), ("/referrals", 201), ("/referrals/{referral_id}/send", 200)]
    before = [await answered(*route) for route in [*routes, ("/bulk", 200)]]
    await story.made("ngo-refugio", "/bulk", {"commands": batch, "together": together})
    after = [await answered(*route) for route in [*routes, ("/bulk", 200)]]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 1]


async def test_a_command_that_its_references_made_too_long_is_refused_alone(story: Story) -> None:
    case = {"key": "c", "path": "/referrals/v1/cases", "body": {"area": "VE23", "identity": {}}}
    many = {"key": "m", "path": "/referrals/v1/cases", "body": {"area": "${c.id}" * 60_000}}
    done = await story.made("ngo-refugio", "/bulk", {"commands": [case, many]})
    assert [r["status"] for r in done["results"]] == [201, 413]
    assert done["results"][1]["body"]["code"] == "too_large"


async def test_under_a_consent_that_somebody_has_yet_to_decide_nothing_is_sent(
    story: Story,
) -> None:
    service_id, case = await story.service(), await story.case(identity={"age": 9})
    batch = commands(case["id"], service_id, story)
    batch[0]["body"] |= {"decided_by": "best_interest"}
    batch[2]["only_if"] = {"key": "g", "status": "active"}
    done = await story.made("ngo-refugio", "/bulk", {"commands": batch, "together": True})
    assert [r["status"] for r in done["results"]] == [201, 201, 204], done
    assert await counted(story) == [1, 1]


async def test_no_more_than_thirty_are_done_together(story: Story) -> None:
    many = [{"key": f"c{n}", "path": "/referrals/v1/cases"} for n in range(31)]
    answer = await story.post("ngo-refugio", "/bulk", {"commands": many, "together": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_attachments_are_refused_with_a_reason(story: Story) -> None:
    referral = await story.sent()
    response = await story.post("ngo-refugio", f"/referrals/{referral['id']}/attachments")
    assert (response.status_code, response.json()["code"]) == (415, "attachments_refused")


async def test_a_coordinator_sets_times_for_their_own_pathway_only(story: Story) -> None:
    body = {
        "window_minutes": 30,
        "supervisor_after_minutes": 10,
        "alternative_after_minutes": 20,
        "expiry_after_minutes": 30,
        "working_time": False,
    }
    path = "/timers/policies/{}/urgent/acknowledge"
    denied = await story.call("gbv-coordinator", "PUT", path.format("CP"), body)
    assert denied.status_code == 403
    wrong = {**body, "supervisor_after_minutes": 25}
    assert (
        await story.call("gbv-coordinator", "PUT", path.format("GBV"), wrong)
    ).status_code == 422
    done = await story.call("gbv-coordinator", "PUT", path.format("GBV"), body)
    assert done.status_code == 200
    service_id = await story.service(categories=("GBV-PSS",))
    referral = await story.sent(
        service_id=service_id, category="GBV-PSS", consent={"purpose": "GBV-PSS"}
    )

    due = datetime.fromisoformat(referral["acknowledge_by"])
    assert (due - datetime.fromisoformat(referral["sent_at"])).total_seconds() == 1800
