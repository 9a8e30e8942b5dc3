"""Opening hours as people write them in a cell."""

import pytest
from directory.files.imports.values.opening_hours import (
    UnreadableHoursError,
    parse,
    shown,
    weekdays,
)

WEEKDAYS = "MO,TU,WE,TH,FR"


@pytest.mark.parametrize(
    ("text", "days", "opens", "closes"),
    [
        ("lun-vie 08:00-16:00", WEEKDAYS, "08:00", "16:00"),
        ("Lunes a viernes de 8:00 a 16:00", WEEKDAYS, "08:00", "16:00"),
        ("Mon-Fri 8am-4pm", WEEKDAYS, "08:00", "16:00"),
        ("Mon to Fri: 8.30 to 12:00", WEEKDAYS, "08:30", "12:00"),
        ("sáb y dom 9:00–13:00", "SA,SU", "09:00", "13:00"),
        ("miércoles 7 a.m. - 12 p.m.", "WE", "07:00", "12:00"),
        ("vie-lun 10:00-18:00", "MO,FR,SA,SU", "10:00", "18:00"),
        ("24/7", "MO,TU,WE,TH,FR,SA,SU", "00:00", "23:59"),
        ("todos los días 06:00-24:00", "MO,TU,WE,TH,FR,SA,SU", "06:00", "23:59"),
    ],
)
def test_hours_are_read(text: str, days: str, opens: str, closes: str) -> None:
    assert parse(text) == [
        {"freq": "WEEKLY", "byday": days, "opens_at": opens, "closes_at": closes}
    ]


@pytest.mark.parametrize(
    "text", ["", "previa cita", "lun-vie", "lun-vie 25:00-26:00", "lun 16:00-08:00", "Xyz 8-9"]
)
def test_what_is_not_hours_is_said_to_be_unreadable(text: str) -> None:
    with pytest.raises(UnreadableHoursError):
        parse(text)


def test_a_text_that_no_hours_have_the_length_of_is_not_looked_through() -> None:
    """Ruta rejects texts that are too long for opening hours. A quadratic pattern on one cell used to block the service
    for a minute."""
    with pytest.raises(UnreadableHoursError):
        parse("lun, " * 200 + "mar 08:00-16:00")
    with pytest.raises(UnreadableHoursError):
        weekdays("lun" + "\n" * 20_000 + "mar")


@pytest.mark.parametrize("language", ["es", "en"])
def test_what_is_shown_is_read_back(language: str) -> None:
    schedules = parse(["lun-vie 08:00-16:00; sáb 09:00-12:00; mar, jue 17:00-19:00", "/7"][0])
    assert parse(shown(schedules, language)) == schedules
