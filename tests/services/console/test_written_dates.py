"""Days and times as people write them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from console import written_dates
from console.commands import Command, Field
from console.forms import Typed, body
from console.moments import Moments


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("28/11/2026", "2026-11-28"),
        (" 3-1-2026 ", "2026-01-03"),
        ("3.1.2026", "2026-01-03"),
        ("28 nov 2026", "2026-11-28"),
        ("1 de enero de 2027", "2027-01-01"),
        ("3 Sept. 2026", "2026-09-03"),
        ("3 brumario 2026", "3 brumario 2026"),
        ("2026-11-28", "2026-11-28"),
        ("31/02/2026", "31/02/2026"),
        ("11/28/2026", "11/28/2026"),
        ("mañana", "mañana"),
    ],
)
def test_a_day_is_day_month_and_year_or_stays_as_it_was_typed(typed: str, meant: str) -> None:
    assert written_dates.day(typed) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("14:30", "14:30"),
        ("14.30", "14:30"),
        ("14h30", "14:30"),
        ("9", "09:00"),
        ("2:30 pm", "14:30"),
        ("2:30 p. m.", "14:30"),
        ("12 am", "00:00"),
        ("12:05 p.m.", "12:05"),
        ("13 pm", "13 pm"),
        ("25:00", "25:00"),
        ("de tarde", "de tarde"),
    ],
)
def test_a_time_is_of_twelve_or_of_twenty_four_hours(typed: str, meant: str) -> None:
    assert written_dates.clock(typed) == meant


def test_what_the_api_is_sent_is_what_was_meant_and_a_note_stays_as_it_is() -> None:
    command = Command(
        "plan", "/x", (Field("at", "moment"), Field("due_on", "date"), Field("note", "area"))
    )
    typed = Typed(
        [
            ("plan/at", "28/11/2026 2:30 pm"),
            ("plan/due_on", "1/12/2026"),
            ("plan/note", "28/11/2026"),
        ]
    )
    assert command.made(typed, offset="-04:00") == {
        "at": "2026-11-28T14:30:00-04:00",
        "due_on": "2026-12-01",
        "note": "28/11/2026",
    }
    names = ("identity/birth_date", "name")
    typed = Typed([("identity/birth_date", "24/05/2001"), ("name", "24/05/2001")])
    assert body(typed, names) == {"identity": {"birth_date": "2001-05-24"}, "name": "24/05/2001"}


def test_a_day_of_the_api_is_shown_as_people_write_it() -> None:
    assert written_dates.written("2001-05-24") == "24/05/2001"
    assert [written_dates.written(other) for other in (None, "", "tomorrow")] == [
        "",
        "",
        "tomorrow",
    ]


def test_a_field_suggests_days_ahead_or_days_that_have_passed() -> None:
    """The first suggestion is the local day: late in the evening in Caracas it is already tomorrow in UTC."""
    late = datetime(2026, 11, 29, 2, tzinfo=UTC)
    moments = Moments("es", ZoneInfo("America/Caracas"), late)
    ahead, past = moments.near_days("plan/due_on"), moments.near_days("assistance/given_on")
    assert [ahead[0], ahead[1]] == [date(2026, 11, 28), date(2026, 11, 29)]
    assert [past[0], past[1]] == [date(2026, 11, 28), date(2026, 11, 27)]
    assert moments.near_days("identity/birth_date") == []
