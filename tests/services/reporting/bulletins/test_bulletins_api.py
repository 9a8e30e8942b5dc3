"""A bulletin from events to the public: it is drafted, signed off, published, and never changed."""

import asyncio
import io
import re
from base64 import b64encode
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa
from common import clock
from common.db.session import Database
from common.words.languages import LANGUAGES
from drawing.client import ask_beside
from httpx import AsyncClient
from pypdf import PdfReader
from reporting.ground.programmes.catalogue import shipped
from reporting.publish.bulletins.models import bulletins
from reporting.publish.bulletins.schedule import draft_due, due, task
from reporting.recording.service import Recorder
from reporting.settings import Settings
from reporting.tables import COMMON

from tests.services.reporting.activities.rows import body
from tests.services.reporting.bulletins.test_beside import INSTITUTION
from tests.services.reporting.conftest import AUDIENCE
from tests.services.reporting.events import caseload, record_together
from tests.support.principals import bearer, keyed

ATOM = {"a": "http://www.w3.org/2005/Atom"}
XML = "{http://www.w3.org/XML/1998/namespace}"
PATH = "/reports/v1/bulletins"
PERIOD = "2026-10a"


def as_(client: str) -> dict[str, str]:
    return keyed(bearer(client, audience=AUDIENCE))


@pytest.fixture
async def story(api: AsyncClient, database: Database, recorder: Recorder) -> None:
    """Prepare four hundred persons in a published half month, and three trainings."""
    await record_together(database, recorder, list(caseload(persons=400, seed=11)))
    for programme in ("referrals", "unmet-needs"):
        closing = {"programme": programme, "period": PERIOD}
        made = await api.post("/reports/v1/releases", json=closing, headers=as_("im-officer"))
        assert made.status_code == 201, made.text
        url = f"/reports/v1/releases/{made.json()['id']}"
        for contributor in made.json()["contributors"]:
            number = int(contributor["organisation_id"][-1])
            client = {1: "ngo-refugio", 2: "ngo-salud", 3: "ngo-legal"}[number]
            assert (await api.post(f"{url}/sign-offs", headers=as_(client))).status_code == 200
        done = await api.post(f"{url}/publish", headers=as_("im-officer"))
        assert done.status_code == 200, done.text
    for number, state in enumerate(("VE23", "VE23", "VE20")):
        row = body(number, adm1_pcode=state, start="2026-10-05", end="2026-10-06")
        made = await api.post("/reports/v1/activities", json=row, headers=as_("ngo-refugio"))
        assert made.status_code == 201, made.text


async def step(api: AsyncClient, bulletin: dict[str, Any], name: str, client: str) -> Any:
    """Send the step with the current version, which the signer has read."""
    path = f"{PATH}/{bulletin['id']}"
    read = await api.get(path, headers=as_("im-officer")) if name == "sign-off" else None
    signed = {"content_sha256": read.json()["content_sha256"]} if read else None
    return await api.post(f"{path}/{name}", json=signed, headers=as_(client))


async def drafted(api: AsyncClient, period: str = PERIOD) -> dict[str, Any]:
    answer = await api.post(PATH, json={"period": period}, headers=as_("im-officer"))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def released(api: AsyncClient) -> dict[str, Any]:
    bulletin = await drafted(api)
    signed = await step(api, bulletin, "sign-off", "tip-coordinator")
    assert signed.status_code == 200, signed.text
    published = await step(api, bulletin, "publish", "im-officer")
    assert published.status_code == 200, published.text
    made: dict[str, Any] = published.json()
    return made


