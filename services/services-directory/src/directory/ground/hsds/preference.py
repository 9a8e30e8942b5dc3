"""The general preference between two services, for any person. Plans rank by it, the SQL for plan candidates uses it,
and a search without words sorts by it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Worth:
    """The points that a criterion adds in a plan for a person, and in a search without facts about the person."""

    plan: int = 0
    search: float = 0.0


NOTHING = Worth()
# Codes that are not listed give no points.
CAPACITY = {"accepting": Worth(30, 2.0), "waitlist": Worth(10, 1.0)}
STATUS = {"fully_functional": Worth(15, 2.0), "partially_functional": Worth(5, 1.0)}
REFERABLE, VERIFIED = Worth(search=4.0), Worth(search=1.0)

MERITS = {
    "way_same_area": 25,
    "answers_in_time": 15,
    "by_call": 15,
    "by_walk_in": 15,
    "language_met": 15,
    "open_now": 20,
}
"""Points in a plan by the code of their reason, for reasons that SQL also checks."""
