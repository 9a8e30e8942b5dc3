"""`up --demo` creates one fictional person per role and prints how to sign in as each."""

import re

import httpx
import pytest
from common.auth import Role
from stack.demo.people import PEOPLE, DemoPerson, make_people

from tests.support.system import System

pytestmark = pytest.mark.system
# These scopes belong to machines, the partners' systems.
OF_MACHINES = {Role.PARTNER}


def test_there_is_a_person_for_each_role_of_people() -> None:
    assert {person.role for person in PEOPLE} == set(Role) - OF_MACHINES


@pytest.mark.parametrize(
    "person",
    [PEOPLE[0], *(pytest.param(person, marks=pytest.mark.slow) for person in PEOPLE[1:])],
    ids=lambda person: person.sign_in_name,
)
def test_what_the_command_says_signs_the_person_in(system: System, person: DemoPerson) -> None:
    name, role = person.sign_in_name, person.role
    said = dict(
        re.split(r"  +", line, maxsplit=1)
        for line in system.ruta("person", "code", name).stdout.splitlines()
    )
    with httpx.Client(base_url=system.state.url, follow_redirects=True) as browser:
        page = browser.get("/session/start", params={"return_to": "/session"})
        ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)
        assert ticket
        form = {
            "ticket": ticket[1],
            "sign_in_name": said["sign-in name"],
            "password": said["password"],
            "code": said["code"].split()[0],
        }
        session = browser.post("/oauth/authorize", data=form).json()
    assert (session["sign_in_name"], session["roles"]) == (name, [role])


def test_a_second_start_leaves_them_as_they_are_and_a_lost_file_is_made_anew(
    system: System,
) -> None:
    file = system.layout.people_file
    before = file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    make_people(system.running)
    assert file.read_text() == before
    file.unlink()
    make_people(system.running)
    assert file.read_text() != before
    assert file.stat().st_mode & 0o077 == 0