def held_to_atom(feed: bytes) -> ET.Element:
    """Check the feed against RFC 4287: the required and unique elements of the feed and its entries (4.1.1, 4.1.2)."""
    root = ET.fromstring(feed)  # noqa: S314 - our own
    assert root.tag == f"{{{ATOM['a']}}}feed"
    assert root.attrib[f"{XML}lang"] in LANGUAGES
    entries = root.findall("a:entry", ATOM)
    for each in (root, *entries):
        for name in ("id", "title", "updated"):
            said = each.findall(f"a:{name}", ATOM)
            assert len(said) == 1, name
            assert said[0].text, name
        assert urlsplit(each.findtext("a:id", "", ATOM)).scheme in {"http", "https", "urn"}
        for name in ("updated", "published"):
            for moment in each.findall(f"a:{name}", ATOM):
                assert datetime.fromisoformat(str(moment.text)).tzinfo is not None
        assert all(link.attrib["href"] for link in each.findall("a:link", ATOM))
    # Because entries name no author, the feed must name one. An entry without content needs an alternate link.
    assert root.findtext("a:author/a:name", "", ATOM)
    assert [link.get("rel") for link in root.findall("a:link", ATOM)] == ["self"]
    for entry in entries:
        kinds = [(link.get("rel"), link.get("type")) for link in entry.findall("a:link", ATOM)]
        assert kinds == [("alternate", "text/html"), ("enclosure", "application/pdf")]
        assert len(entry.findall("a:summary", ATOM)) == 1
    moments = [entry.findtext("a:updated", "", ATOM) for entry in entries]
    assert moments == sorted(moments, reverse=True)
    ids = [entry.findtext("a:id", "", ATOM) for entry in entries]
    assert len(ids) == len(set(ids))
    if entries:
        assert root.findtext("a:updated", "", ATOM) == moments[0]
    return root


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_list_of_bulletins_is_a_feed_that_readers_of_atom_take(
    api: AsyncClient, database: Database, settings: Settings, language: str
) -> None:
    """The test checks a feed without a bulletin, and one with two whose texts contain characters that XML forbids or
    requires to be escaped."""
    address = f"{PATH}/feed?language={language}"
    read = await api.get(address, headers=as_("anonymous"))
    empty = held_to_atom(read.content)
    assert empty.attrib[f"{XML}lang"] == language == read.headers["content-language"]
    assert empty.findtext("a:id", "", ATOM) == f"{str(settings.public_url).rstrip('/')}{address}"
    assert empty.findall("a:entry", ATOM) == []
    pasted = "Salud & refugio <hoy>:\x0bmás estados\x07."
    words = {"texts": {"highlights": {"es": pasted, "en": pasted}}}
    made: list[dict[str, Any]] = []
    for number, period in enumerate((PERIOD, "2026-10b")):
        bulletin = await drafted(api, period)
        url = f"{PATH}/{bulletin['id']}"
        written = await api.put(f"{url}/words", json=words, headers=as_("tip-coordinator"))
        assert written.status_code == 200, written.text
        at = datetime(2026, 11, 2 + number, 7, tzinfo=UTC)
        async with database.transaction() as session:
            row = bulletins.update().where(bulletins.c.id == bulletin["id"])
            # Set the state directly, because publication has its own tests and takes as long as the layout.
            await session.execute(row.values(state="published", published_at=at))
        made.insert(0, bulletin)
    feed = held_to_atom((await api.get(address, headers=as_("anonymous"))).content)
    entries = feed.findall("a:entry", ATOM)
    for entry, bulletin in zip(entries, made, strict=True):
        assert entry.findtext("a:id", "", ATOM) == f"urn:uuid:{bulletin['id']}"
        assert entry.findtext("a:summary", "", ATOM) == "Salud & refugio <hoy>:\nmás estados."
        files = [link.attrib["href"] for link in entry.findall("a:link", ATOM)]
        assert files == [
            f"{PATH}/{bulletin['id']}/files/{language}/bulletin.{form}" for form in ("html", "pdf")
        ]
    page = await api.get(f"{PATH}/page?language={language}", headers=as_("anonymous"))
    assert 'type="application/atom+xml"' in page.text
    assert f'href="{address}"' in page.text, "browsers and readers find the feed from the page"


