"""Who gets a notice and when, and that its text reveals nothing. These tests are pure."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from common.ids import new_id
from common.messages.addresses import NotAnAddress, mailbox, telephone
from common.messages.retries import PAUSES, next_attempt
from common.words.languages import LANGUAGES, page_language
from hypothesis import given
from hypothesis import strategies as st
from referrals.ground.notices.kinds import NoticeKind
from referrals.telling.channels.kinds import ChannelKind, Pace, masked
from referrals.telling.channels.messages import (
    Listener,
    Matter,
    after_report,
    code,
    concerned,
    due_at,
    something_new,
    turns,
)
from referrals.telling.channels.wake_ups import Side, Telling, telling

CARACAS = ZoneInfo("America/Caracas")
SENDER, RECIPIENT = new_id(), new_id()
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def listener(person: str = "ana", *, supervisor: bool = False, **changes: Any) -> Listener:
    given: dict[str, Any] = {"pace": Pace.AT_ONCE, **changes}
    return Listener(new_id(), person, supervisor=supervisor, **given)


def matter(kind: NoticeKind, organisation: UUID = RECIPIENT, **changes: Any) -> Matter:
    given: dict[str, Any] = {"sides": (SENDER, RECIPIENT), **changes}
    return Matter(kind, organisation, **given)


@pytest.mark.parametrize(
    ("kind", "to_sender", "to_recipient"),
    [
        (NoticeKind.REFERRAL_SENT, False, True),
        (NoticeKind.REFERRAL_ACCEPTED, True, False),
        (NoticeKind.REFERRAL_DECLINED, True, False),
        (NoticeKind.REFERRAL_WITHDRAWN, True, True),
        (NoticeKind.REFERRAL_ACKNOWLEDGED, False, False),
        (NoticeKind.TRANSFER_OFFERED, False, True),
    ],
)
def test_nobody_is_told_of_what_their_own_side_did(
    kind: NoticeKind, to_sender: bool, to_recipient: bool
) -> None:
    ana = listener()
    assert bool(concerned(matter(kind, SENDER), [ana])) is to_sender
    assert bool(concerned(matter(kind, RECIPIENT), [ana])) is to_recipient


def test_a_queue_with_a_team_tells_the_team_and_supervisors() -> None:
    ana, luis, chief = listener("ana"), listener("luis"), listener("rosa", supervisor=True)
    told = concerned(matter(NoticeKind.REFERRAL_SENT, team=frozenset({"luis"})), [ana, luis, chief])
    assert told == [luis, chief]


def test_what_a_supervisor_decides_is_told_to_supervisors() -> None:
    ana, chief = listener("ana"), listener("rosa", supervisor=True)
    for asked in (
        matter(NoticeKind.BREAK_GLASS_ASKED, sides=None),
        matter(NoticeKind.REFERRAL_REMINDER, for_supervisor=True),
    ):
        assert concerned(asked, [ana, chief]) == [chief]


def test_an_emergency_goes_up_the_chain_and_then_to_everybody() -> None:
    first, second, other = listener("ana"), listener("luis"), listener("rosa")
    urgent = matter(NoticeKind.REFERRAL_SENT, urgency="emergency")
    ten = timedelta(minutes=10)
    told = turns(urgent, [other, second, first], ["ana", "luis"], ten)
    assert {t.listener.person: t.after for t in told} == {
        "ana": timedelta(0),
        "luis": ten,
        "rosa": 2 * ten,
    }
    # A person on call who cannot be reached costs no time. Without a rota nobody waits.
    told = turns(urgent, [other, second], ["ana", "luis"], ten)
    assert {t.listener.person: t.after for t in told} == {"luis": timedelta(0), "rosa": ten}
    assert {t.after for t in turns(urgent, [other, second], [], ten)} == {timedelta(0)}


def test_only_emergencies_reach_who_asked_for_nothing_else() -> None:
    ana = listener(pace=Pace.EMERGENCIES)
    ten = timedelta(minutes=10)
    assert turns(matter(NoticeKind.REFERRAL_SENT, urgency="urgent"), [ana], [], ten) == []
    assert turns(matter(NoticeKind.REFERRAL_SENT, urgency="emergency"), [ana], [], ten)


def at(hour: int, minute: int = 0, day: int = 3) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=CARACAS)


WAKES, DAY, PACE = Telling.CHAIN, Telling.AT_ONCE, Telling.PACE


@pytest.mark.parametrize(
    ("moment", "how", "changes", "due"),
    [
        (at(22), PACE, {}, at(6, 30, day=4)),
        (at(3), PACE, {}, at(6, 30)),
        (at(6, 30), PACE, {}, at(6, 30)),
        (at(12), PACE, {}, at(12)),
        (at(3), WAKES, {}, at(3)),
        (at(3), DAY, {}, at(6, 30)),
        (at(12), DAY, {}, at(12)),
        (at(3), WAKES, {"wakes": False}, at(6, 30)),
        (at(12), WAKES, {"wakes": False}, at(12)),
        (at(9), PACE, {"pace": Pace.DIGEST}, at(8, day=4)),
        (at(7), PACE, {"pace": Pace.DIGEST}, at(8)),
        (at(9), WAKES, {"pace": Pace.DIGEST}, at(9)),
        (at(9), DAY, {"pace": Pace.DIGEST}, at(9)),
    ],
)
def test_quiet_hours_and_digests_move_the_moment(
    moment: datetime, how: Telling, changes: dict[str, Any], due: datetime
) -> None:
    ana = listener(quiet_from=time(21), quiet_until=time(6, 30), **changes)
    assert due_at(ana, moment.astimezone(UTC), CARACAS, how) == due


WAKING = """
referral.sent                   emergency  recipient
referral.reminder               emergency  recipient sender
referral.supervisor             emergency  recipient
referral.unheard                emergency  recipient sender
referral.info_requested         emergency  sender
referral.waitlisted             emergency  sender
referral.declined               emergency  sender
referral.not_delivered          emergency  sender
referral.service_not_referable  emergency  sender
referral.alternative            emergency  sender
referral.expiry                 emergency  sender
referral.expired                emergency  sender
break_glass.asked               any        alone
line.report_urgent              any        alone
organisation.unheard            any        alone
"""
"""What this side has to act on now; an accepted or completed emergency waits for the sender's morning."""


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("urgency", ["emergency", "urgent", "routine", None])
@pytest.mark.parametrize("side", Side)
def test_what_wakes_is_what_the_page_says(kind: NoticeKind, urgency: str, side: Side) -> None:
    rows = {row[0]: row[1:] for line in WAKING.split("\n") if (row := line.split())}
    when, *sides = rows.get(kind.value, ["none"])
    wakes = when in (urgency, "any") and side.value in sides
    assert (telling(kind, urgency, side) is Telling.CHAIN) is wakes
    emergency = urgency == "emergency" or when == "any"
    assert (telling(kind, urgency, side) is Telling.PACE) is not emergency


