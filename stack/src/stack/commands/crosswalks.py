"""`crosswalks`: what a publisher's own words stand for among our categories, as people decide."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from common.words.languages import PageLanguage
from rich.console import Console
from rich.table import Table

from stack.commands.options import Data, Url
from stack.embedded.connection import RunningStack, connect
from stack.errors import StackError

app = typer.Typer(
    name="crosswalks",
    help="Map the categories of other publishers to ours.",
    no_args_is_help=True,
)
_terminal = Console(highlight=False, soft_wrap=True)
_PATH = "/directory/v1/crosswalks"
_PATIENCE = httpx.Timeout(600, connect=10)
_PAGE = 200
_NONE, _UNDECIDED = "-", "?"
_HEADS: dict[str, dict[str, tuple[str, ...]]] = {
    "sources": {"es": ("publicación", "términos", "sin decidir"),
                "en": ("publisher", "terms", "undecided")},
    "terms": {"es": ("término", "servicios", "categorías", "se parece a"),
              "en": ("term", "services", "categories", "looks like")},
}  # fmt: skip
_SAID = {
    "no_source": {"es": "Ninguna importación suya trajo términos de otros.",
                  "en": "No import of yours brought terms of others."},
    "no_term": {"es": "Ningún término.", "en": "No term."},
    "none_called": {"es": "ningún término de {source} se llama «{name}»; véalos: ./ruta crosswalks terms {source}",
                    "en": "no term of {source} is called “{name}”; see them: ./ruta crosswalks terms {source}"},
    "several": {"es": "«{name}» es de varias taxonomías: diga cuál con --taxonomy: {taxonomies}",
                "en": "“{name}” is in several taxonomies: name one with --taxonomy: {taxonomies}"},
    "followed": {"es": "servicios que cambiaron: {changed}; que esperan su turno: {waiting}; que no le toca cambiar: {refused}",
                 "en": "services that changed: {changed}; that wait for their turn: {waiting}; that are not yours to change: {refused}"},
}  # fmt: skip

Client = Annotated[str, typer.Option("--as", help="Demo client that acts")]
Language = Annotated[PageLanguage, typer.Option(help="Language of what is shown")]
Source = Annotated[
    str, typer.Argument(help="The publisher: the `--source` of its imports, or the format's name")
]


@app.command(name="list")
def list_sources(
    *,
    language: Language = "es",
    client: Client = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Publishers of your organisation's imports, with how many terms nobody has decided."""
    found = _answer(connect(data, url).request(client, "GET", _PATH)).json()["items"]
    if not found:
        _terminal.print(_SAID["no_source"][language])
        return
    table = Table(*_HEADS["sources"][language])
    for each in found:
        table.add_row(each["source"], str(each["terms"]), str(each["undecided"]))
    _terminal.print(table)


@app.command()
def terms(
    source: Source,
    *,
    undecided: Annotated[bool, typer.Option(help="Only what nobody has decided")] = False,
    language: Language = "es",
    client: Client = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Its terms, with what was decided (`-` none of ours, `?` nothing yet) and what they look like."""
    found = list(_terms(connect(data, url), client, source, undecided=undecided))
    if not found:
        _terminal.print(_SAID["no_term"][language])
        return
    table = Table(*_HEADS["terms"][language])
    for each in found:
        alike = [f"{s['category']} {s[language]} ({s['score']})" for s in each["suggestions"]]
        table.add_row(each["name"], str(each["services"]), _decided(each), "\n".join(alike))
    _terminal.print(table)


@app.command()
def decide(
    source: Source,
    term: Annotated[str, typer.Argument(help="The term, as its publisher writes it")],
    categories: Annotated[
        list[str], typer.Argument(help="Our codes; `-` none of ours; `?` takes the decision back")
    ],
    *,
    taxonomy: Annotated[str | None, typer.Option(help="Where several have the term")] = None,
    language: Language = "es",
    client: Client = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Decide what a term stands for; its services follow, and so do later imports."""
    running = connect(data, url)
    named = [
        each
        for each in _terms(running, client, source)
        if each["name"] == term and taxonomy in (None, each["taxonomy"])
    ]
    if not named:
        raise StackError.passed_on(_SAID["none_called"][language].format(source=source, name=term))
    if len(named) > 1:
        there = ", ".join(sorted(each["taxonomy"] for each in named))
        raise StackError.passed_on(_SAID["several"][language].format(name=term, taxonomies=there))
    meant: list[str] | None = [code for code in categories if code != _NONE]
    if categories == [_UNDECIDED]:
        meant = None
    body = {"decisions": [{"term_id": named[0]["id"], "categories": meant}]}
    answer = running.request(client, "POST", f"{_PATH}/decisions", json=body, timeout=_PATIENCE)
    _tell(answer, language)


@app.command()
def export(
    source: Source,
    target: Annotated[Path, typer.Argument(help="File to write: .csv")],
    *,
    client: Client = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Write all terms as a table to fill in with others: codes with `;` between them, `-` for none."""
    running = connect(data, url)
    query = {"source": source}
    answer = _answer(
        running.request(client, "GET", f"{_PATH}/file", params=query, timeout=_PATIENCE)
    )
    target.write_bytes(answer.content)
    _terminal.print(f"→ {target}")


@app.command(name="import")
def import_file(
    source: Source,
    file: Annotated[Path, typer.Argument(help="The filled table (CSV)", exists=True)],
    *,
    language: Language = "es",
    client: Client = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Take in the decisions of a table, before or after the import of what they are about."""
    answer = connect(data, url).request(
        client, "POST", f"{_PATH}/file", params={"source": source}, content=file.read_bytes(),
        timeout=_PATIENCE,
    )  # fmt: skip
    _tell(answer, language)


def _terms(
    running: RunningStack, client: str, source: str, *, undecided: bool = False
) -> Iterator[dict[str, Any]]:
    query: dict[str, Any] = {"source": source, "limit": _PAGE}
    if undecided:
        query["state"] = "undecided"
    while True:
        answer = running.request(client, "GET", f"{_PATH}/terms", params=query)
        page = _answer(answer).json()
        yield from page["items"]
        if "next_cursor" not in page:
            return
        query["cursor"] = page["next_cursor"]


def _decided(term: dict[str, Any]) -> str:
    if term.get("categories") is None:
        return _UNDECIDED
    return ", ".join(term["categories"]) or _NONE


def _tell(answer: httpx.Response, language: PageLanguage) -> None:
    _terminal.print(_SAID["followed"][language].format_map(_answer(answer).json()))


def _answer(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    problem = answer.json()
    at = "".join(f"\n  {e['pointer']}: {e['detail']}" for e in problem.get("errors", []))
    raise StackError.passed_on(
        f"HTTP {answer.status_code} {problem.get('code', '')}: {problem.get('detail', '')}{at}"
    )
