"""The whole story through the gateway, including runs with killed processes."""

import io

import pytest
from rich.console import Console
from stack.commands.demo import play
from stack.demo.storyteller import Storyteller
from stack.embedded.connection import RunningStack

from tests.support.system import System, until

pytestmark = pytest.mark.system


def told(running: RunningStack) -> Storyteller:
    return play(running, Console(file=io.StringIO()))


def test_the_story_holds_from_the_search_to_the_release(system: System) -> None:
    teller = told(system.running)
    assert teller.steps > 40
    called = {(method, path.split("/")[1]) for _, method, path, _ in teller.log}
    assert {"directory", "referrals", "reports"} <= {service for _, service in called}


def test_the_story_holds_a_second_time_on_the_same_data(system: System) -> None:
    told(system.running)
    told(system.running)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["directory", "referrals", "reporting", "issuer", "gateway"])
def test_a_killed_process_is_started_again(system: System, name: str) -> None:
    former = system.kill(name)
    until(lambda: system.restarted(name, former), f"{name} is up again")
