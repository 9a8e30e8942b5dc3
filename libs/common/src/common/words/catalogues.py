"""Texts in gettext's format (`.po`), as translators have tools for; without its machine form, which somebody would have
to make and could forget. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

_FIELD = re.compile(r"(?:(msgid|msgid_plural|msgstr(?:\[\d\])?) )?(\".*\")")


def entries(text: str) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Id and text of each entry, or its texts for one and for several; not the head, whose id is empty. ValueError
    where a line is none of a catalogue's."""
    for entry in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if (found := _FIELD.fullmatch(line.strip())) is None:
                raise ValueError(f"no line of a catalogue: {line}")
            name = found[1] or name
            # Its escapes are those of JSON.
            fields[name] = fields.get(name, "") + json.loads(found[2])
        if key := fields.pop("msgid", ""):
            several = "msgid_plural" in fields
            yield key, (fields["msgstr[0]"], fields["msgstr[1]"]) if several else fields["msgstr"]


@cache
def catalogue(package: str, language: str) -> Mapping[str, str]:
    """What a package says in a language, by its English text: all catalogues of `languages/CODE` in it. ValueError
    where a text stands twice."""
    found: dict[str, str] = {}
    folder = files(package).joinpath("languages", language)
    for part in folder.iterdir() if folder.is_dir() else ():
        for text, said in entries(part.read_text(encoding="utf-8")):
            if text in found or not isinstance(said, str):
                raise ValueError(f"{part.name}: {text!r} stands twice, or in several forms")
            found[text] = said
    return found
