"""Reads translations in gettext's format (`.po`), for which translators have tools. Pure. Compiled catalogues (`.mo`)
are not used, because somebody would have to compile them and could forget this."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

_FIELD = re.compile(r"(?:(msgid|msgid_plural|msgstr(?:\[\d\])?) )?(\".*\")")


def entries(text: str) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the id and the text of each entry, or its singular and its plural. Skip the header, whose id is empty.
    Raise ValueError for a malformed line."""
    for entry in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if (found := _FIELD.fullmatch(line.strip())) is None:
                raise ValueError(f"no line of a catalogue: {line}")
            name = found[1] or name
            # escapes are the same as in JSON
            fields[name] = fields.get(name, "") + json.loads(found[2])
        if key := fields.pop("msgid", ""):
            several = "msgid_plural" in fields
            yield key, (fields["msgstr[0]"], fields["msgstr[1]"]) if several else fields["msgstr"]


@cache
def catalogue(package: str, language: str) -> Mapping[str, str]:
    """Return all texts of a package in a language, by their English text, from the catalogues in `languages/CODE`.
    Raise ValueError for a repeated text."""
    found: dict[str, str] = {}
    folder = files(package).joinpath("languages", language)
    for part in folder.iterdir() if folder.is_dir() else ():
        for text, said in entries(part.read_text(encoding="utf-8")):
            if text in found or not isinstance(said, str):
                raise ValueError(f"{part.name}: {text!r} stands twice, or in several forms")
            found[text] = said
    return found
