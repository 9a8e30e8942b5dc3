"""Creates a made-up next release of a service's database: the real revisions plus those that a test adds."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

HEAD = """from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
{statements}
"""


@contextmanager
def next_release(package: str, folder: Path, *revisions: str) -> Iterator[str]:
    """Yield an importable package like `package` with more revisions: 9000, 9001 … `revisions` contains the Python
    statements of each."""
    name = f"next_{package.replace('.', '_')}"
    target = folder / name / "migrations"
    with as_file(files(package) / "migrations") as shipped:
        shutil.copytree(shipped, target, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / name / "__init__.py").touch()
    versions = target / "versions"
    before = max(path.stem.partition("_")[0] for path in versions.glob("[0-9]*.py"))
    for number, statements in enumerate(revisions, start=9000):
        text = HEAD.format(revision=number, before=before, statements=statements)
        (versions / f"{number}_next.py").write_text(text)
        before = str(number)
    sys.path.insert(0, str(folder))
    try:
        yield name
    finally:
        sys.path.remove(str(folder))
        for module in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[module]
