"""Alerts fire exactly when they should; each has a runbook; the dashboard loads."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from stack.commands import docs

from tests.support.alerts import (
    FOREIGN,
    MONITORING,
    ROOT,
    alerts,
    expressions,
    groups,
    measurements,
    panels,
    rules,
)
from tests.support.leaving_out import left_out

GUIDES = {"en": "operate.md", "es": "operate.es.md"}
_FRONT = 'job="ruta/ruta-front"'
_ANSWERS = f"ruta_http_requests_total{{{_FRONT}, status="
_QUICK = f'ruta_http_request_seconds_bucket{{{_FRONT}, le="1.0"}}'
_ALL = f"ruta_http_request_seconds_count{{{_FRONT}}}"
_BACKUP = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
_ARCHIVER = "cnpg_pg_stat_archiver"
_VOLUME = 'namespace="ruta", persistentvolumeclaim="data"'
_PODS = ("gateway", "directory", "referrals", "reporting", "console")
_THREE_DAYS = 4400  # minutes

Series = dict[str, str]
Asked = list[tuple[str, int, list[dict[str, str]]]]
"""Alert, minute, labels with which it fires."""

HEALTHY: Series = {
    **{f'up{{namespace="ruta", pod="{pod}-0"}}': "1" for pod in _PODS},
    'ruta_outbox_oldest_seconds{pod="a"}': "1",
    'ruta_broker_connected{pod="a"}': "1",
    'ruta_stream_bytes{pod="a"}': "70",
    'ruta_stream_limit_bytes{pod="a"}': "100",
    'ruta_consumer_pending{consumer="a/b"}': "3",
    'ruta_dead_letters{pod="a"}': "0",
    "ruta_escalations_due": "0",
    "ruta_emergencies_unheard": "0",
    "ruta_messages_unheard": "0",
    "ruta_second_places_away": "0",
    "ruta_tombstones_untold": "0",
    "ruta_restrictions_untold": "0",
    "ruta_record_went_back": "0",
    "ruta_audit_lost": "0",
    "ruta_clock_doubted": "0",
    'ruta_clock_apart_seconds{pod="a"}': "-1",
    'ruta_key_age_seconds{key="k"}': "86400",
    'ruta_certificate_seconds_left{pod="a", certificate="own"}': "20000000",
    'certmanager_certificate_expiration_timestamp_seconds{name="tls"}': "9000000",
    f'{_ANSWERS}"200"}}': "0+998",
    f'{_ANSWERS}"503"}}': "0+2",
    _QUICK: "0+97",
    _ALL: "0+100",
    f'{_BACKUP}{{ruta_service="postgres"}}': "0+60",
    f'{_BACKUP}{{ruta_service="postgres-keys"}}': "0+60",
    f'{_ARCHIVER}_seconds_since_last_archival{{ruta_service="postgres"}}': "300",
    f'{_ARCHIVER}_last_failed_time{{ruta_service="postgres"}}': "-1",
    f'{_ARCHIVER}_last_archived_time{{ruta_service="postgres"}}': "0+60",
    'cnpg_pg_replication_lag{ruta_service="postgres"}': "0.1",
    'cnpg_pg_replication_in_recovery{ruta_service="postgres"}': "1",
    'cnpg_pg_replication_is_wal_receiver_up{ruta_service="postgres"}': "1",
    f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}": "50",
    f"kubelet_volume_stats_capacity_bytes{{{_VOLUME}}}": "100",
    'kube_pod_container_status_restarts_total{namespace="ruta", pod="a"}': "2",
    'kube_pod_status_phase{namespace="ruta", pod="a", phase="Pending"}': "0",
}

# Columns: alert, the unhealthy series ("" means missing), minutes until it must fire, its labels.
FIRES: list[tuple[str, Series, int, dict[str, str]]] = [
    (
        "RutaDown",
        {'up{namespace="ruta", pod="referrals-0"}': "0"},
        6,
        {"namespace": "ruta", "pod": "referrals-0"},
    ),
    ("RutaOutboxOld", {'ruta_outbox_oldest_seconds{pod="a"}': "150"}, 3, {"pod": "a"}),
    ("RutaBrokerAway", {'ruta_broker_connected{pod="a"}': "0"}, 6, {"pod": "a"}),
    ("RutaStreamFilling", {'ruta_stream_bytes{pod="a"}': "90"}, 11, {"pod": "a"}),
    ("RutaConsumerLag", {'ruta_consumer_pending{consumer="a/b"}': "2000"}, 11, {"consumer": "a/b"}),
    ("RutaDeadLetters", {'ruta_dead_letters{pod="a"}': "1"}, 1, {"pod": "a"}),
    ("RutaEscalationsDue", {"ruta_escalations_due": "4"}, 6, {}),
    ("RutaEmergencyUnheard", {"ruta_emergencies_unheard": "1"}, 2, {}),
    ("RutaMessagesUnheard", {"ruta_messages_unheard": "1"}, 11, {}),
    ("RutaSecondPlaceAway", {"ruta_second_places_away": "1"}, 31, {}),
    ("RutaTombstonesUntold", {"ruta_tombstones_untold": "1"}, 11, {}),
    ("RutaRestrictionsUntold", {"ruta_restrictions_untold": "1"}, 11, {}),
    ("RutaRecordWentBack", {"ruta_record_went_back": "3"}, 1, {}),
    ("RutaRecordWentBack", {"ruta_audit_lost": "3"}, 1, {}),
    ("RutaClockDoubted", {"ruta_clock_doubted": "1"}, 6, {}),
    ("RutaClockApart", {'ruta_clock_apart_seconds{pod="a"}': "-11"}, 11, {"pod": "a"}),
    ("RutaKeyOld", {'ruta_key_age_seconds{key="k"}': "20000000"}, 61, {"key": "k"}),
    (
        "RutaInsideCertificateEnds",
        {'ruta_certificate_seconds_left{pod="a", certificate="own"}': "2500000"},
        61,
        {"pod": "a", "certificate": "own"},
    ),
    (
        "RutaCertificateEnds",
        {'certmanager_certificate_expiration_timestamp_seconds{name="tls"}': "500000"},
        61,
        {"name": "tls"},
    ),
    ("RutaErrorsFast", {f'{_ANSWERS}"503"}}': "0+100"}, 65, {}),
    ("RutaErrorsSteady", {f'{_ANSWERS}"503"}}': "0+20"}, 1500, {}),
    ("RutaErrorsSteady", {f'{_ANSWERS}"503"}}': "0+8"}, _THREE_DAYS, {}),
    ("RutaSlowFast", {_QUICK: "0+10"}, 65, {}),
    ("RutaSlowSteady", {_QUICK: "0+80"}, 1500, {}),
    (
        "RutaBackupOld",
        {f'{_BACKUP}{{ruta_service="postgres"}}': "1"},
        37 * 60 + 10,
        {"ruta_service": "postgres"},
    ),
    (
        "RutaBackupOld",
        {f'{_BACKUP}{{ruta_service="postgres-keys"}}': ""},
        61,
        {"ruta_service": "postgres-keys"},
    ),
    (
        "RutaLogNotArchived",
        {f'{_ARCHIVER}_seconds_since_last_archival{{ruta_service="postgres"}}': "1000"},
        6,
        {"ruta_service": "postgres"},
    ),
    (
        "RutaLogNotArchived",
        {f'{_ARCHIVER}_last_failed_time{{ruta_service="postgres"}}': "9999"},
        6,
        {"ruta_service": "postgres"},
    ),
    (
        "RutaReplicationBehind",
        {'cnpg_pg_replication_lag{ruta_service="postgres"}': "90"},
        6,
        {"ruta_service": "postgres"},
    ),
    (
        "RutaReplicationBehind",
        {'cnpg_pg_replication_is_wal_receiver_up{ruta_service="postgres"}': "0"},
        6,
        {"ruta_service": "postgres"},
    ),
    (
        "RutaVolumeFilling",
        {f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}": "10"},
        31,
        {"namespace": "ruta", "persistentvolumeclaim": "data"},
    ),
    (
        "RutaVolumeFilling",
        {f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}": "50-0.01"},
        60,
        {"namespace": "ruta", "persistentvolumeclaim": "data"},
    ),
    (
        "RutaPodDead",
        {'kube_pod_container_status_restarts_total{namespace="ruta", pod="a"}': "0+1"},
        30,
        {"namespace": "ruta", "pod": "a"},
    ),
    (
        "RutaPodDead",
        {'kube_pod_status_phase{namespace="ruta", pod="a", phase="Pending"}': "1"},
        11,
        {"namespace": "ruta", "pod": "a"},
    ),
    *(
        (
            "RutaGone",
            {f'up{{namespace="ruta", pod="{pod}-0"}}': ""},
            6,
            {"namespace": "ruta", "service": pod},
        )
        for pod in _PODS
    ),
]


def test_every_alert_is_seen_to_fire() -> None:
    assert {name for name, *_ in FIRES} == alerts().keys()
    assert all(other.keys() <= HEALTHY.keys() for _, other, _, _ in FIRES)


@pytest.mark.slow
def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    """Prometheus itself evaluates the rules in this test."""
    cases: list[tuple[Series, Asked]] = [
        (HEALTHY, [(name, at, []) for name in alerts() for at in (120, 1500)])
    ]
    for name, other, minutes, labels in FIRES:
        cases.append(({**HEALTHY, **other}, [(name, minutes, [labels])]))
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups()}), encoding="utf-8")
    # Alerts that span several days are evaluated in ten-minute steps, because one-minute steps would take too long.
    for every, hours in (("1m", range(3)), ("10m", range(3, 100))):
        tests = [_case(*case) for case in cases if _longest(case[1]) // 60 in hours]
        given = {"rule_files": ["rules.yml"], "evaluation_interval": every, "tests": tests}
        (tmp_path / f"{every}.yml").write_text(yaml.safe_dump(given), encoding="utf-8")
        _promtool(tmp_path, "test", "rules", f"{every}.yml")


def _longest(asked: Asked) -> int:
    return max(minutes for _, minutes, _ in asked)


def _case(series: Series, asked: Asked) -> dict[str, Any]:
    longest = _longest(asked)
    return {
        "interval": "1m",
        "input_series": [
            {"series": name, "values": f"{value}x{longest + 5}"}
            for name, value in series.items()
            if value
        ],
        "alert_rule_test": [
            {
                "alertname": name,
                "eval_time": f"{minutes}m",
                "exp_alerts": [
                    {
                        "exp_labels": {**labels, **alerts()[name]["labels"]},
                        "exp_annotations": alerts()[name]["annotations"],
                    }
                    for labels in fired
                ],
            }
            for name, minutes, fired in asked
        ],
    }


def test_every_expression_is_one(tmp_path: Path) -> None:
    """Every expression, including the dashboard's, is valid as a recording rule."""
    recorded = [
        {"record": f"ruta:expression:{number}", "expr": expression}
        for number, (_, expression) in enumerate(expressions())
    ]
    text = yaml.safe_dump({"groups": [{"name": "all", "rules": recorded}]})
    (tmp_path / "all.yml").write_text(text, encoding="utf-8")
    _promtool(tmp_path, "check", "rules", "--lint=none", "all.yml")


