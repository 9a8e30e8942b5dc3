"""The list of the erased leaves the machine, so that no backup brings anybody back. A line: a case's random id, when
its key was destroyed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from common import chained
from common.chained import Chained, Head, Signer


def signer_of(secret: bytes) -> Signer:
    return Signer(secret, b"ruta-tombstones", ("case", "at"))


def said(case_id: UUID, at: str) -> Mapping[str, Any]:
    return {"case": str(case_id), "at": at}


def append(path: Path, signer: Signer, erased: Iterable[tuple[UUID, str]]) -> Head:
    """As `chained.append`, of (case, when)."""
    return chained.append(path, signer, (said(case_id, at) for case_id, at in erased))


def case_ids(known: Chained) -> tuple[UUID, ...]:
    return tuple(UUID(line["case"]) for line in known.lines)
