"""Files that only the stack's owner may read: passwords, keys, client secrets."""

import json
import os
from pathlib import Path


def write_private(path: Path, content: bytes | str) -> None:
    """Replace the file atomically, with mode 0600 from its first byte. It is on disk when the function returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content.encode() if isinstance(content, str) else content)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)


def read_private_map(path: Path) -> dict[str, str]:
    """Return the content, or an empty map if the file does not exist."""
    if not path.exists():
        return {}
    content: dict[str, str] = json.loads(path.read_text())
    return content


def write_private_map(path: Path, content: dict[str, str]) -> None:
    write_private(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
