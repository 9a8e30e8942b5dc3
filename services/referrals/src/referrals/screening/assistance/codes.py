"""The assistance code lists as tables, with HTCDS 2.0 support-plan types unchanged. Pure."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from common.words.tables import by_language, rows


@cache
def codes(wanted: str) -> Mapping[str, Mapping[str, str]]:
    """Return code → labels by language, for `support_type`, `amount_band` or `route_mode`."""
    return MappingProxyType(
        {
            row["code"]: by_language(row)
            for row in rows(__package__, "codes")
            if row["list"] == wanted
        }
    )
