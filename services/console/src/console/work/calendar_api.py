"""The calendar of a week, printed on one page."""

from datetime import date, timedelta
from typing import Any

from console.referral_views import short_code
from console.screens.routing import Screens
from console.screens.visit import Page, Visit, shown

screens = Screens()
_WEEK = timedelta(days=7)


@screens.page("/calendar", query=("week", "mine"))
async def calendar(visit: Visit) -> Page:
    day = _day(visit.asked("week"), visit.moments.today)
    monday, mine = day - timedelta(days=day.weekday()), visit.asked("mine")
    days = [monday + timedelta(days=n) for n in range(7)]
    answer = await visit.calls.get(
        "/referrals/v1/calendar",
        start=days[0].isoformat(),
        end=days[-1].isoformat(),
        mine="true" if mine else None,
    )
    found = shown(answer)
    return Page(
        "work/templates/calendar.html",
        "title.calendar",
        {
            "days": [
                (
                    visit.say(f"weekday.{one.weekday()}"),
                    visit.moments.day(one.isoformat()),
                    [_row(row, visit) for row in found if row["on"] == one.isoformat()],
                )
                for one in days
            ],
            "before": (monday - _WEEK).isoformat(),
            "after": (monday + _WEEK).isoformat(),
            "this": monday.isoformat(),
            "mine": mine,
        },
    )


def _day(text: str, today: str) -> date:
    """Return the day in the URL, or today if that day is invalid or outside the calendar."""
    try:
        day = date.fromisoformat(text)
        return day if 2000 <= day.year <= 2099 else date.fromisoformat(today)
    except ValueError:
        return date.fromisoformat(today)


def _row(row: dict[str, Any], visit: Visit) -> dict[str, str]:
    of_referral = row["kind"] == "referral"
    return {
        "at": f"{visit.moments.local(row['at']):%H:%M}" if row["at"] else row["clock"] or "",
        "what": visit.say(
            "calendar.referral" if of_referral else f"entry.{row['kind']}",
        ),
        "code": str(row["case_reference"] or short_code(row["id"])),
        "word": visit.say.case_word(row["word"]),
        "path": f"/console/referrals/{row['referral_id']}"
        if of_referral
        else f"/console/cases/{row['case_id']}/entries/{row['id']}",
    }
