"""`closing`: closes, signs off and publishes all programmes of a period, and shows progress."""

import time
from typing import Annotated, Any

import typer
from rich.console import Console

from stack.commands.desk import Desk, as_client
from stack.errors import StackError
from stack.texts import said

app = typer.Typer(
    name="closing",
    help="Close a period, sign it off and publish its figures.",
    no_args_is_help=True,
)
_terminal = Console(highlight=False, soft_wrap=True)
_PATH = "/reports/v1/closings"
_AT_WORK = {"closing", "publishing"}
_LOOK_SECONDS = 1.0
_SHOWN = {"closed", "not_closed", "not_published", "published"}

Period = Annotated[str, typer.Argument(help="A half month (2026-11a) or a quarter (2026-Q4)")]
Wait = Annotated[bool, typer.Option(help="Show the progress until it is done")]


@app.command()
@as_client()
def start(
    desk: Desk,
    period: Period,
    *,
    programme: Annotated[
        list[str] | None,
        typer.Option("--programme", help="Only this programme; you may repeat the option"),
    ] = None,
    wait: Wait = True,
) -> None:
    """Close all programmes of a period that has ended; programmes that failed are tried again."""
    body = {"period": period, **({"programmes": programme} if programme else {})}
    _watch(desk, desk.send("POST", _PATH, body), wait=wait)


@app.command(name="sign-off")
@as_client(None, "The client of a contributing organisation")
def sign_off(desk: Desk, period: Period) -> None:
    """Sign off all drafts of the period to which an organisation contributes."""
    _tell(desk.send("POST", f"{_PATH}/{_of_period(desk, period)['id']}/sign-offs"))


@app.command()
@as_client()
def publish(desk: Desk, period: Period, *, wait: Wait = True) -> None:
    """Publish everything that is closed and signed off; exit 1 if something stays a draft."""
    path = f"{_PATH}/{_of_period(desk, period)['id']}/publications"
    _watch(desk, desk.send("POST", path), wait=wait)


@app.command()
@as_client(who="The demo client that reads")
def show(desk: Desk, period: Period) -> None:
    """Show the progress of each programme in the period."""
    _tell(_of_period(desk, period))


def _of_period(desk: Desk, period: str) -> dict[str, Any]:
    found = desk.get(_PATH, period=period)["items"]
    if not found:
        raise StackError(
            "{period} was not closed with this command: run ./ruta closing start {period}",
            period=period,
        )
    closing: dict[str, Any] = found[0]
    return closing


def _watch(desk: Desk, closing: dict[str, Any], *, wait: bool) -> None:
    """Print a line for each programme that finishes. An interruption loses nothing."""
    if not wait:
        _tell(closing)
        return
    told: dict[str, str] = {}
    while True:
        for step in closing["steps"]:
            if step["state"] in _SHOWN and told.get(step["programme"]) != step["state"]:
                told[step["programme"]] = step["state"]
                _terminal.print(f"{len(told)}/{len(closing['steps'])}  {_line(step)}")
        if closing["state"] not in _AT_WORK:
            break
        time.sleep(_LOOK_SECONDS)
        closing = desk.get(f"{_PATH}/{closing['id']}")
    _terminal.print(_summary(closing))
    raise typer.Exit(1 if closing["state"] == "needs_attention" else 0)


def _tell(closing: dict[str, Any]) -> None:
    for step in closing["steps"]:
        _terminal.print(_line(step))
    _terminal.print(_summary(closing))


def _line(step: dict[str, Any]) -> str:
    contributors = step["contributors"] or []
    settled = sum(each["signed_off"] or each["waived"] for each in contributors)
    signed = ""
    if contributors:
        signed = said("  sign-offs {settled}/{all}", settled=settled, all=len(contributors))
    problem = f"  {step['problem']['detail']}" if step["problem"] else ""
    return f"{step['programme']}  {_state(step['state'])}{signed}{problem}"


def _state(state: str) -> str:
    match state:
        case "closed":
            return said("closed")
        case "not_closed":
            return said("NOT closed")
        case "not_published":
            return said("NOT published")
        case "published":
            return said("published")
        case _:
            return state


def _summary(closing: dict[str, Any]) -> str:
    done = closing["done"]
    return said(
        "{period}  {state}  {programmes} programmes: {closed} closed, {signed_off} signed off, {published} published",
        period=closing["period"],
        state=closing["state"],
        programmes=done["programmes"],
        closed=done["closed"],
        signed_off=done["signed_off"],
        published=done["published"],
    )
