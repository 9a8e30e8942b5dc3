"""Searches of the demo's past for which the directory had no service: they become counted gaps."""

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

from stack.demo.past_people import one_of
from stack.demo.story import REFUGIO
from stack.demo.storyteller import Storyteller
from stack.wording import said

_GAPS = {
    ("VE2301", "SHL"): 30,
    ("VE2301", "LIV"): 14,
    ("VE2001", "CP-ALTCARE"): 24,
    ("VE2001", "LIV"): 14,
    ("VE0701", "CP-ALTCARE"): 18,
}
"""Where no demo service meets the need, with how often it is asked for, in percent."""
_CHILD, _ADULT = 10, 30
"""Gaps are counted by group: who asks for many says so, and what is the same is planned once."""


def search(tell: Storyteller, first: date, searches: int) -> None:
    """Ask for so many people of the half month that begins on `first`, all at once."""
    for start in range(0, searches, 100):
        tell.call(
            said("Refugio asks who can help these people"),
            *(REFUGIO, "POST", "/directory/v1/pathways/resolve/batch?services_per_step=1"),
            json={"profiles": list(profiles(first, min(100, searches - start)))},
            expect=200,
        )


def profiles(first: date, searches: int) -> Iterator[dict[str, Any]]:
    """Profiles without identity, always the same for the same day."""
    chance = random.Random(first.toordinal())  # noqa: S311 - a story, not a secret
    for _ in range(searches):
        area, need = one_of(chance, _GAPS)
        child = need == "CP-ALTCARE"
        yield {
            "area": area,
            "age": _CHILD if child else _ADULT,
            "sex": "female" if chance.random() < 0.7 else "male",
            "needs": [need],
        }
