"""The catalogue of problem types, from the code itself, in English and Spanish."""

import csv
import importlib
from importlib.resources import files
from pathlib import Path

import common
import directory
import referrals
import reporting
from common.errors import CATALOGUE

import gateway

_HEAD = """# Errors · Errores

Made from the code by `./ruta docs errors`. Decide by `code`; the other texts may change.
*Hecho a partir del código con `./ruta docs errors`. Decida por `code`; los demás textos pueden cambiar.*

| code | HTTP | what it means | what to do | qué significa | qué hacer |
|---|---|---|---|---|---|
"""


def problem_texts() -> dict[str, tuple[str, str]]:
    """code → (title, remedy) in Spanish."""
    source = files("stack.reference") / "problems_es.csv"
    with source.open(encoding="utf-8") as file:
        return {row["code"]: (row["title"], row["remedy"]) for row in csv.DictReader(file)}


def declare_all() -> None:
    """Import every module that declares problem types, so that the catalogue is whole."""
    for package in (common, gateway, referrals, reporting, directory):
        root = Path(package.__path__[0])
        for file in sorted(root.rglob("*.py")):
            if "ProblemType(" in file.read_text():
                parts = file.relative_to(root).with_suffix("").parts
                importlib.import_module(".".join((package.__name__, *parts)))


def errors_page() -> str:
    declare_all()
    spanish = problem_texts()
    lines = []
    for code, kind in sorted(CATALOGUE.items()):
        title, remedy = spanish.get(code, (kind.title, kind.remedy))
        cells = (f"`{code}`", str(kind.status), kind.title, kind.remedy, title, remedy)
        lines.append("| " + " | ".join(cells) + " |")
    return _HEAD + "\n".join(lines) + "\n"
