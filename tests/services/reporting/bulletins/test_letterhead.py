"""The issuer is on the bulletin's first page, and a logo file adds nothing except its picture."""

import io
import json
import struct
import zlib
from base64 import b64decode, b64encode
from typing import Any

import pytest
from httpx import AsyncClient, Response
from PIL import Image
from reporting.publish.bulletins.borders import polygons
from reporting.publish.bulletins.document.content import Letterhead
from reporting.publish.bulletins.document.runs import all_charts, borders
from reporting.publish.bulletins.letterhead import MOST_BYTES, bare
from reporting.publish.bulletins.rendering.chart_drawings import spec
from reporting.publish.bulletins.rendering.forms import rendered
from reporting.publish.bulletins.trace import strays

from tests.services.reporting.bulletins.story import bulletin
from tests.services.reporting.bulletins.test_bulletins_api import PATH, as_, story
from tests.support.reference import reference_data

assert story  # the imported fixture publishes the half month


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(*more: bytes, side: int = 4) -> bytes:
    """Return a grey square as PNG; `more` contains additional chunks."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + b"\x80" * side for _ in range(side))))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + data + chunk(b"IEND", b"")


def body(logo: bytes | None = None) -> dict[str, Any]:
    return {
        "country": {"es": "Venezuela", "en": "Venezuela"},
        "cluster": {"es": "Clúster de Protección", "en": "Protection Cluster"},
        "organisations": [
            {"name": "Red de 3 ríos", "logo": b64encode(logo).decode() if logo else None},
            {"name": "Fundación Refugio", "logo": None},
        ],
    }


def test_a_logo_keeps_its_picture_alone() -> None:
    told = png(chunk(b"tEXt", b"Author\0Ana P\xe9rez"), chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0"))
    found = bare(b64encode(told + b"<script>").decode())
    assert found is not None
    redrawn = b64decode(found)
    assert [
        name for name in (b"tEXt", b"eXIf", b"iCCP", b"tIME", b"<script>") if name in redrawn
    ] == []
    pictures = [Image.open(io.BytesIO(each)) for each in (redrawn, png())]
    assert pictures[0].tobytes() == pictures[1].tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"<svg/>",
        png()[:-30],
        png().replace(b"IDAT", b"IDAX"),
        png(side=3000),
        png(chunk(b"tEXt", b"x" * MOST_BYTES)),
    ],
)
def test_what_is_no_small_picture_is_refused(content: bytes) -> None:
    assert bare(b64encode(content).decode()) is None
    assert bare("%%%") is None


async def test_a_letterhead_is_set_by_the_officer_and_stands_in_later_drafts(
    api: AsyncClient, story: None
) -> None:
    where = f"{PATH}/letterhead"
    assert (await api.get(where, headers=as_("im-officer"))).status_code == 404
    assert (await api.put(where, json=body(), headers=as_("gbv-coordinator"))).status_code == 403
    wrong = await api.put(where, json=body(b"<svg/>"), headers=as_("im-officer"))
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (
        422,
        "/organisations/0/logo",
    )
    kept = await api.put(where, json=body(png()), headers=as_("im-officer"))
    assert kept.status_code == 200, kept.text
    assert (await api.get(where, headers=as_("gbv-coordinator"))).json() == kept.json()
    drafted = await api.post(PATH, json={"period": "2026-10a"}, headers=as_("im-officer"))
    assert drafted.status_code == 201, drafted.text
    own = f"{PATH}/{drafted.json()['id']}"
    content = (await api.get(own, headers=as_("im-officer"))).json()["content"]
    assert content["letterhead"]["organisations"][0]["name"] == "Red de 3 ríos"
    assert content["edition"] == 1


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_first_page_says_who_issues_it_when_and_for_where(language: str) -> None:
    head = Letterhead.model_validate(body(png()))
    content = bulletin().model_copy(update={"letterhead": head, "edition": 2})
    files = rendered(content, language, draft=False)
    page = files["bulletin.html"].decode()
    for said in (head.cluster[language], "Red de 3 ríos", "data:image/png;base64,"):
        assert said in page
    assert {"es": "Edición 2", "en": "Edition 2"}[language] in page
    assert strays(content, language, files) == []


async def test_later_maps_have_the_borders_that_the_officer_uploaded(
    api: AsyncClient, story: None
) -> None:
    where, officer = f"{PATH}/letterhead", as_("im-officer")
    outlines = reference_data("geo/ven_admin1.geojson").read_bytes()

    async def upload(client: str) -> Response:
        return await api.put(
            f"{where}/borders",
            files={"file": ("states.geojson", outlines)},
            data={"source": "geoBoundaries, CC BY 3.0 IGO"},
            headers=as_(client),
        )

    await api.put(where, json=body(), headers=officer)
    assert (await upload("gbv-coordinator")).status_code == 403
    kept = await upload("im-officer")
    drafted = await api.post(PATH, json={"period": "2026-10a"}, headers=as_("im-officer"))
    own = await api.get(f"{PATH}/{drafted.json()['id']}", headers=officer)
    assert "VE23" in own.json()["content"]["letterhead"]["borders"]["polygons"]
    assert kept.status_code == 200, kept.text
    assert {"VE01", "VE23"} <= set(kept.json()["borders"]["places"])
    again = await api.put(where, json=body(png()), headers=as_("im-officer"))
    assert again.json()["borders"] == kept.json()["borders"]
    assert (await api.delete(f"{where}/borders", headers=officer)).status_code == 204
    assert (await api.get(where, headers=officer)).json()["borders"] is None


@pytest.mark.parametrize(
    "content",
    [
        b"<svg/>",
        b"[" * 100_000,
        b'{"features": []}',
        b'{"features": [{"id": "VE01", "geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
        b'{"features": [{"id": "VE01", "geometry": {"type": "Polygon", "coordinates": [[[0,0],[900,0],[0,9],[0,0]]]}}]}',
        b'{"features": [{"id": "VE01", "geometry": {"type": "Polygon", "coordinates": [[[0,0],[NaN,0],[0,9],[0,0]]]}}]}',
    ],
)
def test_what_is_no_map_of_states_is_refused(content: bytes) -> None:
    with pytest.raises(
        ValueError, match=r"file is no GeoJSON|no feature|area in degrees|Expecting"
    ):
        polygons(content)


def test_a_map_has_borders_and_their_source_above_its_tiles() -> None:
    square = [[[(-72.0, 9.0), (-71.0, 9.0), (-71.0, 10.0), (-72.0, 9.0)]]]
    source = "geoBoundaries, CC BY 3.0 IGO"
    head = Letterhead.model_validate(
        {**body(), "borders": {"source": source, "polygons": {"VE23": square}}}
    )
    content = bulletin().model_copy(update={"letterhead": head})
    (chart,) = [each for each in all_charts(content) if each.form == "map"]
    above, below = spec(chart, "es", borders(content))["vconcat"]
    (shape,) = above["data"]["values"]
    assert shape["geometry"]["coordinates"] == square
    assert below["data"] == spec(chart, "es")["data"]
    assert source in " ".join(spec(chart, "es", borders(content))["title"]["subtitle"])


def test_neighbours_keep_their_common_border() -> None:
    wave = [[x / 100, 0.01 * (x % 2)] for x in range(101)]
    north, south = [*wave, [1, 1], [0, 1], wave[0]], [*wave, [1, -1], [0, -1], wave[0]]
    features = [
        {"properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for code, ring in (("VE01", north), ("VE02", south))
    ]
    drawn = polygons(json.dumps({"features": features}).encode())
    above, below = (set(map(tuple, drawn[code][0][0])) for code in ("VE01", "VE02"))
    assert len(above) < 10
    assert {p for p in above if p[1] < 0.5} == {p for p in below if p[1] > -0.5}
