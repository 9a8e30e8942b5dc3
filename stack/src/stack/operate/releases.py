"""Records which release wrote a data directory or backup, so that an older release refuses to use it."""

import importlib.util
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from stack.embedded.layout import Layout
from stack.embedded.plan import SERVICES
from stack.errors import StackError
from stack.private_files import read_private_map, write_private_map

FILE = "release.json"
_RELEASE = "release"
_MADE_AT = "backup_begun"
_PACKAGES = {**SERVICES, "issuer": "gateway.issuer"}


def written_here() -> dict[str, str]:
    """Return this release and its newest revision for each database."""
    return {_RELEASE: version("ruta-stack")} | {
        name: max(known, default="") for name, known in _revisions().items()
    }


def record(layout: Layout) -> None:
    write_private_map(layout.root / FILE, written_here())


def refuse_newer(written: Mapping[str, str], what: Path) -> None:
    """Raise StackError if a database has a revision that this release does not know."""
    newer = [
        f"{name} {written[name]}"
        for name, known in _revisions().items()
        if known and written.get(name) and written[name] not in known
    ]
    if newer:
        raise StackError(
            "{what} was written by a later release, {theirs} ({revisions}); this release, {ours}, cannot read it. Start the later release, or return to the backup from before the upgrade: ./ruta downgrade",
            what=what,
            theirs=written[_RELEASE],
            revisions=", ".join(newer),
            ours=version("ruta-stack"),
        )


def stamp_backup(layout: Layout, folder: Path, moment: datetime) -> None:
    """Record next to a backup which release wrote its data, and when the backup began."""
    written = read_private_map(layout.root / FILE)
    write_private_map(folder / FILE, written | {_MADE_AT: moment.isoformat()})


def moment_of(folder: Path) -> str:
    """Return the time when the backup began."""
    text = read_private_map(folder / FILE).get(_MADE_AT)
    if text is None:
        raise StackError(
            "{folder} does not say when it was made, so it is not a backup made by `upgrade`. Restore it into a new directory: ./ruta restore",
            folder=folder,
        )
    return datetime.fromisoformat(text).isoformat()


def refuse_newer_data(layout: Layout) -> None:
    refuse_newer(read_private_map(layout.root / FILE), layout.root)


def refuse_newer_backup(folder: Path) -> None:
    refuse_newer(read_private_map(folder / FILE), folder)


def _revisions() -> dict[str, set[str]]:
    """Return all revisions by database. Read them from the file names, because importing the files would take time."""
    found = {}
    for name, package in _PACKAGES.items():
        spec = importlib.util.find_spec(package)
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        files = (each for place in places for each in Path(place).glob("migrations/versions/*.py"))
        found[name] = {file.name.partition("_")[0] for file in files if file.name[0].isdigit()}
    return found