@pytest.mark.slow
@pytest.mark.usefixtures("story")
async def test_a_bulletin_goes_from_draft_to_the_public(
    api: AsyncClient, database: Database
) -> None:
    bulletin = await released(api)
    assert (bulletin["state"], bulletin["kind"], bulletin["edition"]) == (
        "published",
        "biweekly",
        1,
    )
    anonymous = as_("anonymous")
    for language, title in (("es", "Boletín quincenal"), ("en", "Biweekly")):
        feed = await api.get(f"{PATH}/feed?language={language}", headers=anonymous)
        assert feed.headers["content-type"].startswith("application/atom+xml")
        entries = held_to_atom(feed.content).findall("a:entry", ATOM)
        assert [each.findtext("a:id", "", ATOM) for each in entries] == [
            f"urn:uuid:{bulletin['id']}"
        ]
        assert title in entries[0].findtext("a:title", "", ATOM)
        for link in entries[0].findall("a:link", ATOM):
            assert (await api.get(link.attrib["href"], headers=anonymous)).status_code == 200
    detail = (await api.get(f"{PATH}/{bulletin['id']}", headers=anonymous)).json()
    lead = detail["content"]["sections"][0]["blocks"][0]["figures"]
    assert lead["referred"]["value"] % 11 == 0
    assert abs(lead["referred"]["value"] - 400) < 80
    assert lead["organisations"]["value"] == 1
    for file in bulletin["files"]:
        answer = await api.get(file["path"], headers=anonymous)
        assert answer.status_code == 200, file
        assert answer.headers["content-type"] == file["media_type"]
    pdf = await api.get(f"{PATH}/{bulletin['id']}/files/es/bulletin.pdf", headers=anonymous)
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.content)).pages)
    assert "Casos reportados, no prevalencia" in words
    assert "BORRADOR" not in words
    trace = (await api.get(f"{PATH}/{bulletin['id']}/trace", headers=anonymous)).json()
    assert trace["untraced"] == trace["problems"] == []
    assert all(figure["source"]["es"] for figure in trace["figures"])
    async with database.transaction() as session:
        kinds = await session.scalars(sa.select(COMMON.outbox.c.type))
        assert "ruta.reporting.bulletin.published.v1" in set(kinds)


@pytest.mark.usefixtures("story")
async def test_drafts_are_for_those_who_prepare_them(api: AsyncClient) -> None:
    bulletin = await drafted(api)
    for client in ("anonymous", "ngo-refugio", "health-cluster"):
        path = f"{PATH}/{bulletin['id']}"
        for end in ("", "/trace", "/files/en/bulletin.html"):
            assert (await api.get(path + end, headers=as_(client))).status_code == 404
        for asked in ("", "?state=draft"):
            assert (await api.get(PATH + asked, headers=as_(client))).json()["items"] == []
    for state, many in (("draft", 1), ("signed_off", 0), ("published", 0)):
        listed = await api.get(f"{PATH}?state={state}", headers=as_("gbv-coordinator"))
        assert len(listed.json()["items"]) == many, "what waits for a signature is asked for alone"
    page = await api.get(
        f"{PATH}/{bulletin['id']}/files/en/bulletin.html", headers=as_("gbv-coordinator")
    )
    assert "DRAFT: do not publish" in page.text
    policy = page.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert style
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy, "the browser would show the page undressed"
    assert "unsafe" not in policy
    drawing = re.search(r'src="data:image/svg\+xml,([^"]+)"', page.text)
    assert drawing
    # A drawing that a browser opens on its own may not have inline styles.
    assert not re.search(r"<style|\sstyle=", unquote(drawing[1]))


async def test_each_step_needs_its_role_and_its_state(api: AsyncClient) -> None:
    refused = await api.post(PATH, json={"period": PERIOD}, headers=as_("ngo-refugio"))
    assert refused.status_code == 403
    bulletin = await drafted(api)
    assert (await step(api, bulletin, "publish", "im-officer")).status_code == 409
    assert (await step(api, bulletin, "sign-off", "im-officer")).status_code == 403
    assert (await step(api, bulletin, "sign-off", "cp-coordinator")).status_code == 200
    again = await step(api, bulletin, "sign-off", "cp-coordinator")
    assert again.json()["code"] == "bulletin_state"
    unknown = {"id": "0190a000-0000-7000-8000-00000000ffff"}
    assert (await step(api, unknown, "publish", "im-officer")).status_code == 404


async def offered(api: AsyncClient, path: str, headers: dict[str, str]) -> list[str]:
    """Return the steps that the bulletin offers to this reader."""
    steps: list[str] = (await api.get(path, headers=headers)).json()["possible_steps"]
    return steps


