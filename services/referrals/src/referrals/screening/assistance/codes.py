"""The code lists of assistance: tables, with HTCDS 2.0 support-plan types as they are. Pure."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


def _rows(name: str) -> list[dict[str, str]]:
    text = files("referrals.screening.assistance").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def codes(wanted: str) -> Mapping[str, Mapping[str, str]]:
    """Code → labels by language, of `support_type`, `amount_band` or `route_mode`."""
    return MappingProxyType(
        {
            row["code"]: MappingProxyType({"es": row["label_es"], "en": row["label_en"]})
            for row in _rows("codes.csv")
            if row["list"] == wanted
        }
    )
