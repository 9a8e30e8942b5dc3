"""Rows that are read column by column say what each says by itself."""

import random
from pathlib import Path
from typing import Any

import pytest
from directory.files.imports.package import reading, together
from directory.files.imports.package.convert import are_as_they_stand
from directory.files.imports.package.fields import tables
from directory.files.imports.package.staged import Staged

from tests.support.damaged_packages import all_of, damaged
from tests.support.hsds_packages import VERSIONS, write_package


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
        ("uri", "https://example.org/a.b.c/{}", "JavaScript:alert(1)"),
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
