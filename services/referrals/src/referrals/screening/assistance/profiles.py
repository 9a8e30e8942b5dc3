"""A case's profile for the directory's pathways: codes and numbers, no identity. Pure. Hours since an incident are
never stored."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from common.words.places import Places

from referrals.case.cases.person import age_of

MOST_POPULATIONS, MOST_LANGUAGES, MOST_NEEDS = 15, 10, 20
"""The limits of one request (`Profile` of the directory)."""
_SEXES = frozenset({"female", "male", "other"})


def profile(
    *,
    area: str | None,
    identity: Mapping[str, Any],
    attributes: Mapping[str, Any],
    needs: Sequence[str],
    today: date,
) -> dict[str, Any]:
    """Return the request body for `/directory/v1/pathways/resolve` without unknown values. `needs`: the plan's open
    needs."""
    sex = attributes.get("sex")
    populations = [*attributes.get("populations", ()), *attributes.get("specific_needs", ())]
    found: dict[str, Any] = {
        "area": area,
        "age": age_of(identity, today),
        "sex": sex if sex in _SEXES else None,
        "populations": list(dict.fromkeys(populations))[:MOST_POPULATIONS],
        "languages": list(dict.fromkeys(attributes.get("languages", ())))[:MOST_LANGUAGES],
        "nationality": _alpha3(attributes.get("nationality")),
        "needs": list(dict.fromkeys(needs))[:MOST_NEEDS],
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def _alpha3(country: str | None) -> str | None:
    """Return the code of a known country. Otherwise return None, which excludes nobody."""
    place = None if country is None else Places.load().get(country)
    return None if place is None else place.country
