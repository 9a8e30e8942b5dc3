"""A protected release as DHIS2 data value sets (POST /api/dataValueSets).

Codes serve as identifiers (`dataElementIdScheme=CODE` and so on), because each DHIS2 instance has its own UIDs. A
deployment either assigns Ruta's codes to its elements or configures a mapping.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from common.words.languages import LANGUAGES
from common.words.places import Places

from reporting.ground.language import Text
from reporting.ground.periods import Period, PeriodKind
from reporting.ground.programmes.definition import Programme
from reporting.ground.protection.protected import Dimension, ProtectedCube

ORG_UNIT = "area"
LOW, HIGH = ("LOW",), ("HIGH",)
"""The suffixes of the data elements for an interval's bounds."""
_LONGEST, _HASHED = 50, 8


class NoDhis2PeriodError(ValueError):
    """DHIS2 has no period of this kind; the message names alternatives."""


class NoOrgUnitError(ValueError):
    """The programme has no dimension that could serve as DHIS2's organisation unit."""


def period_code(period: Period) -> str:
    """Return ``202611`` for a month, ``2026Q4`` for a quarter; DHIS2 has no half months."""
    if period.kind is PeriodKind.MONTH:
        return f"{period.start:%Y%m}"
    if period.kind is PeriodKind.QUARTER:
        return period.id.replace("-", "")
    raise NoDhis2PeriodError(
        "DHIS2 has no half months: ask for the month, which is the sum of its two releases."
    )


def code(*parts: str) -> str:
    """Return a DHIS2 code: capitals, digits and underscores, at most fifty characters. A longer code ends in a hash of
    the whole, so that codes stay distinct."""
    joined = re.sub(r"[^A-Z0-9_]+", "_", "_".join(parts).upper().replace("+", "_PLUS"))
    if len(joined) <= _LONGEST:
        return joined
    whole = hashlib.sha256(joined.encode()).hexdigest()[:_HASHED].upper()
    return f"{joined[: _LONGEST - _HASHED - 1]}_{whole}"


def country_of(dimensions: Iterable[Dimension], places: Places) -> str:
    """Return the P-code of the country that contains the areas, which is the unit for counts without a known area."""
    areas = next((each.codes for each in dimensions if each.name == ORG_UNIT), None)
    if areas is None:
        raise NoOrgUnitError("The programme has no area, so its counts have no organisation unit.")
    return places.at_most(next(area for area in areas if places.is_known(area)), 0)


class UnmappedError(ValueError):
    """The mapping lacks the identifiers for ``codes``, which this file needs."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(f"{len(codes)} codes have no UID in the mapping")
        self.codes = codes


@dataclass(frozen=True)
class Identifier:
    """A code that a DHIS2 instance must define: its kind and its meaning."""

    kind: Literal["dataSet", "dataElement", "categoryOptionCombo", "orgUnit"]
    code: str
    label: Text


def identifiers(programme: Programme, country: str, places: Places) -> list[Identifier]:
    """Return every identifier that a programme's file may contain."""
    others = [each for each in programme.dimensions if each.name != ORG_UNIT]
    combos = [
        Identifier(
            "categoryOptionCombo",
            _combination(codes),
            {
                language: ", ".join(
                    programme.code_label(each.name, code, language)
                    for each, code in zip(others, codes, strict=True)
                )
                for language in LANGUAGES
            },
        )
        for codes in product(*(each.dimension.codes for each in others))
    ]
    areas = [
        country,
        *(area for area in _dimension_codes(programme, ORG_UNIT) if places.is_known(area)),
    ]
    units = [
        Identifier("orgUnit", area, {x: places.require(area).label(x) for x in LANGUAGES})
        for area in areas
    ]
    own, title = code("RUTA", programme.id), dict(programme.title)
    return [
        Identifier("dataSet", own, title),
        Identifier("dataElement", own, title),
        *(
            Identifier("dataElement", code("RUTA", programme.id, *bound), _bounded(title, bound))
            for bound in (LOW, HIGH)
        ),
        *units,
        *combos,
    ]


def data_value_set(
    cube: ProtectedCube, country: str, mapping: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the payload. The organisation unit is the area; the other dimensions form the category option combination.
    With a ``mapping``, every code becomes the instance's own UID; raise UnmappedError if one is missing. ``country`` is
    the organisation unit for counts without a known area. The payload omits zeros."""
    missing: dict[str, None] = {}

    def own(identifier: str) -> str:
        if mapping is None:
            return identifier
        if identifier not in mapping:
            missing[identifier] = None
        return mapping.get(identifier, identifier)

    others = [name for name in cube.names if name != ORG_UNIT]
    period = period_code(Period.parse(cube.period))
    values = [
        {
            "dataElement": own(code("RUTA", cube.programme, *bound)),
            "period": period,
            "orgUnit": own(country if at[ORG_UNIT] == "unknown" else at[ORG_UNIT]),
            "categoryOptionCombo": own(_combination([at[name] for name in others])),
            "value": str(count),
        }
        for row in cube.margin(cube.names)
        for at in [row.coordinates]
        for bound, count in (((), row.count), (LOW, row.low), (HIGH, row.high))
        if count is not None
    ]
    found = {"dataSet": own(code("RUTA", cube.programme)), "period": period, "dataValues": values}
    if missing:
        raise UnmappedError(list(missing))
    return found


def _combination(codes: Sequence[str]) -> str:
    return code(*codes) or "DEFAULT"


def _dimension_codes(programme: Programme, name: str) -> tuple[str, ...]:
    return next((each.dimension.codes for each in programme.dimensions if each.name == name), ())


def _bounded(title: Text, bound: tuple[str, ...]) -> Text:
    words = ("desde, 90 %", "from, 90%") if bound == LOW else ("hasta, 90 %", "to, 90%")
    return {x: f"{title[x]} ({word})" for x, word in zip(LANGUAGES, words, strict=True)}


def as_dhis2(cube: ProtectedCube, country: str, mapping: Mapping[str, str] | None = None) -> bytes:
    return json.dumps(data_value_set(cube, country, mapping), ensure_ascii=False).encode()