async def test_two_people_stand_for_a_bulletin_and_the_record_names_them(
    api: AsyncClient, database: Database
) -> None:
    """Two different people stand behind a bulletin, whatever roles one person has, also through the shared browser
    client."""

    def person(name: str, client: str, *roles: str) -> dict[str, str]:
        who = {"sub": name, "client_id": "ruta-console", "roles": list(roles)}
        return keyed(bearer(client, audience=AUDIENCE, **who))

    bulletin = await drafted(api)
    path = f"{PATH}/{bulletin['id']}"
    both = ("coordinator", "im")
    read = {"content_sha256": bulletin["content_sha256"]}
    rivas = person("c.rivas", "im-officer", *both)
    assert await offered(api, path, rivas) == ["sign_off"]
    signed = await api.post(f"{path}/sign-off", json=read, headers=rivas)
    assert signed.status_code == 200, signed.text
    for road in ("publish", "publication"):
        alone = await api.post(f"{path}/{road}", headers=person("c.rivas", "im-officer", *both))
        assert (alone.status_code, alone.json()["code"]) == (403, "second_person_needed")
    assert await offered(api, path, rivas) == []
    assert await offered(api, path, person("m.paz", "im-officer", *both)) == ["publish"]
    assert await offered(api, path, as_("cp-coordinator")) == []
    other = await api.post(f"{path}/publish", headers=person("m.paz", "im-officer", *both))
    assert other.status_code == 200, other.text
    assert await offered(api, path, rivas) == ["withdraw"]
    assert await offered(api, path, as_("anonymous")) == []
    async with database.transaction() as session:
        row = (await session.execute(sa.select(bulletins))).mappings().one()
    assert (row["signed_off_by"], row["published_by"]) == ("c.rivas", "m.paz")


@pytest.mark.usefixtures("story")
async def test_a_change_after_the_sign_off_stops_the_publication(api: AsyncClient) -> None:
    bulletin = await drafted(api)
    await step(api, bulletin, "sign-off", "tip-coordinator")
    late = body(9, start="2026-10-12", end=None)
    await api.post("/reports/v1/activities", json=late, headers=as_("ngo-salud"))
    answer = await step(api, bulletin, "publish", "im-officer")
    assert (answer.status_code, answer.json()["code"]) == (409, "untraceable_number")
    assert answer.json()["numbers"]
    fresh = await drafted(api)
    assert (fresh["id"], fresh["state"]) == (bulletin["id"], "draft")


@pytest.mark.slow
@pytest.mark.usefixtures("story")
async def test_what_is_published_never_changes_and_a_correction_is_a_new_edition(
    api: AsyncClient, database: Database
) -> None:
    bulletin = await released(api)
    path = f"{PATH}/{bulletin['id']}/files/es/bulletin.pdf"
    before = (await api.get(path, headers=as_("anonymous"))).content
    rows = await api.get("/reports/v1/activities", headers=as_("ngo-refugio"))
    for row in rows.json()["items"]:
        await api.delete(f"/reports/v1/activities/{row['id']}", headers=as_("ngo-refugio"))
    second = await drafted(api)
    assert (second["edition"], second["state"]) == (2, "draft")
    assert second["id"] != bulletin["id"]
    assert (await api.get(path, headers=as_("anonymous"))).content == before
    trace = (await api.get(f"{PATH}/{bulletin['id']}/trace", headers=as_("anonymous"))).json()
    assert trace["untraced"], "the corrections made since are told"
    assert len(trace["problems"]) == len(trace["untraced"])
    for one in trace["untraced"]:
        assert one["reason"]["es"] != one["reason"]["en"]
    with pytest.raises(sa.exc.DBAPIError, match="never changes"):
        async with database.transaction() as session:
            await session.execute(bulletins.update().values(state="draft"))


@pytest.mark.parametrize("period", ["2026-Q3", "2026-13", "octubre", "2026-10c", ""])
async def test_a_text_that_is_no_bulletin_period_is_422(api: AsyncClient, period: str) -> None:
    answer = await api.post(PATH, json={"period": period}, headers=as_("im-officer"))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/period")


async def test_a_period_that_has_not_ended_is_409(api: AsyncClient) -> None:
    answer = await api.post(PATH, json={"period": "2999-01"}, headers=as_("im-officer"))
    assert (answer.status_code, answer.json()["code"]) == (409, "period_not_ended")


