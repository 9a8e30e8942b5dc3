"""The table of alerts in docs/operate.md and docs/operate.es.md, made from the rules that are deployed."""

from pathlib import Path
from typing import Any

import yaml

RULES = "deploy/k8s/components/monitoring/rules.yaml"
"""Where they stand in the project."""
_HEADS = {
    "en": "| alert | what it means | what you do |",
    "es": "| alerta | qué pasa | qué hace usted |",
}


def table(rules: Path, language: str) -> str:
    """The Markdown table of a PrometheusRule; a name in bold wakes the officer on call (`severity: page`)."""
    suffix = "" if language == "en" else f"_{language}"
    groups = yaml.safe_load(rules.read_text("utf-8"))["spec"]["groups"]
    rows = [
        f"| {_name(rule)} | {rule['annotations']['summary' + suffix]} "
        f"| {rule['annotations']['remedy' + suffix]} |"
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    ]
    return "\n".join([_HEADS[language], "|---|---|---|", *rows]) + "\n"


def _name(rule: dict[str, Any]) -> str:
    name: str = rule["alert"]
    return f"**{name}**" if rule["labels"]["severity"] == "page" else name
