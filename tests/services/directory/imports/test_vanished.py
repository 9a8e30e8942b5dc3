"""Entries missing from a publisher's next package are reported, and kept unless a person decides otherwise. They are
never deleted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from common.db.session import Database
from common.errors import Problem
from directory.files.imports import service as imports
from directory.files.imports.errors import PACKAGE_SHRUNK
from directory.files.imports.publishers.vanished import Choice
from directory.files.imports.schemas import ImportState, Vanishing
from directory.record.records.models import services
from directory.record.services.schemas import VerificationIn
from directory.record.services.service import verify
from httpx import AsyncClient

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import package
from tests.services.directory.imports.test_taking_in import HEADER, imported, report
from tests.support.principals import principal

WHO = principal("im-officer")
ALL = ("uno", "dos", "tres", "cuatro", "cinco")


def edition(folder: Path, names: Sequence[str], said: str = "") -> bytes:
    """Return one edition of a publisher's package, with these services."""
    rows = [
        {"id": name, "organization_id": "o", "name": f"Servicio {name}", "status": "active",
         "description": f"Lo que hace {name} {said}"}
        for name in names
    ]  # fmt: skip
    tables = {
        "organizations.csv": [{"id": "o", "name": "Red", "description": "Red"}],
        "services.csv": rows or [{"id": ""}],
    }
    return package(folder, tables).read_bytes()


async def states(database: Database) -> dict[str, str]:
    async with database.transaction() as session:
        name = services.c.document["name"].astext.label("name")
        rows = await session.execute(sa.select(name, services.c.state))
        return {row.name.removeprefix("Servicio "): row.state for row in rows}


async def id_of(database: Database, name: str) -> UUID:
    async with database.transaction() as session:
        where = services.c.document["name"].astext == f"Servicio {name}"
        found: UUID = (await session.execute(sa.select(services.c.id).where(where))).scalar_one()
        return found


async def gone(database: Database, import_id: UUID) -> dict[str, tuple[str, list[str]]]:
    rows: list[Any] = list(await report(database, WHO, import_id, "vanished"))
    assert [row.number for row in rows] == sorted({row.number for row in rows})
    return {row.external_id: (row.outcome, [n["code"] for n in row.notes]) for row in rows}


def kept_but(*withdrawn: str) -> dict[str, str]:
    return {name: "withdrawn" if name in withdrawn else "approved" for name in ALL}


@pytest.mark.parametrize("dry_run", [True, False])
async def test_what_the_next_package_no_longer_holds_is_told_and_stays(
    database: Database, tmp_path: Path, dry_run: bool
) -> None:
    await imported(database, WHO, edition(tmp_path, ALL))
    found = await imported(database, WHO, edition(tmp_path, ALL[:3]), dry_run=dry_run)
    assert found.state is ImportState.FINISHED
    assert (found.rows.read, found.services.unchanged) == (3, 3)
    told = next(each for each in found.notes if each.code == "vanished_some")
    assert (told.before, told.after) == ("2", "5")
    assert await gone(database, found.id) == {
        name: ("kept", ["vanished_stays"]) for name in ("cuatro", "cinco")
    }
    assert await states(database) == kept_but()


async def test_they_end_by_choice_but_not_what_somebody_changed_here_unless_that_is_chosen_too(
    database: Database, tmp_path: Path
) -> None:
    await imported(database, WHO, edition(tmp_path, ALL))
    await imported(database, WHO, edition(tmp_path, ALL, "desde hoy"))  # No person did that.
    async with database.transaction(WHO) as session:
        await verify(session, WHO, await id_of(database, "cinco"), VerificationIn(method="visit"))
    less = edition(tmp_path, ALL[:3], "desde hoy")
    asked = {"choice": Choice(Vanishing.END)}
    expected = {
        "cuatro": ("ended", ["vanished_ends"]),
        "cinco": ("kept", ["vanished_stays", "vanished_edited"]),
    }
    seen = await imported(database, WHO, less, dry_run=True, **asked)
    assert (await gone(database, seen.id), await states(database)) == (expected, kept_but())
    done = await imported(database, WHO, less, **asked)
    assert await gone(database, done.id) == expected
    assert await states(database) == kept_but("cuatro")
    rest = await imported(database, WHO, less, choice=Choice(Vanishing.END_EDITED))
    assert await gone(database, rest.id) == {
        "cinco": ("ended", ["vanished_ends", "vanished_edited"])
    }
    assert await states(database) == kept_but("cuatro", "cinco")
    # One edition omitted it by mistake. The next edition restores it, because no person ended it.
    await imported(database, WHO, edition(tmp_path, ALL, "otra vez"))
    assert await states(database) == kept_but()


