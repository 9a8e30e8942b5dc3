"""`bulletin`: draft, sign off, publish and fetch the bulletins of the running stack."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stack.commands.desk import Desk, as_client
from stack.errors import StackError
from stack.texts import language_of, said

app = typer.Typer(
    name="bulletin", help="Draft, sign off and publish bulletins.", no_args_is_help=True
)
_terminal = Console(highlight=False, soft_wrap=True)
_PATH = "/reports/v1/bulletins"
_SHOWN = 12
"""The printed part of a draft's digest, enough to notice a change."""

Period = Annotated[str, typer.Argument(help="A half month (2026-11a) or a month (2026-11)")]
Identifier = Annotated[str, typer.Argument(help="The id of a bulletin")]


@app.command()
@as_client()
def draft(
    desk: Desk,
    period: Period,
    *,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--beside", help="Also include stakeholders or milestones; repeat --beside for each"
        ),
    ] = None,
    analysis: Annotated[
        str | None,
        typer.Option(
            help="Include this problem tree and its SWOT analysis, as far as they are agreed"
        ),
    ] = None,
) -> None:
    """Compose the bulletin of an ended period; an existing draft is composed again."""
    body = {"period": period, "beside": beside or [], "analysis": analysis}
    made = desk.send("POST", _PATH, body)
    _tell(made)


@app.command()
@as_client("tip-coordinator", "The client that writes the text")
def words(
    desk: Desk,
    bulletin: Identifier,
    file: Annotated[Path, typer.Argument(help="JSON: section → {es, en}", exists=True)],
) -> None:
    """Add written text to a draft: highlights, analysis per section, challenges, next steps…"""
    try:
        texts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StackError("{file} is not JSON: {error}", file=file, error=error) from None
    _tell(desk.send("PUT", f"{_PATH}/{bulletin}/words", {"texts": texts}))


@app.command(name="sign-off")
@as_client("tip-coordinator", "The coordinator's client that signs off")
def sign_off(
    desk: Desk,
    bulletin: Identifier,
    read: Annotated[
        str,
        typer.Argument(
            help="The draft that you read: the last item in the line that draft, words, fetch and list print"
        ),
    ],
) -> None:
    """Sign off a draft as the coordinator who read it."""
    now = desk.get(f"{_PATH}/{bulletin}")["content_sha256"]
    if not (len(read) >= _SHOWN and now.startswith(read)):
        raise StackError(
            "the draft is now {now}, not {read}. Read it again (./ruta bulletin fetch {bulletin})",
            now=now[:_SHOWN],
            read=read,
            bulletin=bulletin,
        )
    _tell(desk.send("POST", f"{_PATH}/{bulletin}/sign-off", {"content_sha256": now}))


@app.command()
@as_client()
def publish(desk: Desk, bulletin: Identifier) -> None:
    """Check every number, fix all formats and publish them."""
    _tell(desk.send("POST", f"{_PATH}/{bulletin}/publish"))


@app.command(name="list")
@as_client(who="The demo client that reads")
def list_bulletins(desk: Desk) -> None:
    """List bulletins and their states, newest first."""
    for bulletin in desk.get(_PATH)["items"]:
        _tell(bulletin)


@app.command()
@as_client(who="The demo client that reads")
def fetch(
    desk: Desk,
    bulletin: Identifier,
    folder: Annotated[Path, typer.Argument(help="The folder for the files")] = Path(),
) -> None:
    """Write the page, the PDF, the workbook and the charts in every language."""
    detail = desk.get(f"{_PATH}/{bulletin}")
    _tell(detail)
    for file in detail["files"]:
        place = folder / file["language"] / file["name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(desk.ask("GET", file["path"]).content)
        _terminal.print(str(place))


@app.command()
@as_client(who="The demo client that reads")
def trace(desk: Desk, bulletin: Identifier) -> None:
    """Print each number with its source. Exit 1 if a source is missing."""
    found = desk.get(f"{_PATH}/{bulletin}/trace")
    language = language_of(os.environ)
    for figure in found["figures"]:
        beside, source = figure["beside"][language], figure["source"][language]
        _terminal.print(f"{figure['value']}  {beside}  <-  {source}")
    for problem in found["problems"]:
        _terminal.print(said("number without a source: {problem}", problem=problem))
    raise typer.Exit(1 if found["problems"] else 0)


def _tell(bulletin: dict[str, Any]) -> None:
    _terminal.print(
        said(
            "{id}  {kind}  {period}  edition {edition}  {state}  {content}",
            id=bulletin["id"],
            kind=bulletin["kind"],
            period=bulletin["period"],
            edition=bulletin["edition"],
            state=bulletin["state"],
            content=bulletin["content_sha256"][:_SHOWN],
        )
    )
