"""Two thousand new long stories. In the middle of each, a caller also reads on all paths."""

import os
from pathlib import Path

import pytest
from referrals.settings import Settings
from stack.embedded.postgres import ServiceDatabase

from tests.services.referrals.stories.play import play

pytestmark = pytest.mark.slow
STORIES = int(os.environ.get("RUTA_STORIES", "2000"))


def test_no_long_story_shows_what_is_not_granted(
    settings: Settings, referrals_database: ServiceDatabase, tmp_path: Path
) -> None:
    play(settings, referrals_database, tmp_path, stories=STORIES, steps=25, long=True)