@pytest.mark.parametrize("worker", [True, False])
async def test_a_package_that_shrank_by_half_is_refused_until_somebody_confirms_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: bool
) -> None:
    await imported(database, WHO, edition(tmp_path, ALL))
    half = edition(tmp_path, ALL[:2], "otra vez")
    seen = await imported(database, WHO, half, dry_run=True)
    assert {"vanished_some", "package_shrunk"} <= {each.code for each in seen.notes}
    choice = Choice(Vanishing.END)
    if worker:
        monkeypatch.setattr(imports, "AT_ONCE_ROWS", 1)
        refused = await imported(database, WHO, half, choice=choice)
        assert refused.state is ImportState.REFUSED
        assert "3 of the 5" in refused.notes[-1].en
    else:
        with pytest.raises(Problem) as problem:
            await imported(database, WHO, half, choice=choice)
        assert problem.value.kind is PACKAGE_SHRUNK
        assert (problem.value.extra["missing"], problem.value.extra["known"]) == (3, 5)
    assert await states(database) == kept_but()
    confirmed = await imported(database, WHO, half, choice=Choice(confirmed=True))
    assert confirmed.services.updated == 2
    assert await states(database) == kept_but()
    ended = await imported(database, WHO, half, choice=Choice(Vanishing.END, confirmed=True))
    assert len(await gone(database, ended.id)) == 3
    assert await states(database) == kept_but(*ALL[2:])


async def test_other_publishers_entries_and_those_in_another_space_never_vanish(
    database: Database, tmp_path: Path
) -> None:
    await imported(database, WHO, edition(tmp_path, ALL), source="red")
    other = edition(tmp_path, ("seis", "siete"))
    found = await imported(
        database, WHO, other, source="otra", choice=Choice(Vanishing.END_EDITED, confirmed=True)
    )
    assert await gone(database, found.id) == {}
    assert set((await states(database)).values()) == {"approved"}


async def test_over_http_the_refusal_says_how_much_is_missing_and_what_to_do(
    api: AsyncClient, tmp_path: Path
) -> None:
    async def send(content: bytes, **query: Any) -> Any:
        return await api.post(
            f"{V1}/imports", content=content, params=query, headers=as_("im-officer")
        )

    assert (await send(edition(tmp_path, ALL))).status_code == 201
    refused = await send(edition(tmp_path, ALL[:1]))
    assert (refused.status_code, refused.json()["code"]) == (422, "package_shrunk")
    assert (refused.json()["missing"], refused.json()["known"]) == (4, 5)
    assert "shrunk=true" in refused.json()["detail"]
    taken = await send(edition(tmp_path, ALL[:1]), shrunk=True)
    assert taken.status_code == 201
    rows = await api.get(
        taken.json()["rows_url"], params={"verdict": "vanished"}, headers=as_("im-officer")
    )
    assert [row["outcome"] for row in rows.json()["items"]] == ["kept"] * 4


async def test_what_is_not_in_a_sheet_is_never_taken_for_vanished(database: Database) -> None:
    """A sheet may be one of several and never claims to be complete, so its missing entries do not count as
    vanished."""
    both = f"{HEADER}s-1,Red,Uno,GP-INFO,public,VE23\ns-2,Red,Dos,GP-INFO,public,VE23\n".encode()
    one = f"{HEADER}s-1,Red,Uno,GP-INFO,public,VE23\n".encode()
    await imported(database, WHO, both, source="hoja")
    found = await imported(database, WHO, one, source="hoja")
    assert (found.state, found.services.unchanged) == (ImportState.FINISHED, 1)
    assert not [each for each in found.notes if each.code == "vanished_some"]
    with pytest.raises(Problem) as refused:
        await imported(database, WHO, one, source="hoja", choice=Choice(Vanishing.END))
    assert refused.value.errors[0].pointer == "/vanished"
