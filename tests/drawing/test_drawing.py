"""A separate process without secrets makes each drawing, on this machine or in the sidecar container. Each failure
reports its reason."""

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from drawing import server
from drawing.client import answers, ask_beside, drawn
from drawing.processes import KINDS, FailedDrawing, NobodyDraws
from PIL import Image
from pypdf import PdfReader

from tests.support.system import until

SPEC = {
    "mark": "bar",
    "data": {"values": [{"x": 1234.5, "y": "remisión"}]},
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y"}},
}
# The size in pixels is not a whole number of points.
SQUARES = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="603" height="237">'
    '<rect width="603" height="237" fill="white"/><rect x="7" y="11" width="301" height="5"/></svg>'
)
TELLING = "#for (k, v) in sys.inputs [#k: #v ]"
# Replaces the engine and inspects its process, because no drawing would show it.
LOOKING = """
import json, os, sys
from pathlib import Path
import drawing.pages
def page(wanted):
    settings = [name for name in os.environ if name.startswith("RUTA_")]
    return json.dumps({"pid": os.getpid(), "parent": os.getppid(), "settings": settings}).encode()
drawing.pages.page = page
"""


def page(source: str, form: str = "pdf", **more: object) -> dict[str, object]:
    files = {"main.typ": b64encode(source.encode()).decode()}
    return {"form": form, "ppi": 72.0, "files": files, **more}


def pictures(svgs: list[str]) -> list[bytes]:
    told = {"drawings": svgs, "scale": 2.0}
    return [b64decode(each) for each in json.loads(drawn("pictures", told))]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Casa 😀 y 家", "Casa � y �"),
        ("Wayuu ü ɨ ʼ", "Wayuu ü ɨ ʼ"),
        ("[a]\u1abe \U000f0000", None),
        ("".join(map(chr, range(0x4E00, 0x4E20))), None),
    ],
)
def test_a_letter_that_no_font_draws_never_refuses_a_document(name: str, shown: str | None) -> None:
    """PDF/UA refuses such letters, and one organisation's name would have cost the whole bulletin."""
    source = '#set document(title: "t")\n#sys.inputs.name'
    wanted = page(source, standard="ua-1", own_font=True, inputs={"name": name})
    (only,) = PdfReader(io.BytesIO(drawn("page", wanted))).pages
    assert only["/StructParents"] is not None
    assert shown is None or only.extract_text() == shown


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set the folder in which drawing processes create their own folders."""
    place = tmp_path / "folders"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@pytest.fixture
def beside(tmp_path: Path, folders: Path) -> Iterator[Path]:
    """Start the container's process and configure this process to call it."""
    place = tmp_path / "socket"
    process = subprocess.Popen([sys.executable, "-m", "drawing", "serve", str(place)])
    try:
        until(lambda: answers(place), "somebody draws there")
        ask_beside(place)
        yield place
    finally:
        ask_beside(None)
        process.terminate()
        process.wait()


@pytest.fixture(params=["here", "beside"])
def somewhere(request: pytest.FixtureRequest) -> None:
    if request.param == "beside":
        request.getfixturevalue("beside")


@pytest.mark.usefixtures("somewhere")
def test_charts_and_pages_are_drawn() -> None:
    specs = {"one": SPEC, "two": SPEC}
    sheets = {
        "es": {"specs": specs, "notation": "es-ES"},
        "en": {"specs": specs, "notation": "en-US"},
    }
    made = json.loads(drawn("charts", sheets))
    assert {sheet: list(charts) for sheet, charts in made.items()} == {
        "es": ["one", "two"],
        "en": ["one", "two"],
    }
    for language, number in (("es", "1.200"), ("en", "1,200")):
        assert number in made[language]["one"], "in the notation that was asked for"
    alone = json.loads(drawn("charts", {"en": sheets["en"]}))
    assert alone["en"] == made["en"], "what is drawn before it changes no byte"
    first, squares, last = pictures([made["es"]["one"], SQUARES, made["en"]["one"]])
    assert first != last
    assert [last] == pictures([made["en"]["one"]]), "what is drawn before it changes no byte"
    image = Image.open(io.BytesIO(squares)).convert("L")
    assert image.size == (2 * 603, 2 * 237)
    black = 4 * 301 * 5
    assert image.getcolors() == [(black, 0), (4 * 603 * 237 - black, 255)], "no edge is blurred"
    assert drawn("page", page(TELLING, inputs={"for": "papel"})).startswith(b"%PDF")
    assert drawn("page", page("x", "png")).startswith(b"\x89PNG")


