"""In which countries places lie. Pure."""

from collections.abc import Collection

from common.words.places import Places

_LETTERS = 2


def countries_of(areas: Collection[str]) -> list[str]:
    """The countries of these areas; of a P-code that no table knows, the country that it begins
    with."""
    places = Places.load()
    return sorted(
        {places.at_most(area, 0) if places.is_known(area) else area[:_LETTERS] for area in areas}
    )