def _promtool(folder: Path, *arguments: str) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        left_out("promtool is not there (Debian: promtool)")
    done = subprocess.run(
        [tool, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_others_measure_is_known_by_name() -> None:
    """The test lists the metrics of other programs by name. tests/system/test_observability.py compares ours with
    running services."""
    named = {name for _, expression in expressions() for name in measurements(expression)}
    assert {name for name in named if not name.startswith("ruta_")} == FOREIGN.keys()


@pytest.mark.parametrize(("language", "guide"), GUIDES.items())
def test_the_guide_shows_every_alert_with_its_remedy(language: str, guide: str) -> None:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    assert docs.table(ROOT / docs.RULES, language) in text, "./ruta docs alerts"
    for rule in alerts().values():
        notes = rule["annotations"]
        assert notes["runbook"] == "docs/operate.md#alerts"
        for said in ("summary", "remedy"):
            assert notes[said] != notes[f"{said}_es"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_runbook_was_followed() -> None:
    """The table in docs/reliability.md names the drill for each runbook, and the steps that no drill can cover."""
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| Ruta")]
    drilled = {
        alert.strip(): [drill.strip() for drill in row[2].split(",")]
        for row in rows
        for alert in row[1].split(",")
    }
    assert drilled.keys() == alerts().keys()
    for alert, drills in drilled.items():
        names = (f"drill_runbooks_{each}.py".replace("s_runbooks", "s") for each in drills)
        files = [ROOT / "drills" / "restarts" / name for name in names]
        assert any(alert in file.read_text(encoding="utf-8") for file in files), alert


def test_the_dashboard_loads() -> None:
    """The dashboard meets Grafana's requirements: unique ids, no overlapping panels, a selectable data source."""
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    places: set[tuple[int, int]] = set()
    for panel in panels():
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        own = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not own & places, panel["title"]
        places |= own
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0, panel["title"]
        assert panel["title"]
        assert panel["description"]


def _lost(said: Any, understood: Any, where: str = "") -> Iterator[str]:
    """Yield the path of each value that is missing or different in the second document."""
    if isinstance(said, dict) and isinstance(understood, dict):
        for name, value in said.items():
            if name not in understood:
                yield f"{where}.{name}"
            else:
                yield from _lost(value, understood[name], f"{where}.{name}")
    elif isinstance(said, list) and isinstance(understood, list) and len(said) == len(understood):
        for number, (one, other) in enumerate(zip(said, understood, strict=True)):
            yield from _lost(one, other, f"{where}[{number}]")
    elif said != understood:
        yield where


def _read_by_grafana(document: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(JSONEncoder().encode(Dashboard.from_json(document)))
    return read


def test_grafana_understands_all_of_the_dashboard() -> None:
    """Grafana's published models accept every field of the dashboard. Grafana drops unknown fields."""
    document = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    assert list(_lost(document, _read_by_grafana(document))) == []
    document["panels"][0]["tittle"] = "x"
    document["refesh"] = "1m"
    assert set(_lost(document, _read_by_grafana(document))) == {".refesh", ".panels[0].tittle"}


def test_objectives_are_measured_over_every_window_that_alerts_ask() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {
        name for rule in alerts().values() for name in re.findall(r"ruta:\w+:\w+", rule["expr"])
    }
    assert asked == recorded
