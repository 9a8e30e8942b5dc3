"""These tests request plans on a Tuesday at ten in the home time zone, unless a test sets the time."""

from datetime import datetime

import pytest
from common import clock


@pytest.fixture(autouse=True)
def tuesday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "at_home", lambda: datetime(2026, 12, 1, 10))  # noqa: DTZ001 - at home
