"""People map a publisher's own terms to our categories, before an import or after it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.auth import Principal
from common.auth.ended import Named
from common.db.session import Database
from common.errors import Problem
from directory.files.crosswalks import queries, service, tables_out
from directory.files.crosswalks import worker as crosswalk_worker
from directory.files.crosswalks.models import crosswalk_additions, crosswalk_waiting
from directory.files.crosswalks.suggestions import suggested
from directory.ground.entries.models import history
from directory.ground.hsds.taxonomy import CATEGORIES, term_id
from directory.record.documents.models import service_documents, site_documents
from directory.record.houses.models import house_looks
from directory.record.records.models import services
from directory.tables import ENDED_RIGHTS
from httpx import AsyncClient
from sqlalchemy.dialects.postgresql import JSONPATH
from stack.embedded.postgres import ServiceDatabase

from tests.services.directory.conftest import V1, as_
from tests.services.directory.imports.test_package import package
from tests.services.directory.imports.test_taking_in import imported, report
from tests.support.databases import rolled_back
from tests.support.principals import principal
from tests.support.rights import said

AORS = ["CP", "GBV", "TIP", "GP"]
WHO = principal("gbv-coordinator", aors=AORS)
SOURCE = "registro"
TERMS = {"t1": "Legal aid", "t2": "Night shelter", "t3": "Opera tickets"}
CARRIED = {"uno": ("t1",), "dos": ("t1", "t2"), "tres": ("t3",), "cuatro": ()}


def register(
    folder: Path,
    carried: Mapping[str, Sequence[str]] = CARRIED,
    terms: Mapping[str, str] = TERMS,
    said: str = "",
    code: str = "OE-{}",
    organization: str = "o",
) -> bytes:
    """Return a national register with its own categories; each service is at a known place."""
    tables = {
        "organizations.csv": [{"id": organization, "name": "Red Nacional", "description": "Red"}],
        "services.csv": [
            {"id": name, "organization_id": organization, "name": f"Servicio {name}", "status": "active",
             "description": f"Lo que hace {name} {said}"}
            for name in carried
        ],
        "locations.csv": [
            {"id": f"l-{name}", "name": f"Sede {name}", "location_type": "physical",
             "latitude": "10.64", "longitude": "-71.61"}
            for name in carried
        ],
        "service_at_locations.csv": [
            {"id": f"a-{name}", "service_id": name, "location_id": f"l-{name}"} for name in carried
        ],
        "taxonomies.csv": [{"id": "x", "name": "Open Eligibility", "description": "x"}],
        "taxonomy_terms.csv": [
            {"id": key, "code": code.format(key), "name": name, "description": name, "taxonomy_id": "x"}
            for key, name in terms.items()
        ],
        "attributes.csv": [
            {"id": f"{name}-{term}", "link_id": name, "link_entity": "service",
             "taxonomy_term_id": term}
            for name, known in carried.items() for term in known
        ],
    }  # fmt: skip
    return package(folder, tables).read_bytes()


async def bring(database: Database, content: bytes, who: Principal = WHO, **changes: object) -> Any:
    return await imported(database, who, content, source=SOURCE, **changes)


def lines(decided: Mapping[str, str]) -> bytes:
    rows = [f"Open Eligibility,OE-{key},{TERMS[key]},{codes}" for key, codes in decided.items()]
    return "\n".join(["taxonomy,term,name,categories", *rows]).encode()


async def decide(
    database: Database, decided: Mapping[str, str], who: Principal = WHO
) -> service.Followed:
    async with database.transaction(who) as session:
        space = f"{who.organisation}:{SOURCE}"
        return await service.take_in(session, who, space, tables_out.read(lines(decided)))


async def decide_by_name(
    database: Database, decided: Mapping[str, Sequence[str] | None], who: Principal = WHO
) -> service.Followed:
    async with database.transaction(who) as session:
        terms = await queries.terms_of(session, who, f"{who.organisation}:{SOURCE}")
        ids = {row.name: row.id for row in terms}
        return await service.decide(
            session, who, [service.Decision(ids[name], codes) for name, codes in decided.items()]
        )


async def directory(database: Database) -> list[tuple[object, ...]]:
    """Return everything stored and found for the services, without ids and times."""
    d, p = service_documents.c, site_documents.c
    name = services.c.document["name"].astext
    added = sa.select(crosswalk_additions.c.categories).where(
        crosswalk_additions.c.service_id == services.c.id
    )
    place = sa.func.jsonb_path_query_array(
        services.c.document,
        sa.cast("$.service_at_locations[*].location.latitude", JSONPATH),
    )
    statements = [
        sa.select(
            name, services.c.document["categories"], services.c.document["visibility"], place,
            services.c.aors, services.c.state, services.c.visibility, added.scalar_subquery(),
        ).order_by(name),
        sa.select(d.name, d.level, d.categories, d.visibility, d.aors, d.areas, d.referable)
        .order_by(d.name, d.level),
        sa.select(d.name, p.level, p.visibility, sa.cast(p.point, sa.Text))
        .join_from(site_documents, service_documents,
                   sa.and_(p.service_id == d.service_id, p.level == d.level))
        .order_by(d.name, p.level),
    ]  # fmt: skip
    async with database.transaction() as session:
        return [tuple(row) for query in statements for row in await session.execute(query)]


async def categories(database: Database) -> dict[str, list[str]]:
    name = services.c.document["name"].astext
    codes = services.c.document["categories"]
    async with database.transaction() as session:
        rows = await session.execute(sa.select(name, codes))
        return {row[0].removeprefix("Servicio "): row[1] or [] for row in rows}


DECISIONS = [
    {"t1": "GBV-LEGAL"},
    {"t1": "GBV-LEGAL;GBV-CM", "t2": "GBV-SHELTER", "t3": "-"},
    {"t2": "GBV-SHELTER"},
    {"t1": "GBV-LEGAL", "t2": "GBV-LEGAL", "t3": "CP-MHPSS"},
    {"t3": "-"},
]


@pytest.mark.parametrize("decided", DECISIONS)
async def test_deciding_before_an_import_and_after_it_end_alike(
    directory_database: ServiceDatabase, tmp_path: Path, decided: dict[str, str]
) -> None:
    content = register(tmp_path)
    async with rolled_back(directory_database) as one:
        assert await decide(one, decided) == (0, 0, 0)
        await bring(one, content)
        before = await directory(one)
        again = await bring(one, content)
        assert again.services.unchanged == len(CARRIED)
        assert await directory(one) == before
    async with rolled_back(directory_database) as other:
        await bring(other, content)
        undecided = await directory(other)
        followed = await decide(other, decided)
        after = await directory(other)
    assert after == before
    assert (after != undecided) is bool(followed.changed)
    assert bool(followed.changed) is any(codes != "-" for codes in decided.values())


async def test_another_decision_takes_back_what_the_first_one_gave(
    database: Database, tmp_path: Path
) -> None:
    content = register(tmp_path)
    await bring(database, content)
    untouched = await directory(database)
    assert await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"]}) == (2, 0, 0)
    assert await categories(database) == {
        "uno": ["GBV-LEGAL"], "dos": ["GBV-LEGAL"], "tres": [], "cuatro": []
    }  # fmt: skip
    await decide_by_name(database, {"Legal aid": ["CP-CM"]})
    assert (await categories(database))["uno"] == ["CP-CM"]
    await bring(database, register(tmp_path, said="ahora"))
    assert (await categories(database))["uno"] == ["CP-CM"]
    await decide_by_name(database, {"Legal aid": None})
    await bring(database, content)
    assert await directory(database) == untouched


async def test_categories_of_the_service_itself_stay_when_a_decision_goes(
    database: Database, tmp_path: Path
) -> None:
    await bring(database, register(tmp_path))
    await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"], "Night shelter": ["GBV-LEGAL"]})
    await decide_by_name(database, {"Legal aid": []})
    assert (await categories(database))["dos"] == ["GBV-LEGAL"], "the other term still says so"
    assert (await categories(database))["uno"] == []


async def test_a_level_that_was_raised_stays_when_the_decision_goes(
    database: Database, tmp_path: Path
) -> None:
    await bring(database, register(tmp_path), visibility="public")
    await decide_by_name(database, {"Night shelter": ["GBV-SHELTER"]})
    await decide_by_name(database, {"Night shelter": None})
    async with database.transaction() as session:
        where = services.c.document["name"].astext == "Servicio dos"
        row = (await session.execute(sa.select(services).where(where))).one()
    assert row.document.get("categories", []) == []
    assert row.document["visibility"] == "restricted"
    assert "latitude" not in row.document["service_at_locations"][0]["location"]


async def test_nothing_is_guessed_not_even_from_a_code_that_looks_like_ours(
    database: Database, tmp_path: Path
) -> None:
    terms = {"t1": "Type 7", "t2": "GBV case management"}
    content = register(tmp_path, {"uno": ("t1", "t2")}, terms, code="GBV-SHELTER")
    await bring(database, content, visibility="public")
    assert suggested("GBV case management")[0].category == "GBV-CM"
    assert await categories(database) == {"uno": []}
    async with database.transaction() as session:
        found = (await session.execute(sa.select(house_looks))).one()
    assert found.waiting, "the careful reading of what its code may be"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_the_report_counts_the_terms_that_nobody_decided(
    database: Database, tmp_path: Path, dry_run: bool
) -> None:
    await decide(database, {"t1": "GBV-LEGAL"})
    found = await bring(database, register(tmp_path), dry_run=dry_run)
    told = next(each for each in found.notes if each.code == "terms_undecided")
    assert (told.before, told.after) == ("2", "2")
    rows: Any = await report(database, WHO, found.id)
    codes = {row.external_id: {each["code"] for each in row.notes} for row in rows}
    assert "category_decided" in codes["uno"]
    assert "category_none" not in codes["uno"]
    assert "category_none" in codes["tres"]


async def test_what_very_many_services_carry_is_left_to_the_worker(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 1)
    monkeypatch.setattr(crosswalk_worker, "AT_ONCE", 1)
    await bring(database, register(tmp_path))
    assert await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"]}) == (0, 2, 0)
    assert (await categories(database))["uno"] == []
    turns = 0
    while await crosswalk_worker.work_some(database):
        turns += 1
    assert turns == 2
    assert (
        (await categories(database))["uno"] == (await categories(database))["dos"] == ["GBV-LEGAL"]
    )
    async with database.transaction() as session:
        assert (await session.execute(sa.select(crosswalk_waiting))).all() == []


async def test_what_waits_is_not_carried_out_for_whoever_was_suspended_meanwhile(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 1)
    await bring(database, register(tmp_path))
    assert await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"]}) == (0, 2, 0)
    await said(database, ENDED_RIGHTS, suspended={Named.SUBJECT: [WHO.subject]})
    assert await crosswalk_worker.work_some(database)
    assert (await categories(database))["uno"] == []
    await said(database, ENDED_RIGHTS)
    assert not await crosswalk_worker.work_some(database)


async def test_a_decision_while_an_import_ran_is_followed_at_its_end(
    database: Database, tmp_path: Path
) -> None:
    """A decision during an import has the same result as one before it."""
    await bring(database, register(tmp_path))
    async with database.transaction(WHO) as session:
        before = await queries.versions_of(session, f"{WHO.organisation}:{SOURCE}")
        terms = await queries.terms_of(session, WHO, f"{WHO.organisation}:{SOURCE}")
        legal = next(row for row in terms if row.name == "Legal aid")
        await service._record(session, WHO, legal, ["GBV-LEGAL"])
    assert (await categories(database))["uno"] == []
    async with database.transaction(WHO) as session:
        await service.follow_up(session, WHO, f"{WHO.organisation}:{SOURCE}", before)
    assert (await categories(database))["uno"] == ["GBV-LEGAL"]


async def test_who_decided_what_and_when_is_kept(database: Database, tmp_path: Path) -> None:
    await bring(database, register(tmp_path))
    await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"]})
    await decide_by_name(database, {"Legal aid": []})
    h = history.c
    async with database.transaction() as session:
        rows = await session.execute(
            sa.select(h.client_id, h.version, h.old, h.new)
            .where(h.kind == service.KIND)
            .order_by(h.version)
        )
        kept = [tuple(row) for row in rows]
    assert [each[0] for each in kept] == [WHO.subject] * 2
    assert kept[0][3] == ["GBV-LEGAL"]
    assert (kept[1][2], kept[1][3]) == (["GBV-LEGAL"], [])


async def test_a_wrong_decision_changes_nothing(database: Database, tmp_path: Path) -> None:
    await bring(database, register(tmp_path))
    before = await directory(database)
    with pytest.raises(Problem) as refused:
        await decide_by_name(database, {"Legal aid": ["GBV-LEGAL"], "Night shelter": ["NOPE"]})
    assert [each.pointer for each in refused.value.errors] == ["/decisions/1/categories/0"]
    assert await directory(database) == before
    for broken in (b"\xff\xfe", b"a,b\n1,2", lines({"t1": "NOPE"}), lines({"t1": "HOT"}) + b"\n"
                   + lines({"t1": "CP-CM"}).split(b"\n", 1)[1]):  # fmt: skip
        with pytest.raises(Problem):
            tables_out.read(broken)


async def test_a_crosswalk_goes_out_as_a_table_and_comes_back(
    database: Database, tmp_path: Path
) -> None:
    await bring(database, register(tmp_path, terms={**TERMS, "t3": "- Opera"}))
    await decide_by_name(database, {"Legal aid": ["GBV-CM", "GBV-LEGAL"], "Night shelter": []})
    async with database.transaction(WHO) as session:
        rows = await queries.terms_of(session, WHO, f"{WHO.organisation}:{SOURCE}")
        text = tables_out.written(rows)
    assert "'- Opera" in text
    read = {term.name: list(codes) for term, codes in tables_out.read(text.encode()).items()}
    assert read == {"Legal aid": ["GBV-CM", "GBV-LEGAL"], "Night shelter": []}


async def test_over_http_terms_are_listed_with_what_they_may_stand_for_and_then_found_by_need(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    me = as_("gbv-coordinator", aors=AORS)
    await bring(database, register(tmp_path), visibility="public")
    listed = (await api.get(f"{V1}/crosswalks", headers=me)).json()
    assert listed == {"items": [{"source": SOURCE, "terms": 3, "undecided": 3}]}
    asked: dict[str, Any] = {"source": SOURCE, "state": "undecided", "limit": 2}
    first = (await api.get(f"{V1}/crosswalks/terms", params=asked, headers=me)).json()
    asked |= {"cursor": first["next_cursor"]}
    second = (await api.get(f"{V1}/crosswalks/terms", params=asked, headers=me)).json()
    found = {each["name"]: each for each in [*first["items"], *second["items"]]}
    assert {name: each["services"] for name, each in found.items()} == {
        "Legal aid": 2, "Night shelter": 1, "Opera tickets": 1
    }  # fmt: skip
    legal = found["Legal aid"]
    assert "GBV-LEGAL" in [each["category"] for each in legal["suggestions"]]
    assert all(0 < each["score"] <= 1 for each in legal["suggestions"])
    wanted = {"taxonomy_term_id": str(term_id(CATEGORIES, "GBV-LEGAL"))}
    partner = as_("health-cluster")  # One service may be a shelter and waits for review.
    none = (await api.get(f"{V1}/services", params=wanted, headers=partner)).json()
    assert none.get("contents") == [], none
    body = {"decisions": [{"term_id": legal["id"], "categories": ["GBV-LEGAL"]}]}
    answer = await api.post(f"{V1}/crosswalks/decisions", json=body, headers=me)
    assert answer.json() == {"changed": 2, "waiting": 0, "refused": 0}
    assert (
        len((await api.get(f"{V1}/services", params=wanted, headers=partner)).json()["contents"])
        == 2
    )
    again = await api.get(f"{V1}/crosswalks/file", params={"source": SOURCE}, headers=me)
    sent = await api.post(
        f"{V1}/crosswalks/file", params={"source": SOURCE}, content=again.content, headers=me
    )
    assert sent.json() == {"changed": 0, "waiting": 0, "refused": 0}


async def test_another_organisation_learns_nothing_of_the_terms(
    api: AsyncClient, database: Database, tmp_path: Path
) -> None:
    await bring(database, register(tmp_path))
    async with database.transaction() as session:
        row = (await queries.terms_of(session, WHO, f"{WHO.organisation}:{SOURCE}"))[0]
    other = as_("im-officer")
    assert (await api.get(f"{V1}/crosswalks", headers=other)).json() == {"items": []}
    asked = {"source": SOURCE}
    told = await api.get(f"{V1}/crosswalks/terms", params=asked, headers=other)
    assert told.json()["items"] == []
    body = {"decisions": [{"term_id": str(row.id), "categories": []}]}
    refused = await api.post(f"{V1}/crosswalks/decisions", json=body, headers=other)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/decisions/0/term_id"
    nobody = await api.get(f"{V1}/crosswalks")
    assert nobody.status_code == 401


async def test_the_term_of_a_service_that_went_to_others_is_hidden_with_it(
    database: Database, tmp_path: Path
) -> None:
    await bring(database, register(tmp_path))
    partner = principal("ngo-salud")
    content = register(tmp_path, {"cinco": ("t3",)}, organization=str(partner.organisation))
    await bring(database, content, partner)
    async with database.transaction(partner) as session:
        space = f"{partner.organisation}:{SOURCE}"
        assert [r.name for r in await queries.terms_of(session, partner, space)] == [
            "Opera tickets"
        ]
        name = services.c.document["name"].astext
        another = sa.select(services.c.organization_id).where(name == "Servicio uno")
        await session.execute(
            sa.update(services)
            .where(name == "Servicio cinco")
            .values(organization_id=another.scalar_subquery(), managed_by=WHO.organisation)
        )
        assert await queries.terms_of(session, partner, space) == []
        assert await queries.sources_of(session, partner) == []
