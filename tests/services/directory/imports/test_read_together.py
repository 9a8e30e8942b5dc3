"""Rows that are read column by column say what each says by itself."""

import csv
import io
import random
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from services_directory.imports.outcomes.fidelity import Fidelity
from services_directory.imports.outcomes.mapped import validated_together
from services_directory.imports.package import open_package, reading, together
from services_directory.imports.package.convert import are_as_they_stand
from services_directory.imports.package.fields import tables
from services_directory.imports.package.staging import Staged
from services_directory.imports.source import Options

from tests.support.hsds_packages import VERSIONS, write_package

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


@pytest.mark.parametrize("version", VERSIONS)
def test_rows_read_together_are_as_each_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    whole = write_package(tmp_path / "whole.zip", version, 12)
    packages = [whole] + [
        damaged(whole, tmp_path / f"{seed}.zip", random.Random(seed))  # noqa: S311 - no secret
        for seed in range(4)
    ]
    made: list[Staged] = []
    own = together.read_together

    def watched(rows: list[Staged], **rest: Any) -> None:
        own(rows, **rest)
        made.extend(row for row in rows if row.made is not None)

    monkeypatch.setattr(reading, "read_together", watched)
    read = [all_of(path) for path in packages]
    assert len(made) > 200
    monkeypatch.setattr(reading, "read_together", lambda *_, **__: None)
    assert read == [all_of(path) for path in packages]


@pytest.mark.parametrize(
    ("kind", "fit", "unfit"),
    [
        ("email", "ayuda{}@correo.de.muchas.partes.example.org", "ayuda@ninguna"),
        ("uri", "https://example.org/a.b.c/{}", "https//example.org"),
    ],
)
def test_one_that_does_not_fit_among_many_is_seen_without_trying_all_ways_to_read_them(
    kind: str, fit: str, unfit: str
) -> None:
    """Each dot of each address doubled the time, so that fifty and a bad one had no end."""
    field = next(each for each in tables()["service"].plain if each.type == kind)
    many = [fit.format(number) for number in range(50)]
    assert are_as_they_stand(field, many)
    assert not are_as_they_stand(field, [*many, unfit])
