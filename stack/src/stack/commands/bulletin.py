"""`bulletin`: draft, sign off, publish and fetch the bulletins of the running stack."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from stack.commands.options import Data, Url
from stack.embedded.connection import RunningStack, connect
from stack.errors import StackError
from stack.wording import language_of, said

app = typer.Typer(
    name="bulletin", help="Draft, sign off and publish bulletins.", no_args_is_help=True
)
_terminal = Console(highlight=False, soft_wrap=True)
_PATH = "/reports/v1/bulletins"
_SHOWN = 12
"""Of a draft's digest: enough to tell it from what somebody made of it."""
_PATIENCE = httpx.Timeout(300, connect=10)

Period = Annotated[str, typer.Argument(help="A half month (2026-11a) or a month (2026-11)")]
Identifier = Annotated[str, typer.Argument(help="The id of a bulletin")]


@app.command()
def draft(
    period: Period,
    *,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", help="Print stakeholders, milestones; each with its own --beside"),
    ] = None,
    analysis: Annotated[
        str | None, typer.Option(help="Print this problem tree and SWOT, as far as agreed")
    ] = None,
    client: Annotated[str, typer.Option("--as", help="Demo client that acts")] = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Compose the bulletin of an ended period; a draft that exists is composed anew."""
    stack = connect(data, url)
    body = {"period": period, "beside": beside or [], "analysis": analysis}
    made = _answer(stack.request(client, "POST", _PATH, json=body, timeout=_PATIENCE))
    _tell(made)


@app.command()
def words(
    bulletin: Identifier,
    file: Annotated[Path, typer.Argument(help="JSON: section → {es, en}", exists=True)],
    *,
    client: Annotated[str, typer.Option("--as", help="Client that writes")] = "tip-coordinator",
    data: Data = None,
    url: Url = None,
) -> None:
    """Put people's words into a draft: highlights, analysis per section, challenges, next steps…"""
    try:
        texts = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StackError("{file}: no JSON: {error}", file=file, error=error) from None
    path = f"{_PATH}/{bulletin}/words"
    _tell(_answer(connect(data, url).request(client, "PUT", path, json={"texts": texts})))


@app.command(name="sign-off")
def sign_off(
    bulletin: Identifier,
    read: Annotated[
        str,
        typer.Argument(
            help="The draft that you read: what stands last where draft, words, fetch and list tell of it"
        ),
    ],
    *,
    client: Annotated[str, typer.Option("--as", help="Coordinator that signs")] = "tip-coordinator",
    data: Data = None,
    url: Url = None,
) -> None:
    """A coordinator stands for the draft that they read."""
    stack = connect(data, url)
    now = _answer(stack.request(client, "GET", f"{_PATH}/{bulletin}"))["content_sha256"]
    if not (len(read) >= _SHOWN and now.startswith(read)):
        raise StackError(
            "the draft is {now} now, not {read}: read it again (./ruta bulletin fetch {bulletin})",
            now=now[:_SHOWN],
            read=read,
            bulletin=bulletin,
        )
    path = f"{_PATH}/{bulletin}/sign-off"
    signed = {"content_sha256": now}
    _tell(_answer(stack.request(client, "POST", path, json=signed, timeout=_PATIENCE)))


@app.command()
def publish(
    bulletin: Identifier,
    *,
    client: Annotated[str, typer.Option("--as", help="Demo client that acts")] = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Check every number, freeze all forms and make them public."""
    stack = connect(data, url)
    path = f"{_PATH}/{bulletin}/publish"
    _tell(_answer(stack.request(client, "POST", path, json={}, timeout=_PATIENCE)))


@app.command(name="list")
def list_bulletins(
    *,
    client: Annotated[str, typer.Option("--as", help="Demo client that reads")] = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Bulletins and their states, the newest first."""
    for bulletin in _answer(connect(data, url).request(client, "GET", _PATH))["items"]:
        _tell(bulletin)


@app.command()
def fetch(
    bulletin: Identifier,
    folder: Annotated[Path, typer.Argument(help="Where to write the files")] = Path(),
    *,
    client: Annotated[str, typer.Option("--as", help="Demo client that reads")] = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Write page, PDF, workbook and charts in every language."""
    stack = connect(data, url)
    detail = _answer(stack.request(client, "GET", f"{_PATH}/{bulletin}"))
    _tell(detail)
    for file in detail["files"]:
        place = folder / file["language"] / file["name"]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_checked(stack, client, file["path"]).content)
        _terminal.print(str(place))


@app.command()
def trace(
    bulletin: Identifier,
    *,
    client: Annotated[str, typer.Option("--as", help="Demo client that reads")] = "im-officer",
    data: Data = None,
    url: Url = None,
) -> None:
    """Each number with its source. Exit 1 if one does not trace."""
    found = _answer(connect(data, url).request(client, "GET", f"{_PATH}/{bulletin}/trace"))
    language = language_of(os.environ)
    for figure in found["figures"]:
        beside, source = figure["beside"][language], figure["source"][language]
        _terminal.print(f"{figure['value']}  {beside}  <-  {source}")
    for problem in found["problems"]:
        _terminal.print(said("does not trace: {problem}", problem=problem))
    raise typer.Exit(1 if found["problems"] else 0)


def _checked(stack: RunningStack, client: str, path: str) -> httpx.Response:
    response = stack.request(client, "GET", path, timeout=_PATIENCE)
    if response.status_code != 200:
        raise StackError.passed_on(f"{path}: HTTP {response.status_code} {response.text[:200]}")
    return response


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.status_code not in {200, 201}:
        raise StackError.passed_on(f"HTTP {response.status_code} {response.text[:500]}")
    given: dict[str, Any] = response.json()
    return given


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
