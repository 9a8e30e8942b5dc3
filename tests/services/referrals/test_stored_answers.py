"""Ruta returns stored responses again within a day to callers who may still read them, and deletes them with the
case."""

from datetime import timedelta
from typing import Any

from common import clock
from httpx import Response
from referrals.screening.screenings.shipped import SHIPPED_ID

from tests.services.referrals.line_words import TIP, Reporter
from tests.services.referrals.screening_words import CHILD
from tests.services.referrals.story import LEGAL, Story
from tests.services.referrals.test_fhir import new_consent
from tests.support.principals import organisation

NGO, SUPERVISOR, RECIPIENT = "ngo-refugio", "ngo-refugio-supervisor", "ngo-salud"
NAME = "Yolimar Canaria Perdomo"


async def erase(story: Story, case_id: str) -> None:
    reference = (await story.get(NGO, f"/cases/{case_id}")).json()["reference"]
    body = {"confirm": reference, "basis": "person_request"}
    assert (await story.post(SUPERVISOR, f"/cases/{case_id}/erase", body)).status_code == 200


async def transfer(story: Story, case_id: str) -> None:
    """Transfer the case from Refugio to Legal."""
    consent = {"case_id": case_id, "kind": "transfer", "recipient_organisation_id": str(LEGAL)}
    grant = await story.made(NGO, "/consents", {**consent, "method": "signed"})
    offer = {"case_id": case_id, "to_organisation": str(LEGAL), "grant_id": grant["id"]}
    offered = await story.made(NGO, "/transfers", offer)
    await story.made("ngo-legal", f"/transfers/{offered['id']}/accept", {})


