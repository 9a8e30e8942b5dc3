"""Ruta determines at sending time whom to notify, by the rights that the issuer reports then."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from common import clock

from tests.services.referrals.line_words import GBV, TIP, Reporter
from tests.services.referrals.rounds import ZONE
from tests.services.referrals.story import LEGAL
from tests.services.referrals.test_channels import MAILBOX, World, world
from tests.support.rights import people_told, standing

__all__ = ["world"]
NOTHING_ELSE: Mapping[str, Mapping[str, Any]] = {}
CHIEF = "jefa@salud.example.org"
WORKER, SUPERVISOR = "ngo-salud", "ngo-salud-supervisor"


async def told(world: World, rights: Mapping[str, Mapping[str, Any]] = NOTHING_ELSE) -> None:
    """Report rights as the issuer does: those of the recipient's two people, and these."""
    answer = await people_told(world.story.client, {WORKER: {}, SUPERVISOR: {}, **rights})
    assert answer.status_code == 204, answer.text


def reached(world: World) -> list[str]:
    found = sorted(str(mail["To"]) for mail in world.mail.mails)
    world.mail.mails.clear()
    return found


@pytest.mark.parametrize(
    "gone",
    [
        {"roles": ["caseworker"]},  # Demoted.
        {"organisation_id": str(LEGAL)},  # Moved.
        {"roles": ["reader"]},
        {"scopes": ["directory:read"]},
    ],
)
async def test_whoever_lost_the_right_hears_no_supervisors_matter_that_waited(
    world: World, gone: Mapping[str, Any]
) -> None:
    made = await world.channel()
    await world.channel("ngo-salud-supervisor", address=CHIEF)
    world.mail.refused[MAILBOX] = "550 5.1.1 no such user"
    await world.story.sent(urgency="emergency")
    await world.told()
    assert CHIEF in reached(world)
    # The notice that a channel is off is queued while they may still receive it. It waits half an hour.
    assert await world.story.told_to("ngo-salud-supervisor", made["id"])
    await world.told()
    assert (reached(world), (await world.pings()).count("waiting")) == ([], 1)
    with clock.shifted(timedelta(hours=1)):
        await told(world, {SUPERVISOR: gone})
        await world.told()
    assert reached(world) == []


async def test_a_promoted_colleague_hears_what_supervisors_hear(world: World) -> None:
    await world.channel()
    await told(world, {WORKER: {"roles": ["supervisor"]}})
    other = await world.channel("ngo-salud-supervisor", address=CHIEF)
    world.mail.refused[CHIEF] = "550 5.1.1 no such user"
    await world.story.sent()
    await world.told()
    reached(world)
    with clock.shifted(timedelta(hours=1)):
        await world.told()
    assert reached(world) == [MAILBOX]
    assert await world.story.told_to("ngo-salud-supervisor", other["id"]) == [
        "channel.switched_off"
    ]


async def test_whoever_has_gone_is_told_nothing_and_is_not_reachable_in_the_rota(
    world: World,
) -> None:
    await world.channel()
    await told(world)
    now = clock.now()
    shift = {
        "person": "ngo-salud",
        "starts_at": (now - timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
    }
    made = await world.story.made("ngo-salud-supervisor", "/on-call", shift)
    assert made["reachable"] is True
    answer = await people_told(world.story.client, {SUPERVISOR: {}})
    assert answer.status_code == 204
    await world.story.sent(urgency="emergency")
    assert await world.told() == 0
    assert reached(world) == []
    (seen,) = (await world.story.get("ngo-salud-supervisor", "/on-call")).json()
    assert seen["reachable"] is False
    refused = await world.story.post("ngo-salud-supervisor", "/on-call", shift)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/person")


async def test_who_is_away_is_told_nothing_until_they_are_back_and_the_rota_passes_them_over(
    world: World,
) -> None:
    await world.channel()
    await told(world)
    today = clock.today()

    async def away(first: date, last: date) -> int:
        days = {"away_from": first.isoformat(), "away_until": last.isoformat()}
        answer = await world.story.call("ngo-salud", "PUT", "/channels/away", days)
        return answer.status_code

    assert await away(today - timedelta(days=3), today - timedelta(days=1)) == 422
    assert await away(today, today - timedelta(days=1)) == 422
    assert await away(today - timedelta(days=1), today + timedelta(days=2)) == 200
    now = clock.now()
    shift = {
        "person": "ngo-salud",
        "starts_at": (now + timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1, hours=8)).isoformat(),
    }
    refused = await world.story.post("ngo-salud-supervisor", "/on-call", shift)
    assert refused.status_code == 422, refused.text
    assert "away" in refused.json()["errors"][0]["detail"]
    later = {**shift, "starts_at": (now + timedelta(days=4)).isoformat()}
    later["ends_at"] = (now + timedelta(days=4, hours=8)).isoformat()
    planned = await world.story.made("ngo-salud-supervisor", "/on-call", later)
    assert planned["reachable"] is False
    # The issuer sends all rights again, without absences.
    await told(world)
    await world.story.sent(urgency="emergency")
    await world.told()
    assert reached(world) == []
    with clock.shifted(timedelta(days=3)):
        await world.story.sent(urgency="emergency")
        await world.told()
    assert reached(world) == [MAILBOX]
    back = await world.story.call("ngo-salud", "PUT", "/channels/away", {})
    assert back.json() == {"away_from": None, "away_until": None}
    assert (await world.story.get("ngo-salud", "/channels/away")).json() == back.json()


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("pace", "urgency"), [("at_once", "routine"), ("emergencies", "emergency")]
)
async def test_who_comes_back_hears_once_that_something_waits(
    world: World, early: bool, pace: str, urgency: str
) -> None:
    await world.channel(pace=pace)
    await told(world)
    today = clock.today()
    days = {"away_from": str(today), "away_until": str(today + timedelta(days=3))}
    away = await world.story.call("ngo-salud", "PUT", "/channels/away", days)
    assert away.status_code == 200, away.text
    for _ in range(2):
        await world.story.sent(urgency=urgency)
    await world.told()
    assert reached(world) == []
    with clock.shifted(timedelta(days=2 if early else 5)):
        if early:
            assert await world.told() == 0
            await world.story.call("ngo-salud", "PUT", "/channels/away", {})
        await world.told()
        assert reached(world) == [MAILBOX], "one message for all of it"
        await world.told()
    assert reached(world) == []


