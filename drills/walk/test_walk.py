"""Counts the files that a request passes through. A stop is a run of calls within one file.

The goal was 28 files and 120 stops. Reaching it would combine unrelated rules in files of 500 lines.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.services.referrals.story import Story

pytestmark = pytest.mark.slow
MOST_FILES, MOST_STOPS = 55, 200


@contextmanager
def walked() -> Iterator[list[str]]:
    """Yield the product files whose functions are called during the block, one entry per stop. Resuming a coroutine
    does not count as a call."""
    stops: list[str] = []
    begun: set[FrameType] = set()

    def called(frame: FrameType, event: str, _argument: object) -> None:
        _, found, file = frame.f_code.co_filename.partition("/src/")
        if event != "call" or not found or "site-packages" in frame.f_code.co_filename:
            return
        if frame not in begun and stops[-1:] != [file]:
            stops.append(file)
        begun.add(frame)

    sys.setprofile(called)
    try:
        yield stops
    finally:
        sys.setprofile(None)


async def test_sending_walks_through_few_files(story: Story) -> None:
    """The test measures the second request, because by then everything that is created once exists."""
    for _ in range(2):
        service, case = await story.any_service(), (await story.case())["id"]
        grant = await story.consent(case, service)
        draft = await story.draft(case, service)
        with walked() as stops:
            await story.made(
                "ngo-refugio", f"/referrals/{draft['id']}/send", {"grant_id": grant["id"]}
            )
    files = list(dict.fromkeys(stops))
    walk = "\n".join(f"{stops.count(file):4} {file}" for file in files)
    assert len(files) <= MOST_FILES, walk
    assert len(stops) <= MOST_STOPS, walk
