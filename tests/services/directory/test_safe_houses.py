"""Ruta keeps a possible safe house at `partners` without its place until a person decides, however it arrived."""

import csv
import io
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from common.db.session import Database
from directory.ground.hsds.masking import without_place
from directory.ground.hsds.safe_houses import Texts, suspicious
from directory.record.documents.models import service_documents
from httpx import AsyncClient

from tests.services.directory.conftest import V1, Publish, as_, service_document
from tests.services.directory.imports.test_taking_in import imported, report
from tests.support.principals import principal

LABELLED = Path(__file__).parents[2] / "data" / "houses"
THREATS = Path(__file__).parents[3] / "docs" / "threat-model.md"
STREET = "5 de Julio"
HOUSES = f"{V1}/records/houses"


def _rates(half: str) -> tuple[float, float, int]:
    """Return the recall, the share of other services held back, and the number of rows."""
    rows = list(csv.DictReader((LABELLED / f"{half}.csv").read_text(encoding="utf-8").splitlines()))
    found: dict[str, list[bool]] = {"0": [], "1": []}
    for row in rows:
        parts = {key: [part for part in row[key].split(";") if part] for key in row}
        said = Texts(
            [row["name"], *parts["terms"]],
            [row["description"]],
            [*parts["categories"], *parts["terms"]],
            parts["populations"],
            ([row["organisation"]], []),
        )
        found[row["house"]].append(bool(suspicious(said)))
    return sum(found["1"]) / len(found["1"]), sum(found["0"]) / len(found["0"]), len(rows)


def test_of_the_labelled_set_nearly_every_house_is_held_and_nearly_nothing_else() -> None:
    """`held_back` was written before the word list, and nobody read it while choosing the words."""
    rows = 0
    for half in ("tuning", "held_back"):
        recall, held, found = _rates(half)
        sys.stdout.write(
            f"{half}: recall {recall:.3f}, other services held {held:.3f}, {found} rows\n"
        )
        assert (recall >= 0.99, held <= 0.05) == (True, True), half
        rows += found
    assert rows >= 300
    assert (
        f"In {found} labelled texts kept out of tuning, the rule finds {recall:.1%} of the houses and"
        f" holds {held:.1%} of the others."
    ).replace("%", " %") in THREATS.read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "held"),
    [
        (Texts(["Girls exploited in trafficking"], about=(["Kristi House"], [])), True),
        (Texts(["Atención"], about=([], ["La fundación alberga a mujeres maltratadas"])), True),
        (
            Texts(
                ["South campus"], ["The campus is a group home for children"],
                about=(["Children's Home, Inc."], ["Homes for boys and girls who have been neglected, misdirected, abandoned, abused"]),
            ),
            True,
        ),
        (
            Texts(
                ["Centro de rehabilitación"], ["Programa residencial para hombres que dejan el alcohol"],
                about=(["Ejército de Paz"], ["Comida, vivienda y apoyo para madres y familias"]),
            ),
            False,
        ),
        (
            Texts(
                ["Vital statistics"],
                about=(["County health department"], [
                    "Housing inspection, birth and death certificates, dental care for children and adults, nutrition for women"
                ]),
            ),
            False,
        ),
    ],
)  # fmt: skip
def test_an_organisations_description_is_read_as_sentences_and_its_name_as_a_title(
    said: Texts, held: bool
) -> None:
    """One long sentence about a whole department does not describe each of its services."""
    assert bool(suspicious(said)) is held


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Atención 24 horas. Calle 8 con avenida Bolívar. Llame antes.", "Atención 24 horas. … Llame antes."),
        ("Open day and night. 12 Oak Street.", "Open day and night. …"),
        ("Atendemos a mujeres", "Atendemos a mujeres"),
        ("Junto al Centro de salud azul", "…"),
    ],
)  # fmt: skip
def test_a_sentence_with_a_street_or_the_name_of_the_place_is_left_out(
    text: str, left: str
) -> None:
    assert without_place(text, {"centro de salud azul"}) == left


