"""A protected release as DHIS2 data value sets (POST /api/dataValueSets).

Codes are used as identifiers (`dataElementIdScheme=CODE` and so on), because the UIDs of a DHIS2
instance are its own: a deployment gives its codes to its elements, or a mapping file.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from common.places import Places

from reporting.periods import Period, PeriodKind
from reporting.releases.protected import ProtectedCube

ORG_UNIT = "area"


class NoDhis2PeriodError(ValueError):
    """DHIS2 has no period of this kind; the message says what to ask for instead."""


class NoOrgUnitError(ValueError):
    """The programme has no dimension that DHIS2 could take as organisation unit."""


def period_code(period: Period) -> str:
    """``202611`` for a month, ``2026Q4`` for a quarter; DHIS2 knows no half months."""
    if period.kind is PeriodKind.MONTH:
        return f"{period.start:%Y%m}"
    if period.kind is PeriodKind.QUARTER:
        return period.id.replace("-", "")
    raise NoDhis2PeriodError(
        "DHIS2 has no half months: ask for the month, which is the sum of its two releases."
    )


def code(*parts: str) -> str:
    """A DHIS2 code: capitals, digits and underscores, at most fifty characters."""
    joined = "_".join(parts).upper().replace("+", "_PLUS")
    return re.sub(r"[^A-Z0-9_]+", "_", joined)[:50]


def country_of(cube: ProtectedCube, places: Places) -> str:
    """The P-code of the country of the cube's areas: the unit of what has no known area."""
    if ORG_UNIT not in cube.names:
        raise NoOrgUnitError("The programme has no area, so its counts have no organisation unit.")
    known = (code for code in cube.dimension(ORG_UNIT).codes if places.is_known(code))
    return places.at_most(next(known), 0)


def data_value_set(
    cube: ProtectedCube, country: str, mapping: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The payload. The organisation unit is the area; the other dimensions make the category
    option combination; ``mapping`` replaces codes by an instance's own.

    ``country`` is the organisation unit of counts without a known area. Zeros are not sent.
    """
    known = mapping or {}
    others = [name for name in cube.names if name != ORG_UNIT]
    period = period_code(Period.parse(cube.period))

    def own(identifier: str) -> str:
        return known.get(identifier, identifier)

    values = [
        {
            "dataElement": own(code("RUTA", cube.programme)),
            "period": period,
            "orgUnit": own(country if at["area"] == "unknown" else at["area"]),
            "categoryOptionCombo": own(code(*(at[name] for name in others)) or "DEFAULT"),
            "value": str(count),
        }
        for at, count in _rows(cube)
    ]
    return {"dataSet": own(code("RUTA", cube.programme)), "period": period, "dataValues": values}


def _rows(cube: ProtectedCube) -> Iterable[tuple[Mapping[str, str], int]]:
    return ((row.coordinates, row.count) for row in cube.margin(cube.names))


def as_dhis2(cube: ProtectedCube, country: str, mapping: Mapping[str, str] | None = None) -> bytes:
    return json.dumps(data_value_set(cube, country, mapping), ensure_ascii=False).encode()
