"""Runs any number of random stories on all paths."""

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test
from referrals.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.stories.consents import Consents
from tests.services.referrals.stories.custody import Custody
from tests.services.referrals.stories.doubles import Doubles
from tests.services.referrals.stories.entries import Entries
from tests.services.referrals.stories.intake import Intake
from tests.services.referrals.stories.line import Line
from tests.services.referrals.stories.looks import PARTS, Looks
from tests.services.referrals.stories.messages import Messages
from tests.services.referrals.stories.pages import Pages
from tests.services.referrals.stories.past import Backups
from tests.services.referrals.stories.sent_referrals import Sending
from tests.services.referrals.stories.stage import Stage
from tests.services.referrals.stories.steps import Steps
from tests.services.referrals.stories.world import NGOS
from tests.services.referrals.story import REFUGIO, SALUD
from tests.services.referrals.test_every_list import asked


class Stories(
    Line,
    Doubles,
    Entries,
    Consents,
    Sending,
    Steps,
    Custody,
    Intake,
    Messages,
    Backups,
    Pages,
    Looks,
):
    """All roads."""

    @initialize(
        data=st.data(), last=st.integers(0, 41), part=st.integers(0, PARTS - 1), short=st.booleans()
    )
    def begin(self, data: Any, last: int, part: int, short: bool) -> None:
        """Begin a story. `last` is the caller who reads at its end, on this `part` of the paths. First write a note
        about the person and refer her, because hardly any story gets that far by chance."""
        self.last, self.part, self.lists = last, part, sorted(asked(self.scene.app))
        for each in NGOS:
            self.services[each] = self.run(self.story.service(each, areas=("VE01",)))
        self.form_a_team(SALUD, outside=False)
        self.register(REFUGIO, False)
        for kind in ("comment", "note"):
            self.write(self.chief(REFUGIO), self.cases[0], kind)
        self.refer_at_once(data, SALUD, {"name", "situation"}, together=True, short=short)


def play(
    settings: Settings,
    database: ServiceDatabase,
    folder: Path,
    *,
    stories: int,
    steps: int,
    long: bool,
) -> None:
    """Run the stories. With `long`, run new stories each time, and read everywhere in the middle too. Report a failure
    at once, without shrinking."""
    stage = Stage(settings, database)
    stage.loop.run_until_complete(stage.open(folder))
    machine = type("Played", (Stories,), {"stage": stage, "long": long})
    try:
        run_state_machine_as_test(
            machine,
            settings=hypothesis_settings(
                max_examples=stories,
                stateful_step_count=steps,
                deadline=None,
                derandomize=not long,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate] if long else [Phase.generate, Phase.shrink],
            ),
        )
    finally:
        stage.loop.run_until_complete(stage.close())
        stage.loop.close()
