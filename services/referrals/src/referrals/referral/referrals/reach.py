"""Whether a recipient can reach the person as the rule of safe contact says. Pure."""

from collections.abc import Collection

from common.words.choices import items

REACHED_BY = frozenset(code for code, item in items().items() if item.reaches)
"""Items by which somebody finds a person. Who comes, or is met through the referrer, is known by the
code of the referral: nothing else has to be shared for that."""


def can_reach(rule: str, shared: Collection[str]) -> bool:
    return rule != "contact_directly" or not REACHED_BY.isdisjoint(shared)
