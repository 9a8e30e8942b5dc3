"""What was published keeps its intervals: `kept.json` is, for each version of their computation, what two closings
kept and what was said from it. Nothing in the file is made anew: a later way of reading has to say the same."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from reporting.ground.periods import Period
from reporting.ground.protection.protected import ProtectedCube
from reporting.protect.releases.views import JointCube, View, joint_cube, over, seen

KEPT = Path(__file__).with_name("kept.json")
MONTH = Period.parse("2026-10")
HALVES = ("2026-10a", "2026-10b")
ASKED = ((), ("area",), ("progress",), ("area", "progress"))


@cache
def kept() -> Any:
    return json.loads(KEPT.read_text(encoding="utf-8"))


def cubes(which: str, *, anew: bool = False) -> list[JointCube]:
    """Those of one version; `anew` as this version would compute them."""
    return [
        joint_cube(
            "referred-persons",
            period,
            k=11,
            profile="J",
            definition=kept()["definition"],
            cells={tuple(at.split(" ")): n for at, n in shown.items()},
            kept=None if anew else base64.b64decode(content),
        )
        for period, shown, content in zip(
            HALVES, kept()["cells"], kept()["versions"][which]["content"], strict=True
        )
    ]


def view(joint: JointCube) -> View:
    dimensions = joint.dimensions[:-1]
    return View("kept", dimensions, {each.name: each.name for each in dimensions}, {}, {})


def said(joints: list[JointCube]) -> Mapping[str, list[list[Any]]]:
    views = [(view(each), each) for each in joints]
    tables: dict[str, ProtectedCube] = {
        "period": seen(*views[0]),
        "sum": over(views, None, "both"),
        "month": over(views, MONTH, "both"),
    }
    return {
        name: [
            [" ".join(row.coordinates.values()), row.count, row.low, row.high]
            for by in ASKED
            for row in cube.margin(by)
        ]
        for name, cube in tables.items()
    }


@pytest.mark.parametrize("which", kept()["versions"])
def test_intervals_of_closed_periods_never_change(which: str) -> None:
    assert said(cubes(which)) == kept()["versions"][which]["said"]


def test_what_closes_now_is_computed_as_the_latest_version_says() -> None:
    latest = [*kept()["versions"]][-1]
    assert said(cubes(latest, anew=True)) == kept()["versions"][latest]["said"], (
        "closings compute something else now: leave what stands in kept.json as it is,"
        " and add a version behind it (docs/decisions/0062)"
    )


def test_no_two_versions_say_the_same() -> None:
    versions = [each["said"] for each in kept()["versions"].values()]
    assert all(versions.count(each) == 1 for each in versions)
