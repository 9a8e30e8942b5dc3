"""Hypothesis generates random stories of people, organisations and staff on every path. `oracle` decides what each may
do and learn.

In every story nobody learns more than they may know, and the person is told the truth about who has read. Each accepted
step has its history, audit entry and event. `./ruta drills stories` runs long stories.
"""

import os
from pathlib import Path

import pytest
from referrals.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.stories.play import play

STORIES = int(os.environ.get("RUTA_STORIES", "100"))


@pytest.mark.laborious
def test_no_story_shows_what_is_not_granted_or_leaves_no_trace(
    settings: Settings, referrals_database: ServiceDatabase, tmp_path: Path
) -> None:
    play(settings, referrals_database, tmp_path, stories=STORIES, steps=12, long=False)
