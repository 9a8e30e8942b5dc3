"""Whether a recipient can reach the person as the rule of safe contact says. Pure."""

from collections.abc import Collection

REACHED_BY = frozenset({"contact", "address", "caregiver_contact"})
"""Items by which somebody finds a person. Who comes, or is met through the referrer, is known by the
code of the referral: nothing else has to be shared for that."""


def can_reach(rule: str, items: Collection[str]) -> bool:
    return rule != "contact_directly" or not REACHED_BY.isdisjoint(items)
