"""Who answers what is only asked: a standby, or the primary, and then why. A new route joins the list by itself
failing here, and somebody decides."""

import csv
from pathlib import Path

import pytest
from common.settings import StandbySettings
from referrals.settings import Settings as ReferralsSettings
from reporting.app import ROUTERS as REPORTING
from services_directory.app import ROUTERS as DIRECTORY

from tests.support.standbys import answered_by, questions

_LIST = Path(__file__).with_name("questions.csv")


@pytest.fixture(scope="module")
def listed() -> dict[str, tuple[str, str]]:
    with _LIST.open(encoding="utf-8", newline="") as file:
        return {row["route"]: (row["answered_by"], row["why"]) for row in csv.DictReader(file)}


def _found() -> dict[str, str]:
    return {
        f"{method} {route.path}": answered_by(route)
        for route in questions((*DIRECTORY, *REPORTING))
        for method in sorted(route.methods - {"HEAD"})
    }


def test_it_is_decided_for_each_question_who_answers_it(
    listed: dict[str, tuple[str, str]],
) -> None:
    assert {route: who for route, (who, _) in listed.items()} == _found(), (
        "A route that asks is answered by a standby if its router says from_standby=True and the route not"
        f" AtPrimary (common.web). Decide, and write it into {_LIST.name}: what is itself recorded in the"
        " same transaction, what is read in order to be written, what is long, stays with the primary."
    )


def test_what_stays_with_the_primary_says_why(listed: dict[str, tuple[str, str]]) -> None:
    assert not [route for route, (who, why) in listed.items() if (who == "primary") != bool(why)]


def test_referrals_know_of_no_standby() -> None:
    """What is read there decides what moves, and is recorded: decision 0173."""
    assert not issubclass(ReferralsSettings, StandbySettings)