@pytest.mark.parametrize("ends", ["as said", "early", "late"])
@pytest.mark.parametrize("waits", ["for the end of quiet hours", "for its next try"])
async def test_leave_from_midnight_holds_what_waited_until_the_morning_after_it(
    world: World, waits: str, ends: str
) -> None:
    """The emergency arrived before midnight in Caracas, when leave begins and ends, so the next person on call is
    notified."""
    first = clock.today() + timedelta(days=1)

    async def at(day: date, hour: int, minute: int) -> list[str]:
        """Return the people who had been notified by then."""
        moment = datetime.combine(day, time(hour, minute), ZONE)
        with clock.shifted(moment - clock.now()):
            await world.told()
        return reached(world)

    async def away(last: date | None, now: datetime) -> None:
        days = {"away_from": str(first), "away_until": str(last)} if last else {}
        with clock.shifted(now - clock.now()):
            said = await world.story.call(WORKER, "PUT", "/channels/away", days)
        assert said.status_code == 200, said.text

    last = first + timedelta(days=2)
    wakes = waits == "for its next try"
    await world.channel(quiet_from="22:00", quiet_until="06:00", wakes=wakes)
    await world.channel(SUPERVISOR, address=CHIEF)
    await told(world)
    eve = datetime.combine(first - timedelta(days=1), time(23, 58), ZONE)
    with clock.shifted(eve - clock.now()):
        for rank, person in enumerate((WORKER, SUPERVISOR), 1):
            shift = {
                "person": person,
                "rank": rank,
                "starts_at": (eve - timedelta(hours=1)).isoformat(),
                "ends_at": (eve + timedelta(seconds=90)).isoformat(),
            }
            await world.story.made(SUPERVISOR, "/on-call", shift)
        if wakes:
            world.mail.refused[MAILBOX] = "451 4.3.0 try later"
        await world.story.sent(urgency="emergency")
    await away(last, eve)
    assert await at(eve.date(), 23, 59) == []
    world.mail.refused.clear()
    assert await at(first, 0, 10) == [CHIEF]
    assert await at(first, 6, 1) == []
    noon = datetime.combine(last, time(12), ZONE)
    match ends:
        case "early":
            await away(None, noon)
            assert await at(last, 12, 1) == [MAILBOX]
        case "late":
            last += timedelta(days=7)
            await away(last, noon)
            assert await at(last, 23, 59) == []
    assert await at(last + timedelta(days=1), 0, 1) == []
    assert await at(last + timedelta(days=1), 7, 59) == []
    assert await at(last + timedelta(days=1), 8, 1) == ([] if ends == "early" else [MAILBOX])


@pytest.mark.parametrize(
    ("urgency", "rights"),
    [("routine", {}), ("emergency", {"roles": ["reader"]})],
)
async def test_who_comes_back_hears_nothing_that_is_not_for_them(
    world: World, urgency: str, rights: Mapping[str, Any]
) -> None:
    """A returning person gets no message that is not for them. Routine messages do not fit this channel's pace, and one
    person was demoted in the meantime."""
    await world.channel(pace="emergencies")
    await told(world)
    today = clock.today()
    days = {"away_from": str(today), "away_until": str(today)}
    await world.story.call("ngo-salud", "PUT", "/channels/away", days)
    await world.story.sent(urgency=urgency)
    await world.told()
    with clock.shifted(timedelta(days=3)):
        await told(world, {WORKER: rights})
        await world.told()
    assert reached(world) == []