async def test_where_nobody_draws_a_draft_says_so_and_all_else_is_answered(
    api: AsyncClient, tmp_path: Path
) -> None:
    bulletin = await drafted(api)
    path = f"{PATH}/{bulletin['id']}"
    ask_beside(tmp_path / "socket")
    try:
        refused = await api.get(f"{path}/files/es/bulletin.pdf", headers=as_("im-officer"))
        read = await api.get(path, headers=as_("im-officer"))
    finally:
        ask_beside(None)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.json()["detail"] == "Ruta cannot create bulletin files right now."
    assert refused.headers["Retry-After"] == "10"
    assert read.status_code == 200
    drawn = await api.get(f"{path}/files/es/bulletin.pdf", headers=as_("im-officer"))
    assert drawn.content.startswith(b"%PDF")


async def test_files_that_do_not_exist_are_404(api: AsyncClient) -> None:
    bulletin = await drafted(api)
    for end in ("files/es/secrets.txt", "files/es/..%2f..%2fetc", "files/fr/bulletin.pdf"):
        answer = await api.get(f"{PATH}/{bulletin['id']}/{end}", headers=as_("im-officer"))
        assert answer.status_code in {404, 422}, end


async def test_the_schedule_drafts_what_ended_and_only_once(database: Database) -> None:
    today = date(2026, 11, 17)
    assert [period.id for period in due(today)] == ["2026-11a", "2026-10"]
    async with database.transaction() as session:
        assert await draft_due(session, today, shipped()) == ["2026-11a", "2026-10"]
    async with database.transaction() as session:
        assert await draft_due(session, today, shipped()) == []
        states = set(await session.scalars(sa.select(bulletins.c.state)))
    assert states == {"draft"}
    assert clock.utc_day(clock.now()) > today


async def test_the_worker_drafts_by_itself_when_the_period_has_ended(database: Database) -> None:
    """The test runs the worker's background task on a day that its own clock sets."""
    context: Any = SimpleNamespace(database=database, parts={"catalogue": shipped()})
    stop = asyncio.Event()
    with clock.shifted(datetime(2027, 3, 16, 6, tzinfo=UTC) - clock.now()):
        running = asyncio.ensure_future(task(context).run(stop))
        await asyncio.sleep(0)  # Let it begin a first round; it then stops.
        stop.set()
        await running
    async with database.transaction() as session:
        found = (await session.execute(sa.select(bulletins.c.period, bulletins.c.drafted_by))).all()
    assert sorted(map(tuple, found)) == [("2027-02", "schedule"), ("2027-03a", "schedule")]


@pytest.mark.usefixtures("story")
async def test_people_write_beside_the_numbers_and_drafting_again_keeps_it(
    api: AsyncClient,
) -> None:
    made = await drafted(api)
    url = f"{PATH}/{made['id']}/words"

    async def write(texts: dict[str, Any], client: str = "tip-coordinator") -> Any:
        return await api.put(url, json={"texts": texts}, headers=as_(client))

    good = {"highlights": {"es": "Más estados.", "en": "More states."}}
    assert (await write(good, "ngo-refugio")).status_code == 403
    for texts, code in (
        ({"referrals": {"es": "Fueron 17.", "en": "It was 17."}}, "number_in_words"),
        ({"nowhere": {"es": "a", "en": "b"}}, "invalid"),
        ({"needs": {"es": "Solo en español.", "en": ""}}, "invalid"),
        ({"needs": {"es": "a" * 1201, "en": "b"}}, "invalid"),
    ):
        refused = await write(texts)
        assert (refused.status_code, refused.json()["code"]) == (422, code), refused.text
    assert (await write({"referrals": {"es": "Fueron 17.", "en": "x"}})).json()["numbers"][0][
        "pointer"
    ] == "/texts/referrals/es"
    written = await write(good)
    assert written.status_code == 200, written.text
    assert written.json()["content"]["sections"][0]["id"] == "highlights"
    again = await drafted(api)
    assert again["content_sha256"] == written.json()["content_sha256"]
    await step(api, again, "sign-off", "tip-coordinator")
    assert (await write(good)).json()["code"] == "bulletin_state"


