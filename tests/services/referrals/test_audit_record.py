"""The audit record for auditors: filtered, as a table, and with each chain recomputed."""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from common import clock
from httpx import Response
from referrals.ground.audit.span_queries import MANY_CASES

from tests.services.referrals.story import REFUGIO, SALUD, Story

AUDITOR, NGO, RECIPIENT = "auditor", "ngo-refugio", "ngo-salud"


async def entries(story: Story, query: str = "", who: str = AUDITOR) -> list[dict[str, Any]]:
    answer = await story.get(who, f"/audit?limit=500&{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_each_filter_leaves_what_it_names(story: Story) -> None:
    referral = await story.accepted()
    other = await story.case()
    whole = await entries(story)
    cases: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
        (f"organisation_id={SALUD}", lambda e: e["organisation_id"] == str(SALUD)),
        (f"doer={NGO}", lambda e: e["client"] == NGO),
        (f"case_id={other['id']}", lambda e: e["chain"] == other["id"]),
        (f"target_id={referral['id']}", lambda e: e["target_id"] == referral["id"]),
        ("action=case.registered", lambda e: e["action"] == "case.registered"),
    )
    for query, keep in cases:
        kept = [entry for entry in whole if keep(entry)]
        assert await entries(story, query) == kept != []
    with clock.shifted(timedelta(hours=2)):
        late = await story.case()
    edge = (clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    assert {e["chain"] for e in await entries(story, f"from={edge}")} == {late["id"]}
    assert late["id"] not in {e["chain"] for e in await entries(story, f"to={edge}")}


async def test_the_record_is_found_by_codes_and_what_means_nothing_is_refused(
    story: Story,
) -> None:
    referral = await story.accepted()
    (case,) = {e["chain"] for e in await entries(story, f"target_id={referral['id']}")}
    reference = (await story.get(NGO, f"/cases/{case}")).json()["reference"]
    of_case = await entries(story, f"case_id={case}")
    for code in (
        reference,
        reference.lower(),
        case[-8:].upper(),
        referral["id"][-8:].upper(),
        case,
    ):
        assert await entries(story, f"case={code}") == of_case != []
    for query, code in (
        ("case=ZZZZZ-ZZZZZ", "no_case_has_this_code"),
        ("doer=demo-supervisor", "nobody_of_this_name_in_the_record"),
    ):
        for path in ("/audit", "/audit/export"):
            refused = await story.get(AUDITOR, f"{path}?{query}")
            assert refused.status_code == 422, path
            assert refused.json()["errors"][0]["detail_code"] == code
    # A case of another organisation behaves like an unknown one.
    foreign = await story.get(RECIPIENT, f"/audit?case={reference}")
    absent = await story.get(RECIPIENT, "/audit?case=ZZZZZ-ZZZZZ")
    assert (foreign.status_code, foreign.json()["errors"]) == (422, absent.json()["errors"])


async def test_others_find_their_own_by_every_filter(story: Story) -> None:
    referral = await story.accepted()
    for query in (f"organisation_id={SALUD}", f"doer={RECIPIENT}"):
        assert await entries(story, query, who=NGO) == []
    found = await entries(story, f"case_id={referral['case_id']}", who=NGO)
    assert {entry["organisation_id"] for entry in found} == {str(REFUGIO)}


async def test_the_table_holds_what_the_list_holds(story: Story) -> None:
    await story.accepted()
    for who in (AUDITOR, NGO):
        listed = await entries(story, who=who)
        answer = await story.get(who, "/audit/export")
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(StringIO(answer.text)))
        # Ignore this read of the list, which is newer than the entries that it shows.
        kept = [row["id"] for row in rows if row["action"] != "audit.read"]
        assert kept == [entry["id"] for entry in listed]
        assert bool(rows[0]["hash"]) == (who == AUDITOR)
    looked = await entries(story, "action=audit.exported")
    assert [entry["client"] for entry in looked] == [AUDITOR]


