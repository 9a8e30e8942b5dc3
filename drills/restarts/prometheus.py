"""The metrics that Prometheus would read from a running stack, and its own evaluation of our rules."""

import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.alerts import groups, panels
from tests.support.leaving_out import left_out
from tests.support.system import System

MEASURED = ("gateway", "directory", "referrals", "reporting", "console")
MINUTES = 70
"""Longer than every alert of what is measured waits, but for those of a day."""
OURS = ("ruta", "ruta-objectives", "ruta-servers")


def need_promtool() -> None:
    if shutil.which("promtool") is None:
        left_out("promtool is not there (Debian: promtool)")


def scraped(system: System) -> dict[str, float]:
    """Return each process's current metrics, or its state as down."""
    return dict(_scraped(system))


def _scraped(system: System) -> Iterator[tuple[str, float]]:
    for name in MEASURED:
        place = f'namespace="ruta", pod="{name}-0", job="ruta/ruta-{"front" if name == "gateway" else "services"}"'
        try:
            text = system.measured(name)
        except httpx.HTTPError:
            yield f"up{{{place}}}", 0
            continue
        yield f"up{{{place}}}", 1
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.startswith("ruta_"):
                    labels = "".join(f', {k}="{v}"' for k, v in sample.labels.items())
                    yield f"{sample.name}{{{place}{labels}}}", sample.value


def firing(system: System, folder: Path) -> set[str]:
    """Return the alerts that fire if the current metrics last longer than the longest wait of any alert."""
    known = {name: f"{value}x{MINUTES}" for name, value in scraped(system).items()}
    return firing_of(folder, known, MINUTES)


def firing_of(
    folder: Path, series: Mapping[str, str], minute: int, *, every: str = "1m"
) -> set[str]:
    told = _asked(
        folder, series, 'count by (alertname) (ALERTS{alertstate="firing"})', minute, every
    )
    return set(re.findall(r'alertname="(\w+)"', told))


def panel(
    folder: Path, series: Mapping[str, str], expression: str, minute: int
) -> dict[str, float]:
    """Return what a panel by route shows at this minute."""
    told = _asked(folder, series, expression, minute, "1m")
    found = re.findall(r'route="([^"]+)"\} ([\d.eE+-]+|NaN)', told)
    return {route: float(value) for route, value in found}


def _asked(
    folder: Path, series: Mapping[str, str], expression: str, minute: int, every: str
) -> str:
    rules = [group for group in groups() if group["name"] in OURS]
    for group in rules:
        # Alerts that span several days are evaluated in ten-minute steps, because one-minute steps would take too
        # long.
        if "interval" in group:
            group["interval"] = every
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": rules}), encoding="utf-8")
    # The test expects no samples, so the tool reports all of them.
    asked = {"expr": expression, "eval_time": f"{minute}m", "exp_samples": []}
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [asked],
    }
    suite = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": [case]}
    (folder / "suite.yml").write_text(yaml.safe_dump(suite), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", "suite.yml"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert done.returncode == 0 or "got:" in told, told
    return told.partition("got:")[2]


def as_if_it_went_on(
    readings: Collection[Mapping[str, float]], minutes: Collection[int]
) -> dict[str, str]:
    """Continue the front's counters at the rate between two readings.

    The times between the three readings are how long the fault lasted, then how long ago it was fixed.
    """
    first, *_ = readings
    names = sorted({name for reading in readings for name in reading if _counts(name)})
    series = {}
    for name in names:
        steps = [
            later.get(name, 0) - earlier.get(name, 0)
            for earlier, later in zip(readings, list(readings)[1:], strict=False)
        ]
        at, pieces = first.get(name, 0.0), []
        for step, lasts in zip(steps, minutes, strict=True):
            pieces.append(f"{at}+{step}x{lasts}")
            at += step * (lasts + 1)
        series[name] = " ".join(pieces)
    return series


def _counts(name: str) -> bool:
    return "ruta-front" in name and name.startswith(
        ("ruta_http_requests_total", "ruta_http_request_seconds_")
    )


def panel_expression(title: str) -> str:
    (found,) = [each for each in panels() if each["title"] == title]
    expression: str = found["targets"][0]["expr"]
    return expression