@pytest.mark.slow
@pytest.mark.usefixtures("story")
async def test_sections_are_moved_and_hidden_and_what_is_hidden_is_published_by_nobody(
    api: AsyncClient,
) -> None:
    made = await drafted(api)
    url = f"{PATH}/{made['id']}"

    async def put(end: str, sent: dict[str, Any], client: str = "tip-coordinator") -> Any:
        return await api.put(f"{url}/{end}", json=sent, headers=as_(client))

    async def detail() -> Any:
        return (await api.get(url, headers=as_("gbv-coordinator"))).json()

    composed = [each["id"] for each in (await detail())["content"]["sections"]]
    assert composed[-2:] == ["glossary", "sources"]
    order = list(reversed(composed[:-2]))
    assert (await put("arrangement", {"order": order}, "ngo-refugio")).status_code == 403
    for wrong, pointer in (
        ({"order": order[1:]}, "/order"),
        ({"order": [*order, "sources"]}, "/order"),
        ({"order": [*order[:-1], order[0]]}, "/order"),
        ({"order": order, "hidden": ["sources"]}, "/hidden"),
        ({"order": order, "hidden": order}, "/hidden"),
    ):
        refused = await put("arrangement", wrong)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["pointer"] == pointer
    moved = await put("arrangement", {"order": order, "hidden": ["referrals"]})
    assert moved.status_code == 200, moved.text
    words = {"texts": {"highlights": {"es": "Más estados.", "en": "More states."}}}
    for end, sent in (("words", words), ("arrangement", {"order": composed[:-2]})):
        refused = await put(end, {**sent, "content_sha256": made["content_sha256"]})
        assert refused.status_code == 409, refused.text
        assert refused.json()["code"] == "version_conflict"
    newest = moved.json()["content_sha256"]
    assert (await put("words", {**words, "content_sha256": newest})).status_code == 200
    again = await drafted(api)
    found = await detail()
    assert [each["id"] for each in found["content"]["sections"]] == [
        "highlights",
        *order,
        "glossary",
        "sources",
    ]
    assert found["content"]["hidden"] == ["referrals"], "drafting again keeps what people did"
    page = await api.get(f"{url}/files/en/bulletin.html", headers=as_("gbv-coordinator"))
    assert 'id="s-needs"' in page.text
    assert 'id="s-referrals"' not in page.text
    hidden = next(one for one in found["content"]["sections"] if one["id"] == "referrals")
    charts = {one["table"]["id"] for one in hidden["blocks"] if one["kind"] == "chart"}
    assert charts
    assert not charts & {file["name"].split(".")[0] for file in found["files"]}
    assert (await step(api, again, "sign-off", "tip-coordinator")).status_code == 200
    published = await step(api, again, "publish", "im-officer")
    assert published.status_code == 200, published.text
    public = (await api.get(url, headers=as_("anonymous"))).json()
    assert "referrals" not in [each["id"] for each in public["content"]["sections"]]
    assert (await put("arrangement", {"order": order})).json()["code"] == "bulletin_state"


async def test_what_is_taken_back_between_draft_and_publication_is_not_published(
    api: AsyncClient,
) -> None:
    """An institution's desk is now watched, and an author no longer supports their statement."""
    context = "/reports/v1/context"
    entry = {**INSTITUTION, "code": "desk", "in_bulletin": True}
    made = await api.post(f"{context}/stakeholders", json=entry, headers=as_("im-officer"))
    desk = f"{context}/stakeholders/{made.json()['id']}"
    judged = {
        "analysis": "a",
        "place": "strength",
        "text": {"es": "Se acordó.", "en": "It was agreed."},
        "basis": [{"kind": "judgement"}],
    }
    made = await api.post(f"{context}/statements", json=judged, headers=as_("tip-coordinator"))
    statement = f"{context}/statements/{made.json()['id']}"
    anyhow = {"If-Match": "*"}
    await api.post(f"{statement}/agreement", headers=as_("im-officer") | anyhow)

    async def drafted_with_both() -> dict[str, Any]:
        asked = {"period": PERIOD, "beside": ["stakeholders"], "analysis": "a"}
        drafted: dict[str, Any] = (
            await api.post(PATH, json=asked, headers=as_("im-officer"))
        ).json()
        return drafted

    bulletin = await drafted_with_both()
    assert (await step(api, bulletin, "sign-off", "tip-coordinator")).status_code == 200
    withdrawn = await api.put(
        desk, json={**entry, "in_bulletin": False}, headers=as_("im-officer") | anyhow
    )
    assert withdrawn.status_code == 200, withdrawn.text
    answer = await step(api, bulletin, "publish", "im-officer")
    assert (answer.status_code, answer.json().get("code")) == (409, "untraceable_number")
    assert "stakeholders" in str(answer.json()["numbers"])

    bulletin = await drafted_with_both()
    said_anew = {**judged, "text": {"es": "Otra cosa.", "en": "Something else."}}
    changed = await api.put(statement, json=said_anew, headers=as_("tip-coordinator") | anyhow)
    assert changed.status_code == 200, changed.text
    answer = await step(api, bulletin, "sign-off", "tip-coordinator")
    assert (answer.status_code, answer.json().get("code")) == (409, "untraceable_number")
    assert "swot" in str(answer.json()["numbers"])
    # A new draft omits both and can be published.
    bulletin = await drafted_with_both()
    assert (await step(api, bulletin, "sign-off", "tip-coordinator")).status_code == 200


