"""Writes the HSDS data package: 24 CSV tables and their description, in one zip. Blocking."""

import csv
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from directory.files.exports.tables import SHARED, rows_of
from directory.files.imports.package.fields import Field, TableFields, tables

PROFILE = "https://docs.openreferral.org"


class PackageWriter:
    """Accepts services one by one; `finish` zips the tables. It remembers the ids of shared rows, so that each is
    written once."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="ruta-export-")
        self._folder = Path(self._temporary.name)
        self._files: dict[str, IO[str]] = {}
        self._writers: dict[str, Any] = {}
        self._seen: dict[str, set[UUID]] = {name: set() for name in SHARED}
        for name, table in tables().items():
            handle = (self._folder / table.file).open("w", encoding="utf-8", newline="")
            self._files[name] = handle
            self._writers[name] = csv.DictWriter(handle, table.names, lineterminator="\n")
            self._writers[name].writeheader()

    def add(self, service: Mapping[str, Any], *, abridged: bool) -> None:
        for table, row in rows_of(service, self._is_fresh, abridged=abridged):
            self._writers[table].writerow(row)

    def _is_fresh(self, table: str, identity: str) -> bool:
        seen, own = self._seen[table], UUID(identity)
        if own in seen:
            return False
        seen.add(own)
        return True

    def finish(self, target: Path, license_note: str) -> None:
        for handle in self._files.values():
            handle.close()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("datapackage.json", json.dumps(descriptor(license_note), indent=1))
            for table in tables().values():
                package.write(self._folder / table.file, table.file)
        self._temporary.cleanup()


def descriptor(license_note: str) -> dict[str, Any]:
    """Return the tables' tabular data package description (frictionless)."""
    return {
        "name": "ruta-services",
        "title": "Services of the directory, in HSDS 3.2.3 tables with the Ruta profile",
        "description": license_note,
        "profile": "tabular-data-package",
        "homepage": PROFILE,
        "resources": [_resource(table) for table in tables().values()],
    }


def _resource(table: TableFields) -> dict[str, Any]:
    keys = [
        {"fields": field.name, "reference": {"resource": field.references, "fields": "id"}}
        for field in table.fields
        if field.references
    ]
    schema: dict[str, Any] = {
        "fields": [_field(field) for field in table.fields],
        "primaryKey": "id",
    }
    if keys:
        schema["foreignKeys"] = keys
    return {
        "name": table.name,
        "path": table.file,
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "schema": schema,
    }


def _field(field: Field) -> dict[str, Any]:
    kind = field.type
    described: dict[str, Any] = {"name": field.name, "type": "string"}
    if kind.startswith("enum:"):
        described["constraints"] = {"enum": list(field.allowed)}
    elif kind in ("uuid", "uri", "email"):
        described["format"] = kind
    else:
        described["type"] = kind
        if kind in ("time", "datetime"):
            described["format"] = "any"
    if field.required:
        described.setdefault("constraints", {})["required"] = True
    return described