async def test_a_look_at_the_list_stands_in_it_with_the_names_of_its_filters(story: Story) -> None:
    case = (await story.case())["id"]
    await entries(story, f"case_id={case}")
    await entries(story, f"case_id={case}", who=NGO)
    looked = await entries(story, "action=audit.read")
    assert [(entry["client"], entry["detail"]) for entry in looked] == [
        (AUDITOR, {"filters": ["case_id"]})
    ]
    assert case not in str(looked)


async def test_a_chain_adds_up_and_the_look_at_it_stands_in_the_record(story: Story) -> None:
    case = (await story.accepted())["case_id"]
    fine = (await story.get(AUDITOR, f"/audit/chains/{case}")).json()
    assert (fine["adds_up"], fine["findings"]) == (True, [])
    assert fine["entries"] == len(await entries(story, f"case_id={case}"))
    looked = await entries(story, "action=audit.verified")
    assert [(entry["client"], entry["detail"]) for entry in looked] == [(AUDITOR, {"of": case})]


async def test_only_auditors_verify_and_only_what_is_there(story: Story) -> None:
    case = (await story.case())["id"]
    assert (await story.get(NGO, f"/audit/chains/{case}")).status_code == 403
    missing = await story.get(
        AUDITOR, f"/audit/chains/{case[:-1]}{'0' if case[-1] != '0' else '1'}"
    )
    assert missing.status_code == 404


def quoted(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def statement(story: Story, who: str = AUDITOR, **ends: datetime) -> Response:
    since = quoted(ends.get("since", clock.now() - timedelta(days=1)))
    until = quoted(ends.get("until", clock.now() + timedelta(days=1)))
    return await story.get(who, f"/audit/statement?from={since}&to={until}")


async def test_a_statement_sums_up_a_span_and_verifies_its_chains(story: Story) -> None:
    case = (await story.accepted())["case_id"]
    whole = await entries(story)
    stated = (await statement(story)).json()
    read = {"audit.read": 1}  # The list was read after these entries.
    assert Counter(stated["by_action"]) == Counter(e["action"] for e in whole) + Counter(read)
    assert stated["entries"] == sum(stated["by_action"].values())
    assert (
        stated["chains_verified"]
        == stated["chains"]
        == 1 + len({e["chain"] for e in whole} | {case})
    )
    assert (stated["adds_up"], stated["findings"]) == (True, [])
    looked = await entries(story, "action=audit.stated")
    assert [entry["client"] for entry in looked] == [AUDITOR]
    later = clock.now() + timedelta(days=3)
    empty = (await statement(story, since=later, until=later + timedelta(days=1))).json()
    assert (empty["entries"], empty["by_action"], empty["patterns"]) == (0, {}, [])


async def test_a_statement_is_for_auditors_and_ends_after_it_begins(story: Story) -> None:
    assert (await statement(story, who=NGO)).status_code == 403
    for until in (clock.now() - timedelta(days=2), clock.now() + timedelta(days=400)):
        refused = await statement(story, until=until)
        assert refused.status_code == 422
        assert refused.json()["detail_code"] == "span_of_a_year_at_most"


async def test_many_cases_of_one_reader_and_readings_at_night_are_unusual(story: Story) -> None:
    cases = [(await story.case())["id"] for _ in range(MANY_CASES)]
    ana = {"sub": "ana", "client_id": "ana"}
    night = clock.begins(clock.today()) + timedelta(days=1, hours=23)
    with clock.shifted(night - clock.now()):
        for case in cases:
            await story.get(NGO, f"/cases/{case}", **ana)
    with clock.shifted(night + timedelta(hours=12) - clock.now()):
        for case in cases[:-1]:
            await story.get(NGO, f"/cases/{case}", sub="eva", client_id="eva")
        stated = (await statement(story)).json()
    found = {(one["pattern"], one["doer"]): one for one in stated["patterns"]}
    assert found["many_cases", "ana"]["cases"] == MANY_CASES
    assert found["at_night", "ana"]["organisation_id"] == str(REFUGIO)
    assert not [key for key in found if key[1] == "eva"], "one case fewer, and by day"
