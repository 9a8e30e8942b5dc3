"""`docs settings`, `docs events`, `docs errors`, `docs lifecycle`, `docs alerts`, `docs floors`: pages generated from
the code."""

import json
import os
import sys
import tomllib
from operator import itemgetter
from pathlib import Path
from typing import Any

import typer
import yaml
from common.events.catalogue import asyncapi
from common.words.choices import words
from common.words.tables import completed, rows
from referrals.referral.referrals.lifecycle import diagram

from stack.commands.options import home
from stack.reference import settings_page
from stack.texts import language_of

RULES = "deploy/k8s/components/monitoring/rules.yaml"
"""The file of the alert rules."""
_HEADS = completed(
    "stack",
    {
        "en": "| alert | what it means | what you do |",
        "es": "| alerta | qué pasa | qué hace usted |",
    },
)


def table(rules: Path, language: str) -> str:
    """Return the Markdown table of a PrometheusRule. Bold names are alerts that page the officer on call (`severity:
    page`)."""
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


_ERRORS = """# Errors · Errores

Made from the code by `./ruta docs errors`. Decide by `code`; the other texts may change.
*Hecho a partir del código con `./ruta docs errors`. Decida por `code`; los demás textos pueden cambiar.*

| code | HTTP | what it means | what to do | qué significa | qué hacer |
|---|---|---|---|---|---|
"""
_STATES = "\n| state | counts as | in English | en español |\n|---|---|---|---|\n"
_FLOORS = "Floors of "

app = typer.Typer(name="docs", help="Print pages that are generated from the code.")


@app.command()
def settings() -> None:
    """Print the page of all settings."""
    sys.stdout.write(settings_page.page())


@app.command()
def events() -> None:
    """Print the AsyncAPI 3 document of all events."""
    sys.stdout.write(json.dumps(asyncapi(), indent=1, sort_keys=True) + "\n")


@app.command()
def errors() -> None:
    """Print the page of all error codes, in English and Spanish."""
    sys.stdout.write(_ERRORS)
    for row in rows("common.words", "data/problems"):
        texts = (row[name] for name in ("title_en", "remedy_en", "title_es", "remedy_es"))
        sys.stdout.write("| " + " | ".join((f"`{row['code']}`", row["status"], *texts)) + " |\n")


@app.command()
def lifecycle() -> None:
    """Print the diagram of a referral's steps and the table of its states."""
    sys.stdout.write(diagram() + _STATES)
    for code, row in words("referral_states").items():
        texts = (f"`{code}`", row["counts_as"], row["label_en"], row["label_es"])
        sys.stdout.write(f"| {' | '.join(texts)} |\n")


@app.command()
def alerts() -> None:
    """Print the table of alerts in docs/operate.md."""
    sys.stdout.write(table(home() / RULES, language_of(os.environ)))


@app.command()
def floors() -> None:
    """Print the map of layers: which capability may import which."""
    project = tomllib.loads((home() / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    for contract in sorted(contracts, key=itemgetter("name")):
        if contract["name"].startswith(_FLOORS):
            floors = (f"  {layer.replace('|', '·')}\n" for layer in contract["layers"])
            sys.stdout.write(f"{contract['name'].removeprefix(_FLOORS)}\n\n{''.join(floors)}\n")
