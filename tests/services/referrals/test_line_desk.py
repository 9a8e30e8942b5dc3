"""The line desk: the queue by area, the reporter's wish, exceptions and cases."""

from uuid import UUID

import pytest
from httpx import Response

from tests.services.referrals.line_words import GBV, TIP, Reporter, handed_over
from tests.services.referrals.story import LEGAL, SALUD, Story
from tests.support.principals import organisation

NGO = "ngo-legal"


def code(response: Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


@pytest.fixture
def reporter(story: Story) -> Reporter:
    return Reporter(story)


async def test_coordinators_see_their_pathway_and_their_states_only(
    story: Story, reporter: Reporter
) -> None:
    zulia = await reporter.report()
    unknown = await reporter.report(area=None, text="otra cosa")
    seen = {
        "tachira": (TIP, {"areas": ["VE20"]}, [unknown["id"]]),
        "a municipality of Zulia": (TIP, {"areas": ["VE2313"]}, [zulia["id"], unknown["id"]]),
        "everywhere": (TIP, {}, [zulia["id"], unknown["id"]]),
        "another pathway": (GBV, {}, []),
    }
    for name, (who, claims, expected) in seen.items():
        listed = (await story.get(who, "/line/reports", **claims)).json()["items"]
        assert [item["id"] for item in listed] == expected, name
    assert code(await story.get(GBV, f"/line/reports/{zulia['id']}")) == (404, "not_found")
    for who in ("ngo-refugio", "auditor", "im-officer", "anonymous"):
        assert (await story.get(who, "/line/reports")).status_code in (401, 403), who


async def test_row_security_hides_reports_from_everybody_else(
    story: Story, reporter: Reporter
) -> None:
    """Row security alone hides the reports from everybody else, even without the queries' conditions."""
    import sqlalchemy as sa

    from tests.support.principals import principal

    await reporter.report()
    for who, expected in ((TIP, 1), (GBV, 0), ("ngo-refugio", 0), ("im-officer", 0)):
        async with story.database.transaction(principal(who)) as session:
            for table in ("line_reports", "line_messages"):
                count = await session.scalar(sa.text(f"SELECT count(*) FROM {table}"))
                assert count == expected, (who, table)


async def test_the_queue_is_urgent_first_then_the_longest_waiting_and_pages(
    story: Story, reporter: Reporter
) -> None:
    first = await reporter.report(text="uno")
    second = await reporter.report(text="dos")
    third = await reporter.report(text="tres", urgent=True)
    walked, cursor = [], ""
    for _ in range(3):
        page = (await story.get(TIP, f"/line/reports?limit=1{cursor}")).json()
        walked += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == [third["id"], first["id"], second["id"]]
    assert code(await story.get(TIP, "/line/reports?cursor=WzEsMiwzXQ"))[0] == 400
    assert (await story.get(TIP, "/line/reports?area=VE23&kind=trafficking")).json()["items"]
    assert (await story.get(TIP, "/line/reports?area=VE20")).json()["items"] == []


async def test_reading_is_audited_and_the_reporter_is_not(story: Story, reporter: Reporter) -> None:
    report = await reporter.report()
    await reporter.do("messages", text="más")
    await story.get(TIP, f"/line/reports/{report['id']}")
    audited = await story.rows("SELECT action, client FROM audit_entries")
    assert [(a.action, a.client) for a in audited] == [("line.report_read", TIP)]


async def test_no_case_without_the_reporters_wish(story: Story, reporter: Reporter) -> None:
    await story.service(LEGAL)
    report = await reporter.report()
    path = f"/line/reports/{report['id']}/hand-over"
    body = {"organisation_id": str(LEGAL)}
    assert code(await story.post(TIP, path, body)) == (409, "no_wish")
    assert (await story.get(NGO, "/line/handed-over")).json()["items"] == []
    assert (await reporter.do("wish", wants_case=True)).json()["wants_case"] is True
    await story.made(TIP, path, body)
    detail = (await story.get(NGO, f"/line/handed-over/{report['id']}")).json()
    assert (detail["handed_basis"], len(detail["thread"])) == ("reporter_wish", 1)
    case = await story.made(NGO, f"/line/handed-over/{report['id']}/case", {"area": "VE2313"})
    assert case["organisation_id"] == str(LEGAL)
    assert (await story.get(NGO, f"/cases/{case['id']}")).json()["identity"]["name"] is None
    assert (await story.get(TIP, f"/line/reports/{report['id']}")).json()["case_id"] == case["id"]
    again = await story.post(NGO, f"/line/handed-over/{report['id']}/case", {"area": "VE2313"})
    assert code(again) == (409, "conflict")


async def test_a_case_that_may_exist_already_is_refused_on_every_way_to_register_it(
    story: Story, reporter: Reporter
) -> None:
    await story.service(LEGAL)
    report = await reporter.report()
    await reporter.do("wish", wants_case=True)
    await story.made(
        TIP, f"/line/reports/{report['id']}/hand-over", {"organisation_id": str(LEGAL)}
    )
    person = {"area": "VE2313", "identity": {"name": "Yusmary Gonzales"}}
    ways = ("/cases", f"/line/handed-over/{report['id']}/case")
    await story.made(NGO, ways[0], person)
    for way in ways:
        refused = await story.post(NGO, way, {**person, "unless_alike": True})
        assert refused.status_code == 409, way
        assert refused.json()["detail_code"] == "case_may_exist_already", way
    await story.made(NGO, ways[1], person)


async def test_a_wish_taken_back_in_time_stops_the_case(story: Story, reporter: Reporter) -> None:
    report = await handed_over(story, reporter)
    await reporter.do("wish", wants_case=False)
    refused = await story.post(NGO, f"/line/handed-over/{report}/case", {"area": "VE2313"})
    assert code(refused) == (409, "no_wish")
    assert await story.rows("SELECT 1 FROM cases") == []


async def test_an_exception_needs_a_second_person(story: Story, reporter: Reporter) -> None:
    await story.service(SALUD)
    report = await reporter.report()
    path = f"/line/reports/{report['id']}"
    asked = await story.made(
        TIP,
        f"{path}/exceptions",
        {
            "organisation_id": str(SALUD),
            "basis": "vital_interest",
            "rationale": "retienen a un niño enfermo",
        },
    )
    decide = f"/line/exceptions/{asked['id']}/decide"
    hand_over = {"organisation_id": str(SALUD), "exception_id": asked["id"]}
    assert code(await story.post(TIP, decide, {"approve": True})) == (403, "second_person_needed")
    assert code(await story.post(TIP, f"{path}/hand-over", hand_over)) == (409, "no_wish")
    assert code(await story.post("ngo-refugio-supervisor", decide, {"approve": True}))[0] == 404
    elsewhere = {"org": str(SALUD), "roles": ["coordinator"], "aors": ["GBV"]}
    refused = await story.post(GBV, decide, {"approve": True}, **elsewhere)
    assert refused.status_code == 404
    assert (await story.get(GBV, "/line/exceptions", **elsewhere)).json()["items"] == []
    decided = await story.made("ngo-salud-supervisor", decide, {"approve": True})
    assert decided["rationale"] == "retienen a un niño enfermo"
    to_others = {**hand_over, "organisation_id": str(LEGAL)}
    await story.service(LEGAL)
    assert code(await story.post(TIP, f"{path}/hand-over", to_others)) == (409, "no_wish")
    await story.made(TIP, f"{path}/hand-over", hand_over)
    await story.made("ngo-salud", f"/line/handed-over/{report['id']}/case", {"area": "VE2313"})
    sealed = await story.rows("SELECT rationale FROM line_exceptions")
    assert "niño".encode() not in bytes(sealed[0].rationale)


async def test_an_organisation_that_is_reported_neither_sees_nor_receives_it(
    story: Story, reporter: Reporter
) -> None:
    report = await handed_over(story, reporter)
    path = f"/line/reports/{report}"
    assert (await story.get(NGO, f"/line/handed-over/{report}")).status_code == 200
    implicated = {"organisation_ids": [str(LEGAL), str(organisation(7))]}
    await story.call(TIP, "PUT", f"{path}/implicated-organisations", implicated)
    assert (await story.get(NGO, f"/line/handed-over/{report}")).status_code == 404
    assert (await story.get(TIP, path)).status_code == 404, "the coordinator's own is implicated"
    other = {"org": str(organisation(8))}
    assert (await story.get(TIP, path, **other)).json()["status"] == "open"
    refused = await story.post(TIP, f"{path}/hand-over", {"organisation_id": str(LEGAL)}, **other)
    assert code(refused) == (409, "organisation_implicated")


async def test_who_was_at_a_report_that_turns_against_them_is_told_no_more_when_the_reporter_writes(
    story: Story, reporter: Reporter
) -> None:
    """An organisation that a report turns against receives no further notice, because its webhooks and staff would also
    get it, whatever the feed shows."""
    desk, elsewhere = organisation(7), {"org": str(organisation(8))}
    report = await handed_over(story, reporter)
    path = f"/line/reports/{report}"
    await story.made(TIP, f"{path}/take", {})
    told = "SELECT count(*) FROM notices WHERE organisation_id = :whose AND kind = 'line.report_changed'"

    async def count(whose: UUID) -> int:
        return int((await story.rows(told, whose=whose))[0][0])

    await reporter.do("messages", text="siguen allá")
    assert (await count(desk), await count(LEGAL)) == (1, 1)
    marked = {"organisation_ids": [str(desk)]}
    await story.call(TIP, "PUT", f"{path}/implicated-organisations", marked)
    await reporter.do("messages", text="uno de ellos trabaja donde me atienden")
    await story.made(NGO, f"/line/handed-over/{report}/give-back", {"reason": "coverage"})
    await reporter.do("delete")
    assert (await count(desk), await count(LEGAL)) == (1, 3), "of the accusation, and of the words"
    assert (await story.get(TIP, "/line/reports", **elsewhere)).json()["items"] == []


async def test_who_made_a_case_of_a_report_is_told_whom_it_turns_against_later(
    story: Story, reporter: Reporter
) -> None:
    """An organisation that made a case from a report learns of a later accusation and marks the accused. Until then the
    case could be referred to them."""
    report = await handed_over(story, reporter)
    await story.made(NGO, f"/line/handed-over/{report}/case", {"area": "VE2313"})
    before = len((await story.get(NGO, "/feed")).json()["items"])
    path = f"/line/reports/{report}/implicated-organisations"
    await story.call(TIP, "PUT", path, {"organisation_ids": [str(SALUD)]})
    told = (await story.get(NGO, "/feed")).json()["items"][before:]
    assert [(each["kind"], each["subject_id"]) for each in told] == [
        ("line.report_changed", report)
    ]
    handed = (await story.get(NGO, f"/line/handed-over/{report}")).json()
    assert handed["implicated"] == [str(SALUD)]


async def test_who_was_handed_a_report_goes_on_with_it_when_the_desk_closes_it_as_handed_over(
    story: Story, reporter: Reporter
) -> None:
    """An organisation that received a report also learns of a later accusation, because nobody else knows the case that
    it made."""
    report = await handed_over(story, reporter)
    path, handed = f"/line/reports/{report}", f"/line/handed-over/{report}"
    await story.made(TIP, f"{path}/close", {"reason": "handed_over"})
    assert (await story.get(NGO, handed)).status_code == 200
    assert [one["id"] for one in (await story.get(NGO, "/line/handed-over")).json()["items"]] == [
        report
    ]
    await story.made(NGO, f"{handed}/case", {"area": "VE2313"})
    await story.made(TIP, f"{path}/close", {"reason": "advised"})
    await reporter.do("messages", text="uno de ellos trabaja donde me atienden")
    assert (await story.get(TIP, path)).json()["status"] == "open"
    await story.call(
        TIP, "PUT", f"{path}/implicated-organisations", {"organisation_ids": [str(SALUD)]}
    )
    assert (await story.told_to(NGO, report))[-2:] == ["line.report_changed"] * 2
    assert (await story.get(NGO, handed)).json()["implicated"] == [str(SALUD)]


async def test_a_report_that_the_desk_closes_for_another_reason_is_no_more_with_whom_it_was_handed_to(
    story: Story, reporter: Reporter
) -> None:
    report = await handed_over(story, reporter)
    path = f"/line/reports/{report}"
    assert code(await story.post(TIP, f"{path}/spam", {})) == (409, "conflict")
    await story.made(TIP, f"{path}/close", {"reason": "outside_scope"})
    assert (await story.get(NGO, f"/line/handed-over/{report}")).status_code == 404
    told = "SELECT 1 FROM notices WHERE organisation_id = :legal AND kind = 'line.report_changed'"
    await reporter.do("messages", text="siguen allá")
    assert await story.rows(told, legal=LEGAL) == []


async def test_who_erases_a_case_reads_the_report_no_more_that_it_was_made_of(
    story: Story, reporter: Reporter
) -> None:
    report = await handed_over(story, reporter)
    case = await story.made(NGO, f"/line/handed-over/{report}/case", {"area": "VE2313"})
    erasure = {"confirm": case["reference"], "basis": "person_request"}
    await story.made(NGO, f"/cases/{case['id']}/erase", erasure, roles=["supervisor"])
    assert (await story.get(NGO, f"/line/handed-over/{report}")).status_code == 404
    assert (await story.get(NGO, "/line/handed-over")).json()["items"] == []
    at_desk = (await story.get(TIP, f"/line/reports/{report}")).json()
    assert (at_desk["status"], at_desk["handed_to"]) == ("closed", None)
    assert len(await reporter.thread()) == 1, "the reporter's own"


async def test_a_report_that_is_given_back_is_at_the_desk_again(
    story: Story, reporter: Reporter
) -> None:
    report = await handed_over(story, reporter)
    await story.made(NGO, f"/line/handed-over/{report}/give-back", {"reason": "coverage"})
    assert (await story.get(NGO, f"/line/handed-over/{report}")).status_code == 404
    assert (await story.get(TIP, f"/line/reports/{report}")).json()["status"] == "open"


async def test_a_report_goes_to_the_desk_it_belongs_to(story: Story, reporter: Reporter) -> None:
    report = await reporter.report()
    path = f"/line/reports/{report['id']}"
    await story.made(TIP, f"{path}/reroute", {"kind": "gender_violence"})
    assert (await story.get(TIP, path)).status_code == 404
    assert (await story.get(GBV, path)).status_code == 200


async def test_a_closed_report_opens_again_when_the_reporter_writes(
    story: Story, reporter: Reporter
) -> None:
    report = await reporter.report()
    path = f"/line/reports/{report['id']}"
    await story.made(TIP, f"{path}/close", {"reason": "advised"})
    assert (await story.get(TIP, "/line/reports")).json()["items"] == []
    await reporter.do("messages", text="volvió a pasar")
    assert (await story.get(TIP, path)).json()["status"] == "open"


async def test_only_an_organisation_of_the_directory_receives_reports(
    story: Story, reporter: Reporter
) -> None:
    report = await reporter.report(wants_case=True)
    refused = await story.post(
        TIP, f"/line/reports/{report['id']}/hand-over", {"organisation_id": str(LEGAL)}
    )
    assert code(refused) == (409, "not_referable")


async def test_the_accused_neither_see_nor_decide_an_exception_for_them(
    story: Story, reporter: Reporter
) -> None:
    await story.service(LEGAL)
    report = await reporter.report()
    ask = {"organisation_id": str(LEGAL), "basis": "vital_interest", "rationale": "x" * 30}
    exception = await story.made(TIP, f"/line/reports/{report['id']}/exceptions", ask)
    chief = {"roles": ["supervisor"], "sub": "legal-chief"}
    assert (await story.get(NGO, "/line/exceptions", **chief)).json()["items"]
    marked = await story.call(
        TIP,
        "PUT",
        f"/line/reports/{report['id']}/implicated-organisations",
        {"organisation_ids": [str(LEGAL)]},
    )
    assert marked.status_code == 200, marked.text
    assert (await story.get(NGO, "/line/exceptions", **chief)).json()["items"] == []
    decide = f"/line/exceptions/{exception['id']}/decide"
    assert (await story.post(NGO, decide, {"approve": True}, **chief)).status_code == 404


async def test_the_accused_find_nothing_of_an_exception_that_they_decided(
    story: Story, reporter: Reporter
) -> None:
    """Neither the feed of the accused nor the response to the repeated command shows the exception."""
    await story.service(LEGAL)
    report = (await reporter.report())["id"]
    ask = {"organisation_id": str(LEGAL), "basis": "vital_interest", "rationale": "x" * 30}
    exception = await story.made(TIP, f"/line/reports/{report}/exceptions", ask)
    decide = f"/line/exceptions/{exception['id']}/decide"
    chief = {"roles": ["supervisor"], "sub": "legal-chief"}

    async def decided() -> int:
        approve = {"approve": True}
        again = await story.call(
            NGO, "POST", decide, approve, key="decided", roles=["supervisor"], sub="legal-chief"
        )
        return again.status_code

    assert await decided() == 200
    assert len((await story.get(NGO, "/feed", **chief)).json()["items"]) == 1
    path = f"/line/reports/{report}/implicated-organisations"
    await story.call(TIP, "PUT", path, {"organisation_ids": [str(LEGAL)]})
    assert (await story.get(NGO, "/feed", **chief)).json()["items"] == []
    assert await decided() == 404