class Commands:
    """Commands about one case, each executed once and ready to be repeated exactly."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.done: list[tuple[str, str, str, Any, str]] = []

    async def do(self, path: str, json: Any, who: str = NGO, method: str = "POST") -> Any:
        key = f"command-{len(self.done)}"
        response = await self.story.call(who, method, path, json, key=key)
        assert response.status_code in (200, 201, 204), (path, response.text)
        self.done.append((who, method, path, json, key))
        return response.json() if response.content else None

    async def again(self, who: str = NGO, **claims: Any) -> list[tuple[str, Response]]:
        return [
            (path, await self.story.call(who, method, path, json, key=key, **claims))
            for done_by, method, path, json, key in self.done
            if done_by == who
        ]


async def much(story: Story) -> tuple[str, Commands]:
    """Create a case on which its holder and a recipient have executed most commands."""
    commands = Commands(story)
    service = await story.any_service()
    body = {"identity": {"name": NAME, "age": 29}, "area": "VE2313"}
    case = (await commands.do("/cases", body))["id"]
    await commands.do(f"/cases/{case}", {"area": "VE23"}, method="PATCH")
    marked = {"organisation_ids": [str(organisation(6))]}
    await commands.do(f"/cases/{case}/implicated-organisations", marked, method="PUT")
    grant = await commands.do("/consents", story.consent_body(case, service))
    draft = await commands.do(
        "/referrals",
        {
            "case_id": case,
            "service_id": service,
            "category": "HLT",
            "urgency": "urgent",
            "payload": {"situation": "needs a consultation"},
            "from_case": ["name"],
            "safe_contact": {"rule": "person_comes"},
        },
    )
    one = f"/referrals/{draft['id']}"
    await commands.do(f"/cases/{case}{one}/send", {"grant_id": grant["id"]})
    await commands.do(f"{one}/answer-links", {})
    await commands.do(f"{one}/acknowledge", {}, RECIPIENT)
    await commands.do(f"{one}/accept", {"focal_point": "Dra. M."}, RECIPIENT)
    await commands.do(
        "/exceptions",
        {
            "case_id": case,
            "service_id": service,
            "purpose": "HLT",
            "basis": "vital_interest",
            "items": ["name"],
            "rationale": "Nobody else could be asked in time.",
            "person_informed": True,
        },
    )
    await commands.do(f"/cases/{case}/plan", {"need": "HLT"})
    given_on = clock.today().isoformat()
    await commands.do(f"/cases/{case}/assistance", {"support_type": "Health", "given_on": given_on})
    await commands.do(f"/cases/{case}/route", {"origin": "VE23"}, method="PUT")
    screening = await commands.do(
        "/screenings", {"instrument_id": str(SHIPPED_ID), "answers": CHILD, "area": "VE2313"}
    )
    await commands.do(f"/screenings/{screening['id']}/answers", {"answers": {"age": 16}})
    await commands.do(f"/screenings/{screening['id']}/case", {"case_id": case})
    return case, commands


async def counted(story: Story, *tables: str) -> list[int]:
    return [(await story.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables]


EFFECTS = ("cases", "grants", "referrals", "referral_steps", "assistance", "outbox", "notices")


async def test_an_erased_case_is_not_read_again_by_repeating_old_commands(story: Story) -> None:
    case, commands = await much(story)
    await erase(story, case)
    before = await counted(story, *EFFECTS)
    for who in (NGO, RECIPIENT):
        for path, answer in await commands.again(who):
            assert answer.status_code == 410, (path, answer.text)
            assert case not in answer.text
    assert await counted(story, *EFFECTS) == before


async def test_nothing_of_an_answer_is_left_when_the_case_is_erased(story: Story) -> None:
    case, _ = await much(story)
    await erase(story, case)
    kept = await story.rows(
        "SELECT route, key FROM stored_results WHERE result <> '' OR fingerprint <> ''"
    )
    assert kept == []


async def test_a_former_holder_reads_nothing_by_repeating_old_commands(story: Story) -> None:
    case, commands = await much(story)
    await transfer(story, case)
    before = await counted(story, *EFFECTS)
    for path, answer in await commands.again():
        assert answer.status_code == 404, (path, answer.text)
        assert case not in answer.text
    assert await counted(story, *EFFECTS) == before


async def test_a_recipient_keeps_its_answers_after_a_transfer_and_loses_them_by_a_recall(
    story: Story,
) -> None:
    case, commands = await much(story)
    await transfer(story, case)
    assert {a.status_code for _, a in await commands.again(RECIPIENT)} == {200}
    referral = (await story.get("ngo-legal", f"/referrals?case_id={case}")).json()["items"][0]
    await story.made("ngo-legal", f"/referrals/{referral['id']}/recall", {"reason": "mistake"})
    assert {a.status_code for _, a in await commands.again(RECIPIENT)} == {410}


async def test_a_withdrawal_is_repeated_with_its_answer_by_either_side(story: Story) -> None:
    for who in (NGO, RECIPIENT):
        referral = await story.sent()
        path, body = f"/referrals/{referral['id']}/withdraw", {"method": "phone"}
        first = await story.post(who, path, body, key=f"w-{who}")
        again = await story.post(who, path, body, key=f"w-{who}")
        assert (again.status_code, again.json()) == (200, first.json())


async def test_answers_are_sealed_under_the_key_of_their_case(story: Story) -> None:
    case, _ = await much(story)
    rows = await story.rows("SELECT route, subject, concerns FROM stored_results")
    assert all(row.subject is not None and row.concerns for row in rows)
    of_case = [row for row in rows if str(row.subject) == case]
    assert (
        len(of_case) > len(rows) - 3
    )  # Two commands were about a screening before it belonged to the case.


async def test_a_batch_gives_no_more_than_its_commands_would(story: Story) -> None:
    service = await story.any_service()
    body = {"identity": {"name": NAME}, "area": "VE2313"}
    batch = {
        "commands": [
            {"key": "b1", "path": "/referrals/v1/cases", "body": body},
            {
                "key": "b2",
                "path": "/referrals/v1/consents",
                "body": story.consent_body("${b1.id}", service),
            },
        ]
    }
    first = (await story.post(NGO, "/bulk", batch, key="batch")).json()
    assert first["results"][1]["body"].pop("withdrawal_code")  # Shown once.
    again = (await story.post(NGO, "/bulk", batch, key="batch")).json()
    assert again["results"][1]["body"].pop("withdrawal_code") is None
    assert again == first
    case = first["results"][0]["body"]["id"]
    await erase(story, case)
    before = await counted(story, *EFFECTS)
    ended = (await story.post(NGO, "/bulk", batch, key="batch")).json()
    assert [result["status"] for result in ended["results"]] == [410, 424]
    assert case not in str(ended)
    assert await counted(story, *EFFECTS) == before


async def test_a_fhir_consent_is_not_read_again_after_erasure(story: Story) -> None:
    case, service = (await story.case())["id"], await story.any_service()
    resource = new_consent(case, service)
    first = await story.post(NGO, "/fhir/Consent", resource, key="fhir")
    assert first.status_code == 201, first.text
    await erase(story, case)
    again = await story.post(NGO, "/fhir/Consent", resource, key="fhir")
    assert again.status_code == 410


async def test_the_code_of_a_consent_is_shown_once_and_another_makes_it_void(story: Story) -> None:
    case, service = (await story.case())["id"], await story.any_service()
    body = story.consent_body(case, service)
    first = await story.made(NGO, "/consents", body, key="consent")
    again = await story.post(NGO, "/consents", body, key="consent")
    assert first["withdrawal_code"]
    assert (again.status_code, again.json()) == (201, {**first, "withdrawal_code": None})
    path = f"/consents/{first['id']}/withdrawal-code"
    assert (await story.post(RECIPIENT, path)).status_code == 404
    second = await story.made(NGO, path, {}, key="code")
    assert (await story.made(NGO, path, {}, key="code"))["withdrawal_code"] is None
    assert second["withdrawal_code"] not in (None, first["withdrawal_code"])
    tried = [
        (await story.post("anonymous", "/withdrawals", {"code": each["withdrawal_code"]}))
        for each in (first, second)
    ]
    assert [answer.status_code for answer in tried] == [404, 200]
    assert (await story.post(NGO, path)).json()["code"] == "conflict"


async def rarer(story: Story, case: str, commands: Commands) -> None:
    """Execute the remaining commands of the holder, its supervisor and the person who requests access."""
    await commands.do("/screenings", {"instrument_id": str(SHIPPED_ID), "answers": CHILD,
                                      "case_id": case})  # fmt: skip
    due = str(clock.today() + timedelta(days=9))
    review = await commands.do(f"/cases/{case}/reviews", {"due_on": due})
    tasks = (await story.get(NGO, "/tasks?limit=500")).json()["items"]
    task = next(each["id"] for each in tasks if each["case_id"] == case)
    await commands.do(f"/tasks/{task}/done", {})
    await commands.do(f"/cases/{case}/reviews/{review['id']}/done", {"outcome": "continue"})
    reference = (await story.get(NGO, f"/cases/{case}")).json()["reference"]
    body = {"case_reference": reference, "reason": "the police ask for her tonight"}
    access = await commands.do("/break-glass", body, ASKER)
    decision = f"/break-glass/{access['id']}/decision"
    await commands.do(decision, {"approve": True}, SUPERVISOR)
    other = await story.case(RECIPIENT, identity=WHO)
    await commands.do(f"/cases/{case}", {"identity": WHO}, method="PATCH")
    compare = {"method": "verbal", "decided_by": "person"}
    path = f"/cases/{other['id']}/matching"
    put = await story.call(RECIPIENT, "PUT", path, compare)
    assert put.status_code == 200, put.text
    await commands.do(f"/cases/{case}/matching", compare, method="PUT")
    found = (await story.get(NGO, "/matches")).json()["items"]
    match = next(each["id"] for each in found if each["case_id"] == case)
    await commands.do(f"/matches/{match}/agree", {})


ASKER = "cp-coordinator"
WHO = {
    "name": NAME,
    "birth_date": "1996-03-02",
    "contact": {"phone": "+58 412 5550199", "safe_way": "call in the morning"},
}


async def test_the_rarer_commands_are_repeated_under_the_same_rule(story: Story) -> None:
    """The test repeats, hands over and erases screenings, reviews, tasks, break-glass and matches."""
    case, commands = (await story.case(identity=WHO))["id"], Commands(story)
    await rarer(story, case, commands)
    assert len(commands.done) == 9
    effects = (*EFFECTS, "break_glass", "case_matches", "tasks", "case_reviews")
    before = await counted(story, *effects)

    async def told(who: str) -> set[int]:
        answers = await commands.again(who)
        assert all(case not in a.text for _, a in answers if a.status_code >= 400)
        return {answer.status_code for _, answer in answers}

    assert [await told(who) <= {200, 201} for who in (NGO, SUPERVISOR, ASKER)] == [True] * 3
    assert await counted(story, *effects) == before
    await transfer(story, case)
    assert [await told(who) for who in (NGO, SUPERVISOR)] == [{404}, {404}]
    assert await told(ASKER) == {201}
    reference = (await story.get("ngo-legal", f"/cases/{case}")).json()["reference"]
    erasing = {"confirm": reference, "basis": "person_request"}
    roles = ["caseworker", "supervisor"]
    erased = await story.post("ngo-legal", f"/cases/{case}/erase", erasing, roles=roles)
    assert erased.status_code == 200, erased.text
    assert [await told(who) for who in (NGO, SUPERVISOR, ASKER)] == [{404}, {404}, {410}]


async def test_the_desks_commands_end_with_its_sight_of_the_report(story: Story) -> None:
    commands, reporter = Commands(story), Reporter(story)
    await story.service(LEGAL)
    report = (await reporter.report(wants_case=True))["id"]
    one = f"/line/reports/{report}"
    await commands.do(f"{one}/take", {}, TIP)
    await commands.do(f"{one}/messages", {"text": "Estamos viendo quién puede ir."}, TIP)
    marked = {"organisation_ids": [str(organisation(6))]}
    await commands.do(f"{one}/implicated-organisations", marked, TIP, "PUT")
    await commands.do(f"{one}/hand-over", {"organisation_id": str(LEGAL)}, TIP)
    await commands.do(f"/line/handed-over/{report}/give-back", {"reason": "capacity"}, "ngo-legal")

    async def told(who: str) -> set[int]:
        return {answer.status_code for _, answer in await commands.again(who)}

    assert await told(TIP) <= {200, 201}
    assert await told("ngo-legal") == {404}
    await commands.do(f"{one}/reroute", {"kind": "gender_violence"}, TIP)
    assert await told(TIP) == {404}
    await reporter.do("delete")
    for who in (TIP, "ngo-legal"):
        for path, answer in await commands.again(who):
            assert answer.status_code in (404, 410), path
            assert report not in answer.text
