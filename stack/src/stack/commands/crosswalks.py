"""`crosswalks`: maps a publisher's own terms to our categories, as people decided."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from common.words.languages import PageLanguage
from common.words.tables import completed
from rich.console import Console
from rich.table import Table

from stack.commands.desk import Desk, as_client
from stack.errors import StackError

app = typer.Typer(
    name="crosswalks",
    help="Map the categories of other publishers to ours.",
    no_args_is_help=True,
)
_terminal = Console(highlight=False, soft_wrap=True)
_PATH = "/directory/v1/crosswalks"
_PAGE = 200
_NONE, _UNDECIDED = "-", "?"
_HEADS: dict[str, dict[str, tuple[str, ...]]] = completed("stack", {
    "sources": {"es": ("publicación", "términos", "sin decidir"),
                "en": ("publisher", "terms", "undecided")},
    "terms": {"es": ("término", "servicios", "categorías", "se parece a"),
              "en": ("term", "services", "categories", "looks like")},
})  # fmt: skip
_SAID = completed("stack", {
    "no_source": {"es": "Ninguna importación suya trajo términos de otros.",
                  "en": "No import of yours brought terms of others."},
    "no_term": {"es": "Ningún término.", "en": "No term."},
    "none_called": {"es": "ningún término de {source} se llama «{name}»; véalos: ./ruta crosswalks terms {source}",
                    "en": "no term of {source} is called “{name}”; see them: ./ruta crosswalks terms {source}"},
    "several": {"es": "«{name}» es de varias taxonomías: diga cuál con --taxonomy: {taxonomies}",
                "en": "“{name}” is in several taxonomies: name one with --taxonomy: {taxonomies}"},
    "followed": {"es": "servicios que cambiaron: {changed}; que esperan su turno: {waiting}; que no le toca cambiar: {refused}",
                 "en": "services that changed: {changed}; that wait for their turn: {waiting}; that are not yours to change: {refused}"},
})  # fmt: skip

Language = Annotated[PageLanguage, typer.Option(help="Language of the output")]
Source = Annotated[
    str,
    typer.Argument(help="The publisher: the `--source` of its imports, or the name of the format"),
]


@app.command(name="list")
@as_client()
def list_sources(desk: Desk, *, language: Language = "es") -> None:
    """List the publishers of your organisation's imports, with the number of undecided terms."""
    found = desk.get(_PATH)["items"]
    if not found:
        _terminal.print(_SAID["no_source"][language])
        return
    table = Table(*_HEADS["sources"][language])
    for each in found:
        table.add_row(each["source"], str(each["terms"]), str(each["undecided"]))
    _terminal.print(table)


@app.command()
@as_client()
def terms(
    desk: Desk,
    source: Source,
    *,
    undecided: Annotated[bool, typer.Option(help="Only terms that nobody has decided")] = False,
    language: Language = "es",
) -> None:
    """List a publisher's terms, the decisions (`-` none of ours, `?` undecided) and suggestions."""
    found = list(_terms(desk, source, undecided=undecided))
    if not found:
        _terminal.print(_SAID["no_term"][language])
        return
    table = Table(*_HEADS["terms"][language])
    for each in found:
        alike = [f"{s['category']} {s[language]} ({s['score']})" for s in each["suggestions"]]
        table.add_row(each["name"], str(each["services"]), _decided(each), "\n".join(alike))
    _terminal.print(table)


@app.command()
@as_client()
def decide(
    desk: Desk,
    source: Source,
    term: Annotated[str, typer.Argument(help="The term as its publisher writes it")],
    categories: Annotated[
        list[str], typer.Argument(help="Our codes; `-` for none of ours; `?` to undo the decision")
    ],
    *,
    taxonomy: Annotated[
        str | None, typer.Option(help="The publisher, if several have this term")
    ] = None,
    language: Language = "es",
) -> None:
    """Decide what a term means, for its services and for later imports."""
    named = [
        each
        for each in _terms(desk, source)
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
    _tell(desk.send("POST", f"{_PATH}/decisions", body), language)


@app.command()
@as_client()
def export(
    desk: Desk,
    source: Source,
    target: Annotated[Path, typer.Argument(help="The file to write (.csv)")],
) -> None:
    """Write all terms into a table that several people can complete: codes separated by `;`, `-`
    for none."""
    target.write_bytes(desk.ask("GET", f"{_PATH}/file", params={"source": source}).content)
    _terminal.print(f"→ {target}")


@app.command(name="import")
@as_client()
def import_file(
    desk: Desk,
    source: Source,
    file: Annotated[Path, typer.Argument(help="The completed table (CSV)", exists=True)],
    *,
    language: Language = "es",
) -> None:
    """Import the decisions from a table, before or after the import of the services."""
    asked = {"source": source}
    answer = desk.ask("POST", f"{_PATH}/file", params=asked, content=file.read_bytes())
    _tell(answer.json(), language)


def _terms(desk: Desk, source: str, *, undecided: bool = False) -> Iterator[dict[str, Any]]:
    state = {"state": "undecided"} if undecided else {}
    return desk.pages(f"{_PATH}/terms", source=source, limit=_PAGE, **state)


def _decided(term: dict[str, Any]) -> str:
    if term.get("categories") is None:
        return _UNDECIDED
    return ", ".join(term["categories"]) or _NONE


def _tell(followed: dict[str, Any], language: PageLanguage) -> None:
    _terminal.print(_SAID["followed"][language].format_map(followed))