async def test_a_coordinator_signs_the_draft_that_they_read(api: AsyncClient) -> None:
    bulletin = await drafted(api)
    words = {"texts": {"highlights": {"es": "La red creció.", "en": "The network grew."}}}
    path = f"{PATH}/{bulletin['id']}"
    changed = await api.put(f"{path}/words", json=words, headers=as_("im-officer"))
    nothing: dict[str, str] = {}
    for unsaid in (None, nothing):
        signed = await api.post(f"{path}/sign-off", json=unsaid, headers=as_("tip-coordinator"))
        assert (signed.status_code, signed.json()["code"]) == (428, "precondition_required")
    read = {"content_sha256": bulletin["content_sha256"]}
    signed = await api.post(f"{path}/sign-off", json=read, headers=as_("tip-coordinator"))
    assert (signed.status_code, signed.json().get("code")) == (409, "version_conflict")
    read = {"content_sha256": changed.json()["content_sha256"]}
    signed = await api.post(f"{path}/sign-off", json=read, headers=as_("tip-coordinator"))
    assert (signed.status_code, signed.json()["state"]) == (200, "signed_off")


async def test_what_is_beside_the_numbers_is_printed_where_the_draft_asks_for_it(
    api: AsyncClient,
) -> None:
    """The draft prints institutions that may be printed, and statements that two people support."""
    context = "/reports/v1/context"
    for number, printed in enumerate((True, False)):
        entry = {**INSTITUTION, "code": f"i-{number}", "in_bulletin": printed}
        entry["name"] = {"es": f"Institución {'ab'[number]}", "en": f"Institution {'ab'[number]}"}
        made = await api.post(f"{context}/stakeholders", json=entry, headers=as_("im-officer"))
        assert made.status_code == 201, made.text
    for place in ("strength", "threat"):
        said = {"es": f"Se acordó {place}.", "en": f"Agreed {place}."}
        judged = {"analysis": "a", "place": place, "text": said, "basis": [{"kind": "judgement"}]}
        made = await api.post(f"{context}/statements", json=judged, headers=as_("tip-coordinator"))
        assert made.status_code == 201, made.text
        if place == "strength":
            url = f"{context}/statements/{made.json()['id']}/agreement"
            agreed = await api.post(url, headers=as_("im-officer") | {"If-Match": "*"})
            assert agreed.status_code == 200, agreed.text

    async def said_by_a_draft(**wish: Any) -> str:
        asked = {"period": PERIOD, **wish}
        made = await api.post(PATH, json=asked, headers=as_("im-officer"))
        assert made.status_code == 201, made.text
        return (await api.get(f"{PATH}/{made.json()['id']}", headers=as_("im-officer"))).text

    whole = await said_by_a_draft(beside=["stakeholders"], analysis="a")
    assert "Institution a" in whole
    assert "Institution b" not in whole
    assert "Agreed strength." in whole
    assert "Agreed threat." not in whole
    bare = await said_by_a_draft()
    assert "Institution a" not in bare
    assert "Agreed strength." not in bare