@pytest.mark.usefixtures("somewhere")
def test_a_failure_is_told_in_the_words_of_the_engine() -> None:
    with pytest.raises(FailedDrawing, match="does not fit"):
        drawn("page", page('#panic("the poster does not fit")'))


@pytest.mark.usefixtures("folders", "somewhere")
def test_a_page_reads_and_writes_no_file_but_those_that_came_with_it(
    tmp_path: Path, folders: Path
) -> None:
    (tmp_path / "secret").write_text("s3cret")
    for path in (str(tmp_path / "secret"), "/etc/passwd", "../../etc/passwd"):
        with pytest.raises(FailedDrawing, match=r"not found|outside|denied|escape"):
            drawn("page", page(f'#read("{path}")'))
    files = {"main.typ": "", "../outside": b64encode(b"x").decode()}
    drawn("page", {"form": "pdf", "files": files})
    assert list(folders.iterdir()) == [], "neither beside its folder, nor left there"


def test_a_drawing_has_a_process_of_its_own_without_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(LOOKING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("RUTA_DATABASE_URL", "postgresql://secret")
    told = json.loads(drawn("page", {}))
    assert told == {"pid": told["pid"], "parent": os.getpid(), "settings": []}


def test_only_what_is_a_kind_is_called(beside: Path) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(beside))) as client:
        for path in ("/os:system", "/drawing.charts:charts", "/serve", "/"):
            assert client.post(f"http://drawing{path}", content=b'"true"').status_code == 404
        assert client.get("http://drawing/page").status_code == 405
    said = subprocess.run(
        [sys.executable, "-m", "drawing", "os:system"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "usage" in said.stderr
    assert set(KINDS) == {"charts", "pictures", "page"}


def test_more_than_a_bulletin_is_refused(beside: Path) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(beside))) as client:
        more = client.post("http://drawing/page", content=b" " * (server.MOST_BYTES + 1))
    assert more.status_code == 413


def test_who_draws_nowhere_is_told_so_and_what_comes_back_draws_again(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    ask_beside(place)
    try:
        with pytest.raises(NobodyDraws, match="nobody draws"):
            drawn("page", page("x"))
        assert not answers(place)
        for _ in range(2):  # The second process finds the socket that the killed one left behind.
            process = subprocess.Popen([sys.executable, "-m", "drawing", "serve", str(place)])
            until(lambda: answers(place), "somebody draws there")
            assert drawn("page", page("x")).startswith(b"%PDF")
            process.kill()
            process.wait()
        with pytest.raises(NobodyDraws, match="nobody draws"):
            drawn("page", page("x"))
    finally:
        ask_beside(None)


def test_the_container_draws_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The container's memory limit allows only one drawing at a time."""
    at_once: list[int] = []
    inside = 0
    others_came = threading.Event()

    def slowly(_kind: str, _told: bytes) -> bytes:
        nonlocal inside
        inside += 1
        at_once.append(inside)
        others_came.wait()
        inside -= 1
        return b"drawn"

    monkeypatch.setattr(server, "drawn_apart", slowly)

    async def three() -> list[httpx.Response]:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://drawing") as client:
            asked = [asyncio.create_task(client.post("/page", content=b"{}")) for _ in range(3)]
            for _ in range(200):  # Wait until every request has arrived and one drawing has begun.
                await asyncio.sleep(0.001)
            others_came.set()
            return list(await asyncio.gather(*asked))

    answered = asyncio.run(three())
    assert [each.content for each in answered] == [b"drawn"] * 3
    assert at_once == [1, 1, 1]
