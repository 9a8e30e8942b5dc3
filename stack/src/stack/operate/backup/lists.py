"""The lists of data that a restore must not bring back: their locations, and warnings if they are missing."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from common import chained

from stack.embedded.layout import Layout
from stack.errors import StackError
from stack.private_files import read_private_map, write_private_map

VARIABLE = "RUTA_SECOND_PLACES"
_PLACES = "places"
_KEPT = {
    _PLACES: VARIABLE,
    "operator": "RUTA_OPERATOR_MAIL",
    "relay": "RUTA_SMTP_URL",
    "sender": "RUTA_MAIL_SENDER",
}
"""Settings that a stack remembers: its second places, and the mail settings for warnings when one is unreachable."""
_SHORTEST_REASON = 10


def remember_places(layout: Layout) -> None:
    """Store the settings at startup, for a restore and for later starts without them."""
    kept = read_private_map(layout.second_places_file)
    named = {key: os.environ[name] for key, name in _KEPT.items() if name in os.environ}
    if named:
        write_private_map(layout.second_places_file, kept | named)
    os.environ.update({_KEPT[key]: value for key, value in (kept | named).items()})


def second_places(layout: Layout, keys: Path | None = None) -> list[Path]:
    """Return the second places from the environment, from the last start, and from the backup with its key files in
    `keys`."""
    files = [layout.second_places_file]
    if keys is not None:
        files.append(keys / layout.second_places_file.name)
    named = [os.environ.get(VARIABLE, "")]
    named += [read_private_map(file).get(_PLACES, "") for file in files]
    return list(dict.fromkeys(place for text in named for place in chained.places_of(text)))


def any_in(layout: Layout, folder: Path) -> bool:
    """Return whether the folder contains a list or an anchor. An anchor alone proves that all lists are empty."""
    names = [layout.anchor_file.name, *(file.name for file in layout.lists)]
    return any((folder / name).exists() for name in names)


def outside(layout: Layout, given: Sequence[Path], keys: Path) -> list[Path]:
    """Return the folders that contain off-site copies of the lists: the given folders and the configured second places."""
    return [each for each in (*given, *second_places(layout, keys)) if any_in(layout, each)]


def require(layout: Layout, found: Sequence[Path], keys: Path, why: str) -> None:
    """Raise StackError if there is no list outside the backup, unless a reason is given."""
    if why and len(why.strip()) < _SHORTEST_REASON:
        raise StackError("--without-lists {why!r}: give the reason in a full sentence", why=why)
    if found or why:
        return
    where = ", ".join(map(str, second_places(layout, keys))) or "RUTA_SECOND_PLACES"
    raise StackError(
        "nothing was restored, because no list of what was erased, withdrawn or transferred since the backup was found. Without such a list, erased people come back and former readers can read again. Connect the second place ({where}), or give its folder with --tombstones. If there is none: --without-lists 'why'",
        where=where,
    )


def put_rights(layout: Layout, folders: Iterable[Path]) -> None:
    """Continue the longest list of rights here. The issuer applies it before its first response."""
    name = layout.rights_file.name
    copies = [folder / name for folder in folders if (folder / name).exists()]
    copies += [file for file in layout.rights_files if file.exists()]
    whole = {copy: copy.read_bytes()[: chained.last_line(copy)[0]] for copy in copies}
    longest = max(whole.values(), key=len, default=b"")
    for copy, content in whole.items():
        if not longest.startswith(content):
            raise StackError(
                "{file} is not the same list of permissions as the longest one: give the folder that has the right one",
                file=copy,
            )
    if longest:
        small = layout.overlay_file.exists()
        chained.replace(layout.rights_files[1 if small else 0], longest)


def note_missing(layout: Layout, backup: str, why: str) -> None:
    """Make doctor and the console warn until somebody runs `settle`."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_private_map(layout.missing_lists_file, {"at": now, "backup": backup, "why": why})


def settle(layout: Layout, done: str) -> None:
    """Record the actions that somebody took about the people and rights that were brought back."""
    if not layout.missing_lists_file.exists():
        raise StackError("nothing needs settling: no restore was made without its lists")
    if len(done.strip()) < _SHORTEST_REASON:
        raise StackError("write in a full sentence what was done")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    settled = layout.missing_lists_file.with_suffix(".settled")
    write_private_map(
        settled, {**read_private_map(layout.missing_lists_file), "settled": now, "done": done}
    )
    layout.missing_lists_file.unlink()
