"""Opening hours in words."""

import pytest
from directory.ground.hsds.opening_hours import WEEK_MINUTES
from directory.pathways.texts.hours import opening_hours

DAY = 1440


@pytest.mark.parametrize(
    ("spans", "es", "en"),
    [
        (((0, WEEK_MINUTES),), "todos los días, 24 horas", "every day, 24 hours"),
        (tuple((d * DAY + 480, d * DAY + 960) for d in range(5)),
         "lun–vie 08:00–16:00", "Mon–Fri 08:00–16:00"),
        (((480, 720), (780, 960), (2 * DAY + 480, 2 * DAY + 720)),
         "lun 08:00–12:00, 13:00–16:00; mié 08:00–12:00",
         "Mon 08:00–12:00, 13:00–16:00; Wed 08:00–12:00"),
        (((1320, DAY + 360),), "lun 22:00–24:00; mar 00:00–06:00",
         "Mon 22:00–24:00; Tue 00:00–06:00"),
    ],
)  # fmt: skip
def test_hours_are_said_by_days(spans: tuple[tuple[int, int], ...], es: str, en: str) -> None:
    assert opening_hours(spans) == {"es": es, "en": en}


def test_unknown_hours_are_not_said() -> None:
    assert opening_hours(()) is None
