"""`directory`: imports services from files, exports them, and writes the empty workbook."""

import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import typer
from common.tables_io.cells import GuardedCsv
from common.words.languages import PageLanguage
from rich.console import Console
from rich.table import Table

from stack.commands.desk import Desk, as_client
from stack.commands.feeds import copy_feed
from stack.errors import StackError
from stack.texts import said

app = typer.Typer(
    name="directory", help="Import and export the directory of services.", no_args_is_help=True
)
_terminal = Console(highlight=False, soft_wrap=True)
_IMPORTS = "/directory/v1/imports"
_EXPORTS = "/directory/v1/exports"
_SHOWN = 20
_FORMATS = {
    ".zip": "hsds",
    ".xlsx": "xlsx",
    ".csv": "csv",
    ".geojson": "geojson",
    ".json": "geojson",
}

Language = Annotated[PageLanguage, typer.Option(help="Language of headers and reports")]


@app.command(name="import")
@as_client()
def import_file(
    desk: Desk,
    source: Annotated[
        str,
        typer.Argument(
            help="A workbook, CSV, HXL or GeoJSON file, an HSDS package (zip, folder or JSON), or the address of an HSDS API"
        ),
    ],
    *,
    dry_run: Annotated[bool, typer.Option(help="Only report; save nothing")] = False,
    skip_bad: Annotated[bool, typer.Option(help="Save the other rows if some are refused")] = False,
    kind: Annotated[
        str | None,
        typer.Option("--format", help="workbook, csv, hxl, geojson, services-advisor, hsds"),
    ] = None,
    visibility: Annotated[
        str | None, typer.Option(help="Visibility of rows that give none")
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Country of the place names (ISO 3166-1 alpha-3)")
    ] = None,
    space: Annotated[
        str | None, typer.Option("--source", help="The source to which the ids of the file belong")
    ] = None,
    place: Annotated[
        list[str] | None, typer.Option(help="Accepted place as name=P-code; repeat it")
    ] = None,
    vanished: Annotated[
        Literal["keep", "end", "end-edited"],
        typer.Option(
            help="What to do with entries that an earlier package had and this one does not"
        ),
    ] = "keep",
    shrunk: Annotated[
        bool,
        typer.Option(
            help="Confirm that the package is complete, although many earlier entries are missing"
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a report on every row to this file (CSV)")
    ] = None,
    language: Language = "es",
) -> None:
    """Import services and show the result of each row. Exit 0 only if the import was saved."""
    query = {
        "mode": "skip-bad" if skip_bad else "all",
        "dry_run": "true" if dry_run else "false",
        "file_name": httpx.URL(source).host if _is_feed(source) else Path(source).name,
        "format": kind,
        "visibility": visibility,
        "country": country,
        "source": space or (httpx.URL(source).host if _is_feed(source) else None),
        "place": place,
        "vanished": vanished,
        "shrunk": "true" if shrunk else "false",
    }
    given = {name: value for name, value in query.items() if value is not None}
    with _as_file(source) as path:
        content = path.read_bytes()
    answer = desk.ask("POST", _IMPORTS, refused=True, params=given, content=content)
    found = _finished(desk, answer)
    _tell(desk, found, language)
    if report is not None:
        _write_report(desk, found, report, language)
    raise typer.Exit(0 if found["state"] == "finished" else 1)


@app.command()
@as_client()
def export(
    desk: Desk,
    target: Annotated[
        Path, typer.Argument(help="The file to write (.zip, .xlsx, .csv or .geojson)")
    ],
    *,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="hsds, xlsx, csv, hxl or geojson; by default, according to the file name",
        ),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only these service categories")
    ] = None,
    area: Annotated[list[str] | None, typer.Option(help="Only these areas (P-codes)")] = None,
    labels: Annotated[bool, typer.Option(help="Write labels instead of codes")] = False,
    language: Language = "es",
) -> None:
    """Export the services that the client may see, with the details that it may see."""
    kind = kind or _FORMATS.get(target.suffix.lower())
    if kind is None:
        raise StackError(
            "which format does {file} have? Choose one: --format hsds|xlsx|csv|hxl|geojson",
            file=target.name,
        )
    query = {
        "format": kind,
        "language": language,
        "labels": labels,
        "category": category or [],
        "area": area or [],
    }
    answer = desk.ask("GET", _EXPORTS, params=query)
    target.write_bytes(answer.content)
    _terminal.print(said("{size:,} bytes → {target}", size=len(answer.content), target=target))


@app.command()
@as_client()
def template(
    desk: Desk,
    target: Annotated[Path, typer.Argument(help="The file to write (.xlsx or .csv)")] = Path(
        "servicios.xlsx"
    ),
    *,
    language: Language = "es",
) -> None:
    """Write an empty service-mapping workbook."""
    kind = target.suffix.lower().removeprefix(".")
    query = {"format": kind if kind in ("xlsx", "csv") else "xlsx", "language": language}
    target.write_bytes(desk.ask("GET", f"{_IMPORTS}/template", params=query).content)
    _terminal.print(f"→ {target}")


def _is_feed(source: str) -> bool:
    return source.startswith(("https://", "http://"))