HINTS: dict[str, dict[str, Any]] = {
    "its name": {"name": "Hogar de protección para mujeres víctimas"},
    "its description": {"description": "To shelter and counsel battered women"},
    "its name in a second language": {
        "translations": {"en": {"name": "Domestic violence shelter"}},
    },
    "Portuguese": {"name": "Casa-abrigo sigilosa"},
    "a word of the Warao": {"name": "Janoko para mujeres víctimas"},
    "its organisation": {
        "organization": {
            "id": str(service_document()["organization"]["id"]),
            "name": "Refugio de Mujeres Maltratadas",
            "description": "Asociación",
        }
    },
    "the text of a link": {
        "additional_urls": [{"url": "https://example.org/a.pdf", "label": "Reglas de la casa segura"}]
    },
    "its category and its population": {
        "categories": ["SHL"], "eligibility": {"populations": ["SUR"]},
    },
    "a term of another taxonomy": {
        "attributes": [
            {"taxonomy_term": {"name": "Emergency Shelter", "description": "x", "taxonomy": "AIRS"}},
            {"taxonomy_term": {"name": "Abused Women", "description": "x", "taxonomy": "AIRS"}},
        ]
    },
}  # fmt: skip


async def _seen(api: AsyncClient, own: str, who: str = "anonymous") -> Any:
    return await api.get(f"{V1}/services/{own}", headers=as_(who))


def _hides(text: str, *more: str) -> bool:
    return not any(place in text for place in (STREET, "10.65", "-71.62", *more))


@pytest.mark.parametrize("hint", HINTS)
async def test_what_may_be_a_house_is_shown_to_partners_alone_and_without_its_place(
    api: AsyncClient, publish: Publish, hint: str
) -> None:
    own = await publish(**HINTS[hint])
    assert (await _seen(api, own)).status_code == 404
    seen = await _seen(api, own, "health-cluster")
    assert seen.status_code == 200
    assert seen.json()["visibility"] == "partners"
    assert seen.json()["service_at_locations"][0]["location"]["pcode"] == "VE2313"
    for path in ("services?full=true", "service_at_locations?full=true", "organizations?full_service=true",
                 "sync/snapshot", "exports?format=csv", "exports?format=geojson"):  # fmt: skip
        for who in ("anonymous", "health-cluster"):
            found = await api.get(f"{V1}/{path}", headers=as_(who))
            assert found.status_code == 200, (path, found.text)
            assert _hides(found.text, "Centro de salud"), (path, who)
    history = await api.get(f"{V1}/records/services/{own}/history", headers=as_("ngo-salud"))
    assert history.status_code == 200
    assert _hides(history.text)


async def test_a_file_with_a_held_house_says_that_it_holds_a_part_of_it(
    api: AsyncClient, publish: Publish
) -> None:
    """The export marks the house as abridged, because importing it again would remove the place from the record."""
    house = await publish(**HINTS["its name"])
    other = await publish()
    file = await api.get(f"{V1}/exports?format=hsds", headers=as_("im-officer"))
    with zipfile.ZipFile(io.BytesIO(file.content)) as package:
        rows = csv.DictReader(package.read("services.csv").decode("utf-8-sig").splitlines())
    said = {row["id"]: row["abridged"] for row in rows}
    assert (said[house], said[other]) == ("yes", "")