async def test_a_shift_names_somebody_of_the_own_organisation(world: World) -> None:
    await told(
        world,
        {
            "ngo-refugio": {},
            "auditor": {"organisation_id": standing("ngo-salud")["organisation_id"]},
        },
    )
    now = clock.now()
    for person in ("nobody", "ngo-refugio", "auditor", "Ngo-Salud"):
        shift = {
            "person": person,
            "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(hours=1)).isoformat(),
        }
        refused = await world.story.post("ngo-salud-supervisor", "/on-call", shift)
        assert refused.status_code == 422, refused.text
        assert "colleagues" in refused.text
    assert (await world.story.get("ngo-salud-supervisor", "/on-call")).json() == []


async def test_only_the_front_says_rights_and_an_older_page_changes_nothing(world: World) -> None:
    refused = await people_told(world.story.client, {}, scope="admin referrals:write")
    assert refused.status_code == 403
    await world.channel()
    await told(world)
    before = clock.now().timestamp() - 60
    older: list[dict[str, dict[str, Any]]] = [{}, {WORKER: {"roles": ["reader"]}}]
    for page in older:
        answer = await people_told(world.story.client, page, as_of=before)
        assert answer.status_code == 204
    await world.story.sent(urgency="emergency")
    await world.told()
    assert reached(world) == [MAILBOX]


async def test_a_page_says_nothing_of_who_stands_on_another(world: World) -> None:
    await world.channel()
    await told(world)
    for after, until in (("", "ngo"), ("ngo-salud", "ngo-salud-supervisor"), ("ngo-salud-t", None)):
        await people_told(world.story.client, {}, after=after, until=until)
    names = [row[0] for row in await world.story.rows("SELECT subject FROM known_people")]
    assert names == ["ngo-salud"]
    await people_told(world.story.client, {}, after="ngo", until="ngo-salud")
    assert await world.story.rows("SELECT 1 FROM known_people") == []


async def test_somebody_in_danger_now_is_told_to_whoever_coordinates_the_line(
    world: World,
) -> None:
    """Current rights decide who gets a notice. Coordinators of other areas and former coordinators get none."""
    reporter, story = Reporter(world.story), world.story
    await world.channel("tip-coordinator", address="tip@example.org")
    await world.channel("gbv-coordinator", address="gbv@example.org")
    await reporter.report(urgent=False)
    await world.told()
    assert reached(world) == []
    report = await reporter.report(urgent=True)
    await world.told()
    assert reached(world) == ["tip@example.org"]
    assert "line.report_urgent" in await story.told_to(TIP, report["id"])
    with clock.shifted(timedelta(minutes=6)):
        await people_told(story.client, {TIP: {"areas": ["VE07"]}, GBV: {}})
        await reporter.report(urgent=True, area="VE2313")
        await world.told()
        assert reached(world) == []
        await people_told(story.client, {TIP: {"roles": ["reader"]}, GBV: {}})
        await reporter.report(urgent=True, area="VE0701")
        await world.told()
    assert reached(world) == []


async def test_the_page_of_the_line_says_when_somebody_is_told_and_never_more(
    world: World,
) -> None:
    """The page shows the slowest desk's time while the topic is unknown. Once the report has arrived, it shows the time
    of its own desk."""
    story, reporter = world.story, Reporter(world.story)
    asked = "/line?language=en"

    async def page() -> str:
        return (await story.get("anonymous", asked)).text

    async def receipt(kind: str) -> str:
        fields = {"form": await reporter.form(), "kind": kind, "text": f"x {kind}", "urgent": "yes"}
        return (await story.form(asked, fields)).text

    assert "Nobody is on duty now" in await page()
    assert "Nobody is on duty now" in await receipt("trafficking")
    now = clock.now().astimezone(ZONE)
    quiet = {
        "wakes": False,
        "quiet_from": (now - timedelta(hours=1)).strftime("%H:%M"),
        "quiet_until": (now + timedelta(hours=1)).strftime("%H:%M"),
    }
    await world.channel("tip-coordinator", address="tip@example.org")
    await world.channel("gbv-coordinator", address="gbv@example.org")
    assert "Nobody is on duty now" in await page()
    assert "We are notifying the person on duty now" in await receipt("trafficking")
    await world.told()
    late = await world.channel("cp-coordinator", address="cp@example.org", **quiet)
    assert f"at {quiet['quiet_until']}. Nobody is notified before then" in await page()
    assert f"at {quiet['quiet_until']}. Nobody is notified before then" in await receipt("child")
    form = (await story.get("anonymous", "/line/form")).json()
    assert clock.now() < datetime.fromisoformat(form["urgent_told_at"])
    await story.call("cp-coordinator", "PUT", f"/channels/{late['id']}/wishes", {"language": "es"})
    assert "we notify the person on duty at once" in await page()
    # A channel whose last message failed does not count for the promised time.
    world.mail.refused["tip@example.org"] = "451 4.3.0 try later"
    await receipt("other")
    with clock.shifted(timedelta(minutes=6)):
        await world.told()
    assert "Nobody is on duty now" in await page()
