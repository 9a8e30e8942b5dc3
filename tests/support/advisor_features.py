"""Creates a Services Advisor file with the structure of the real file, which may not be shipped."""

import csv
from importlib.resources import files
from itertools import cycle, islice
from typing import Any

ROWS = 66
REPEATED = 3
"""Rows that share their id with an earlier one, but not its activity."""
_HOURS = {
    "8. Office Open at": {"13:00pm": True, "8:30am": True},
    "9. Office close at": {"Close at 17:00pm": True},
}


def made_features() -> list[dict[str, Any]]:
    """Return features with every activity, indicator and word of the mapping, each several times."""
    names = cycle(row["activity"] for row in _rows("activities"))
    indicators = cycle(row["indicator"] for row in _rows("indicators"))
    words: dict[str, list[str]] = {}
    for row in _rows("values"):
        words.setdefault(row["property"], []).append(row["value"])
    made = []
    for n, name in enumerate(islice(names, ROWS)):
        chosen = {
            f"{at}. {title}": {
                values[n % len(values)]: True,
                values[-1 - n // 2 % len(values)]: True,
            }
            for at, (title, values) in enumerate(words.items(), 1)
        }
        made.append(
            {
                "type": "Feature",
                "id": 1000 + (n if n < ROWS - REPEATED else n - ROWS + REPEATED),
                "properties": {
                    "locationName": f"Zaatari {n % 7}",
                    "partnerName": f"Partner {n % 5}",
                    "activity": 5000 + n,
                    "activityCategory": "PROTECTION",
                    "activityName": name,
                    "startDate": "2026-01-01",
                    "endDate": "2026-10-31" if n % 9 == 0 else "2027-12-31",
                    "indicators": {next(indicators): int(n % 8 > 0)},
                    "Referral required": ("Yes", "No")[n % 2],
                    "comments": "" if n % 4 == 0 else f"Made for tests, number {n}.",
                    **(_HOURS if n % 3 else {}),
                    **chosen,
                },
                "geometry": {"type": "Point", "coordinates": [35.7 + n / 100, 32.0]},
            }
        )
    return made


def _rows(table: str) -> list[dict[str, str]]:
    path = files("directory.files.imports").joinpath("data", f"services_advisor_{table}.csv")
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