async def test_a_persons_word_holds_until_there_are_other_words(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish(name="Casa segura para personas trans")
    curator = as_("gbv-coordinator")
    (one,) = (await api.get(HOUSES, headers=curator)).json()["items"]
    assert (one["id"], one["words"]) == (own, ["casa segura"])
    assert (one["organization"], one["visibility"]) == ("Salud para Todas", "public")
    said = {"is_house": False, "words": one["words"]}
    refused = await api.post(f"{HOUSES}/{own}", json=said, headers=as_("ngo-salud"))
    assert refused.status_code == 403
    stale = await api.post(f"{HOUSES}/{own}", json={**said, "words": ["casa"]}, headers=curator)
    assert stale.status_code == 409
    answer = await api.post(f"{HOUSES}/{own}", json=said, headers=curator)
    assert answer.status_code == 204, answer.text
    assert STREET in (await _seen(api, own)).text
    assert (await api.get(HOUSES, headers=curator)).json()["items"] == []

    async def change(**fields: Any) -> Any:
        path = f"{V1}/records/services/{own}"
        read = await api.get(path, headers=curator)
        headers = {**curator, "If-Match": read.headers["etag"]}
        return await api.patch(path, json=fields, headers=headers)

    changed = await change(alert="Abierto el lunes")
    assert "may_be_house" not in changed.json()
    assert STREET in (await _seen(api, own)).text
    changed = await change(description="Albergue secreto de víctimas de trata")
    assert "albergue secreto" in changed.json()["may_be_house"]
    assert (await _seen(api, own)).status_code == 404


async def test_a_house_that_somebody_confirmed_keeps_no_address_anywhere(
    api: AsyncClient, publish: Publish
) -> None:
    own = await publish(name="Casa de abrigo")
    curator = as_("gbv-coordinator")
    said = {"is_house": True, "words": ["casa de abrigo"]}
    assert (await api.post(f"{HOUSES}/{own}", json=said, headers=curator)).status_code == 204
    assert (await _seen(api, own, "health-cluster")).status_code == 404
    for path in ("", "/history"):
        read = await api.get(f"{V1}/records/services/{own}{path}", headers=curator)
        assert read.status_code == 200
        assert _hides(read.text), path


WHO = principal("gbv-coordinator", aors=["CP", "GBV", "TIP", "GP"])
SHEET = [
    "1,Red,Refugio para víctimas de violencia,,",
    "2,Red,Hogar de protección para mujeres víctimas,,",
    "3,Red,Casa segura para personas trans,,",
    "4,Red,Albergue secreto de víctimas de trata,,",
    "5,Red,Programa Luz,,dirección confidencial",
    "6,Red,Oficina de indemnización a víctimas,Trámites,",
]


def _sheet(*rows: str) -> bytes:
    head = "ID,Organización,Nombre,Descripción,Notas internas,Categorías,Visibilidad,P-code,Dirección,Latitud,Longitud"
    place = "GP-INFO,public,VE2313,Avenida 5 de Julio 12,10.65,-71.62"
    return "\n".join([head, *(f"{row},{place}" for row in rows)]).encode()


async def _open(database: Database) -> set[str]:
    """Return the public names."""
    d = service_documents.c
    async with database.transaction() as session:
        found = await session.scalars(sa.select(d.document["name"].astext).where(d.level == 0))
        return set(found)


async def test_a_sheet_marked_public_publishes_no_house_and_its_report_says_so(
    api: AsyncClient, database: Database
) -> None:
    found = await imported(database, WHO, _sheet(*SHEET), source="red")
    assert found.rows.refused == 0
    assert await _open(database) == {"Oficina de indemnización a víctimas"}
    rows: Any = await report(database, WHO, found.id)
    told = {row.external_id: [each["code"] for each in row.notes] for row in rows}
    assert [key for key, codes in told.items() if "may_be_house" in codes] == [
        "1",
        "2",
        "3",
        "4",
        "5",
    ]
    said = str([(row.name, row.notes) for row in rows if row.external_id != "6"])
    assert _hides(said)
    # A person decides, the same file comes again, and then the file changes.
    curator = as_("gbv-coordinator", aors=["CP", "GBV", "TIP", "GP"])
    waiting = (await api.get(HOUSES, headers=curator)).json()["items"]
    one = next(each for each in waiting if each["name"] == "Programa Luz")
    said_none = {"is_house": False, "words": one["words"]}
    answer = await api.post(f"{HOUSES}/{one['id']}", json=said_none, headers=curator)
    assert answer.status_code == 204
    await imported(database, WHO, _sheet(*SHEET), source="red")
    assert "Programa Luz" in await _open(database)
    other = SHEET[4].replace("dirección confidencial", "ubicación reservada")
    await imported(database, WHO, _sheet(*SHEET[:4], other, SHEET[5]), source="red")
    assert await _open(database) == {"Oficina de indemnización a víctimas"}