def test_a_thousand_reports_of_the_line_are_one_message_in_five_minutes() -> None:
    now, five, last = at(12), timedelta(minutes=5), None
    due = set()
    for second in range(1000):
        moment = now + timedelta(seconds=second)
        last = after_report(moment, last, moment)
        due.add(last)
        assert moment <= last <= moment + five
    assert due == {now, now + five, now + 2 * five, now + 3 * five, now + 4 * five}


def test_a_report_goes_to_whoever_coordinates_it_there() -> None:
    ana = listener("ana", works=False, coordinates=frozenset({"TIP"}), states=frozenset({"VE23"}))
    chief = listener("rosa", supervisor=True)
    for aor, area, told in (
        ("TIP", "VE23", [ana]),
        ("TIP", None, [ana]),
        ("TIP", "VE07", []),
        ("GBV", "VE23", []),
    ):
        urgent = matter(NoticeKind.LINE_REPORT_URGENT, sides=None, aor=aor, area=area)
        assert concerned(urgent, [ana, chief]) == told


@given(st.times(), st.times(), st.integers(0, 525_600), st.booleans())
def test_nothing_is_told_before_it_happened_nor_more_than_a_day_later(
    start: time, end: time, minutes: int, emergency: bool
) -> None:
    quiet: dict[str, Any] = {"quiet_from": start, "quiet_until": end}
    ana = listener(pace=Pace.DIGEST if emergency else Pace.AT_ONCE, **quiet)
    how = Telling.CHAIN if emergency else Telling.PACE
    aware = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = due_at(ana, aware, CARACAS, how)
    assert aware <= found <= aware + timedelta(days=1, minutes=1) or start == end


def test_the_texts_fit_one_short_message_and_name_nothing() -> None:
    front = "https://ruta.proteccion-venezuela.example.org"
    for language in LANGUAGES:
        for message in (
            something_new(page_language(language, None), front),
            code(page_language(language, None), "40291735"),
        ):
            assert set(message.text) <= GSM - {"{"}, set(message.text) - GSM
            assert len(message.text) <= 160
            assert message.subject == "Ruta"


def test_retries_last_longer_than_a_day_and_wait_as_they_are_asked() -> None:
    now = datetime(2026, 3, 3, tzinfo=UTC)
    assert sum(PAUSES) > 24 * 3600
    assert max(PAUSES) <= 2 * 3600  # Limits the wait once a relay works again.
    assert next_attempt(len(PAUSES) + 1, now, 0) is None
    later = next_attempt(1, now, 0, timedelta(hours=2))
    assert later == now + timedelta(hours=2)


def test_addresses_are_read_as_people_write_them_and_shown_as_little() -> None:
    assert telephone("0058 (412) 555-0101") == telephone("+58 412 5550101") == "+584125550101"
    assert mailbox(" Guardia@EXAMPLE.org ") == "Guardia@example.org"
    assert masked(ChannelKind.SMS, "+584125550101") == "+58…01"
    assert masked(ChannelKind.EMAIL, "guardia@example.org") == "g…@example.org"
    for wrong in ("412 5550101", "+0412", "+58 412 📱", "guardia"):
        with pytest.raises(NotAnAddress) as refused:
            telephone(wrong)
        assert wrong not in str(refused.value)
    for wrong in ("guardia", "a@b@c", "a b@example.org", "x@example.org, y@example.org"):
        with pytest.raises(NotAnAddress):
            mailbox(wrong)
