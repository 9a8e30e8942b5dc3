"""The doer is a person, or a client that acts for itself, never the client through which a person signs in."""

import re
from pathlib import Path

import pytest
from common.auth import Principal
from common.errors import Problem
from common.two_people import refuse_alone, refuse_same_person
from common.words.details import Detail

SERVICES = Path(__file__).resolve().parents[2] / "services"
# The holder of a certificate may be named by either identifier.
_NO_RECORD = {"training/service.py": 2}


def test_the_doer_is_the_person_and_a_client_by_itself_is_its_own() -> None:
    assert Principal("ruta-console", "0190").subject == "0190"
    assert Principal("ngo-refugio", "ngo-refugio").subject == "ngo-refugio"


CLOSED = Detail.of("case_is_closed")


def test_no_service_records_the_client_of_a_caller() -> None:
    found: dict[str, int] = {}
    for path in SERVICES.rglob("src/**/*.py"):
        number = len(re.findall(r"\b(?:caller|principal)\.client_id\b", path.read_text()))
        if number:
            found["/".join(path.parts[-2:])] = number
    assert found == _NO_RECORD


def test_two_people_are_two_subjects() -> None:
    by_browser = Principal("ruta-console", "0190")
    refuse_same_person(by_browser, "ruta-console", None, because=Detail("case_is_closed"))
    with pytest.raises(Problem, match="The case is closed"):
        refuse_same_person(by_browser, "somebody", "0190", because=Detail("case_is_closed"))


def test_nobody_stands_for_it_alone_in_several_parts() -> None:
    person = Principal("ruta-console", "0190")
    refuse_alone(person, "0190", "somebody", because=Detail("case_is_closed"))
    for earlier in ((), ("0190", None), ("0190", "0190")):
        with pytest.raises(Problem, match="The case is closed"):
            refuse_alone(person, *earlier, because=Detail("case_is_closed"))