@contextmanager
def _as_file(given: str) -> Iterator[Path]:
    """Yield the path itself, a temporary zip of a folder's tables, or a temporary copy of a feed."""
    if _is_feed(given):
        with tempfile.NamedTemporaryFile(suffix=".json") as copy, _terminal.status("…"):
            copy_feed(given, copy.file)
            copy.flush()
            yield Path(copy.name)
        return
    source = Path(given)
    if not source.exists():
        raise StackError("{path} does not exist", path=source)
    if not source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="ruta-package-") as folder:
        packed = Path(folder) / "package.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
            for table in sorted([*source.glob("*.csv"), *source.glob("*.json")]):
                package.write(table, table.name)
        yield packed


def _finished(desk: Desk, answer: httpx.Response) -> dict[str, Any]:
    """Return the finished import, after waiting for a large one."""
    if answer.status_code == 422 and "import_id" in answer.json():
        found = desk.get(f"{_IMPORTS}/{answer.json()['import_id']}")
    else:
        found = desk.checked(answer).json()
    with _terminal.status("…") as status:
        while found["state"] in ("queued", "running"):
            status.update(_progress(found))
            time.sleep(1)
            found = desk.get(f"{_IMPORTS}/{found['id']}")
    ended: dict[str, Any] = found
    return ended


def _progress(found: dict[str, Any]) -> str:
    if found["state"] == "queued":
        return said("{ahead} imports run before this one", ahead=found.get("ahead", 0))
    read, expected = found["rows"]["read"], found.get("expected")
    if expected is None:
        return said("{read} rows read", read=read)
    left = found.get("seconds_left")
    return said(
        "{read} of about {expected} rows read, about {left} s left",
        read=read,
        expected=expected,
        left="…" if left is None else left,
    )


def _tell(desk: Desk, found: dict[str, Any], language: str) -> None:
    rows, services = found["rows"], found["services"]
    unwritten = found["dry_run"] or found["state"] != "finished"
    _terminal.print(
        said(
            "[bold]{file}[/] ({format}) {state}, {written}: {read} rows read, {accepted} accepted as they are, {changed} accepted with changes, {refused} refused; services: {created} new, {updated} updated, {unchanged} unchanged",
            file=found["file_name"],
            format=found["format"],
            state=found["state"],
            written=said("nothing written") if unwritten else said("written"),
            **{each: rows[each] for each in ("read", "accepted", "changed", "refused")},
            **{each: services[each] for each in ("created", "updated", "unchanged")},
        )
    )
    path = f"{_IMPORTS}/{found['id']}"
    for note in found["notes"][:_SHOWN]:
        _terminal.print(f"  · {note[language]}", markup=False)
    if (more := len(found["notes"]) - _SHOWN) > 0:
        _terminal.print(said("  … and {more} more remarks: GET {path}", more=more, path=path))
    _tell_fidelity(found.get("fidelity"), path, language)
    _tell_changes(desk.pages(found["rows_url"], limit=500), language)


def _tell_fidelity(fidelity: dict[str, Any] | None, path: str, language: str) -> None:
    """Print how many values were imported unchanged. For the others, print the fields and the reasons."""
    if fidelity is None:
        return
    values = fidelity["values"]
    _terminal.print(
        said(
            "  fidelity: {read} values read, {as_is} as they are, {changed} changed, {left_out} left out",
            read=values["read"],
            as_is=values["as_is"],
            changed=values["changed"],
            left_out=values["left_out"],
        )
    )
    touched = [each for each in fidelity.get("fields") or () if each["changed"] or each["left_out"]]
    if not touched:
        return
    table = Table(said("field"), said("read"), said("changed"), said("left out"), said("why"))
    for each in touched[:_SHOWN]:
        counts = (str(each[name]) for name in ("read", "changed", "left_out"))
        why = " ".join(dict.fromkeys(reason[language] for reason in each["reasons"]))
        table.add_row(" ".join(filter(None, (each["file"], each["field"]))), *counts, why)
    _terminal.print(table)
    if len(touched) > _SHOWN:
        _terminal.print(
            said(
                "  … and {more} more fields: GET {path}",
                more=len(touched) - _SHOWN,
                path=path,
            )
        )


def _tell_changes(rows: Iterator[dict[str, Any]], language: str) -> None:
    """Print each kind of change once with the number of rows, and print each refused row."""
    kinds: dict[tuple[str, str], int] = {}
    examples: dict[tuple[str, str], str] = {}
    refused: list[tuple[int, str]] = []
    for row in rows:
        for note in row["notes"]:
            key = (note["weight"], note["code"])
            kinds[key] = kinds.get(key, 0) + 1
            examples.setdefault(key, note[language])
            if note["weight"] == "refused":
                refused.append((row["number"], note[language]))
    if kinds:
        table = Table(said("weight"), said("times"), said("for example"))
        for key, count in sorted(kinds.items(), key=lambda item: -item[1]):
            table.add_row(key[0], str(count), examples[key])
        _terminal.print(table)
    for number, text in refused[:_SHOWN]:
        _terminal.print(said("  row {number}: {text}", number=number, text=text), markup=False)
    if len(refused) > _SHOWN:
        _terminal.print(
            said(
                "  … and {more} more; --report FILE writes all of them", more=len(refused) - _SHOWN
            )
        )


def _write_report(desk: Desk, found: dict[str, Any], target: Path, language: str) -> None:
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = GuardedCsv(file)
        writer.row(["row", "verdict", "external_id", "service", "service_id", "outcome", "notes"])
        for row in desk.pages(found["rows_url"], limit=500):
            texts = " ".join(note[language] for note in row["notes"])
            named = [row.get(name, "") for name in ("external_id", "name", "service_id", "outcome")]
            writer.row([row["number"], row["verdict"], *named, texts])
    _terminal.print(said("report → {target}", target=target))
