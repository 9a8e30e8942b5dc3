"""The import refuses a package with too many lines before it stores anything."""

import tracemalloc
import zipfile
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest
from common.errors import Problem
from directory.files.imports.errors import TOO_MANY_LINES
from directory.files.imports.options import MOST_LINES, Options
from directory.files.imports.package import open_package
from directory.files.imports.package.reader import check_package
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_

SERVICE = "id,organization_id,name,status\ns,o,Uno,active\n"
ORGANIZATION = "id,name,description\no,Red,Red\n"
IN_ALL = 4 + 1  # The lines of both tables, and the phone table's header.
_AT_ONCE = 100_000


def with_phones(path: Path, phones: int) -> Path:
    """Return a package with one service and this many phones."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        package.writestr("services.csv", SERVICE)
        package.writestr("organizations.csv", ORGANIZATION)
        with package.open("phones.csv", "w") as target:
            target.write(b"id,service_id,number\n")
            for start in range(0, phones, _AT_ONCE):
                some = range(start, min(start + _AT_ONCE, phones))
                target.write("".join(f"{n},s,{n % 997}\n" for n in some).encode())
    return path


def test_one_line_more_than_may_be_is_refused_and_the_last_one_that_may_is_read(
    tmp_path: Path,
) -> None:
    path = with_phones(tmp_path / "package.zip", 20)
    options = Options(date(2026, 11, 25), source="x", most_lines=IN_ALL + 20)
    with open_package(path, options) as source:
        (service,) = [each for each in source.rows if not each.organization]
    assert service.document is not None
    assert len(service.document["phones"]) == 20
    fewer = Options(date(2026, 11, 25), source="x", most_lines=IN_ALL + 19)
    with pytest.raises(Problem) as problem, open_package(path, fewer):
        pass
    assert problem.value.kind is TOO_MANY_LINES
    assert "24 rows" in problem.value.detail


async def test_the_limit_is_a_setting_and_is_said(api: AsyncClient, tmp_path: Path) -> None:
    app = cast("Any", api)._transport.app
    app.state.context.settings.import_most_lines = IN_ALL
    content = with_phones(tmp_path / "package.zip", 1).read_bytes()
    refused = await api.post(f"{V1}/imports", content=content, headers=as_("im-officer"))
    assert (refused.status_code, refused.json()["code"]) == (422, "too_many_lines")
    assert "5 rows" in refused.json()["detail"]
    listed = await api.get(f"{V1}/imports", headers=as_("im-officer"))
    assert listed.json()["items"] == []


@pytest.mark.slow
def test_ten_million_rows_are_refused_in_little_memory(tmp_path: Path) -> None:
    path = with_phones(tmp_path / "package.zip", 10_000_000)
    assert path.stat().st_size < 64 * 1024 * 1024
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as problem:
            check_package(path, MOST_LINES)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert problem.value.kind is TOO_MANY_LINES
    assert peak < 16 * 1024 * 1024
