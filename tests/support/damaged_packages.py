"""Packages with cells that were changed at random, and all that becomes of a package."""

import csv
import io
import random
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

from directory.files.imports.outcomes.fidelity import Fidelity
from directory.files.imports.outcomes.mapped import validated_together
from directory.files.imports.package import open_package
from directory.files.imports.source import Options

ODD = ["", " a", "a  b", "=1+1", "'x", "Ã©", "x\x07", "mailto:a@b.org", "example.org", "HTTP://x y", "8am",
       "08:00:00", "31/01/2026", "999", "1e400", "-0", "Monday - Friday", "lunes", "closed", "a\nb",
       "00000000-0000-0000-0000-00000000000A", "1", "x" * 20_001, "3.50", "ñandú", "🙂"]  # fmt: skip


def damaged(source: Path, target: Path, chance: random.Random) -> Path:
    with zipfile.ZipFile(source) as package, zipfile.ZipFile(target, "w") as made:
        for name in package.namelist():
            with package.open(name) as content:
                header, *rows = csv.reader(io.TextIOWrapper(content, "utf-8", newline=""))
            for row in rows:
                for at in range(len(row)):
                    if chance.random() < 0.02:
                        row[at] = chance.choice([*ODD, chance.choice(rows)[at]])
            text = io.StringIO()
            csv.writer(text).writerows([header, *rows])
            made.writestr(name, text.getvalue())
    return target


def all_of(path: Path) -> Any:
    """What becomes of the package."""
    with open_package(path, Options(date(2026, 11, 25), source="x")) as source:
        fidelity: Fidelity = source.fidelity
        rows = list(source.rows)
        for row in rows:
            fidelity.take(row.fates)
        documents = validated_together([row for row in rows if not row.organization])
        source.left_behind()
        said = [
            [row.number, row.document, row.notes, row.brings, row.abridged, row.verdict]
            for row in rows
        ]
        told = [source.notes, fidelity.plain(), [each and each.plain() for each in documents]]
    return [said, told]
