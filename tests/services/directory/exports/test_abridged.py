"""Documents that contain less than their record."""

from typing import Any

import pytest
from directory.files.exports.abridged import is_coarse


def service(level: str, location: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    site = {"location": {"location_type": "physical", **(location or {})}}
    return {"visibility": level, "service_at_locations": [site], **more}


@pytest.mark.parametrize(
    ("document", "coarse"),
    [
        (service("public"), False),
        (service("partners"), False),
        (service("pathway"), True),
        (service("restricted"), False),
        (service("partners", {"visibility": "pathway"}), True),
        (service("pathway", {"location_type": "virtual"}), False),
        (service("public", functional_status={"code": "unknown"}), False),
        (
            service(
                "public",
                functional_status={"code": "unknown", "reason": "verification has expired"},
            ),
            True,
        ),
        ({"name": "no sites"}, False),
    ],
)
def test_what_is_coarse_for_everybody_is_told(document: dict[str, Any], coarse: bool) -> None:
    assert is_coarse(document) is coarse
