"""The service page, from which a caseworker explains the service to a person."""

from console.codes import Codes
from console.services import api
from console.texts import wording

SERVICE = {
    "name": "Clínica",
    "phones": [{"number": "+58 000 000-0004"}],
    "schedules": [
        {"byday": "MO,TU", "opens_at": "08:00", "closes_at": "16:00"},
        {"byday": "WE", "opens_at": "08:00", "closes_at": "16:00"},
        {"byday": "MO,TU,WE,TH,FR,SA,SU", "opens_at": "00:00", "closes_at": "23:59"},
        {"description": "Feriados, hasta el mediodía"},
    ],
    "required_documents": [{"document": "Cédula, si la tiene"}],
    "service_areas": [{"extent": "VE2313"}],
    "organization": {"name": "Salud"},
    "capacity_state": "accepting",
    "languages": [{"code": "spa", "name": "Spanish"}],
}


def test_hours_are_told_by_day_and_what_to_bring_and_where_stand_beside() -> None:
    said = dict(api.facts(SERVICE, wording("es"), Codes("es")))
    assert said["Horario"] == [
        "lun., mar., mié.: 08:00–16:00",
        "todos los días: las 24 horas",
        "Feriados, hasta el mediodía",
    ]
    assert said["Qué llevar"] == ["Cédula, si la tiene"]
    assert said["Cómo llegar"] == ["Maracaibo, Zulia"]
    assert said["Idiomas"] == ["Español"]
    assert api.phones(SERVICE) == ["+58 000 000-0004"]


def test_an_address_is_told_with_how_to_get_there_where_it_is_shown() -> None:
    place = {"name": "Sede", "addresses": [{"address_1": "Av. 5"}], "transportation": "Bus 2"}
    service = {**SERVICE, "service_at_locations": [{"location": place}]}
    assert api.places(service, Codes("es")) == ["Sede, Av. 5, Bus 2"]
    assert "Idiomas" not in dict(
        api.facts({**service, "languages": []}, wording("es"), Codes("es"))
    )
