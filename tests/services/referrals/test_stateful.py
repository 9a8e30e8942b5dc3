"""Hypothesis plays random stories of several people, organisations and their staff on every road, and `oracle` says
what each may do and be told.

In every story: nobody is told what they may not know, the person is told the truth about who had read, and no
accepted step is without its history, its audit entry and its event. `./ruta drills stories` plays long ones.
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
