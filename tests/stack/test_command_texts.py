"""Every message of the command line exists in Spanish and English, is readable, and has the same placeholders."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from common.words.catalogues import entries
from stack.commands import doctor, translation
from stack.commands.translation import folded, helps_of, said_of
from stack.texts import language_of, said, unknown_language
from typer.main import get_command

from stack import cli

SOURCES = Path(cli.__file__).parent
FRAME = {"errors.py", "translation.py", "texts.py"}
"""They are given a text that stands elsewhere."""
SPEAKS = {"StackError", "StepFailed", "said"}
SHOWS = {"_terminal.print", "typer.echo", "sys.stdout.write", "sys.stderr.write"}
"""What writes to the terminal; beside any `.say` of a console."""
OF_THE_DEMO = {
    f"tell{teller}.{how}"
    for teller in ("", "er")
    for how in ("call", "chapter", "eventually", "holds")
}
READ_BY_PROGRAMS = {
    "commands/quality.py": "pipx install",  # A command to copy.
    "commands/machine.py": "export ",  # For eval.
    "cli.py": "ruta",  # The release and the program's name.
}


def parsed() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(SOURCES.rglob("*.py")):
        if path.name not in FRAME:
            calls = calls_of(path.read_text(encoding="utf-8"))
            yield from ((str(path.relative_to(SOURCES)), call) for call in calls)


def calls_of(source: str) -> list[ast.Call]:
    return [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)]


def text_of(call: ast.Call) -> str | None:
    """Return the message's text, or None if a catalogue cannot contain it."""
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def is_unsaid(call: ast.Call) -> bool:
    """Return whether the call prints words that no catalogue can contain."""
    called = ast.unparse(call.func)
    if called in SPEAKS:
        return text_of(call) is None or any(has_own_words(each.value) for each in call.keywords)
    shows = called in SHOWS or called.endswith((".say", ".status")) or called in OF_THE_DEMO
    return shows and bool(call.args) and has_words(call.args[0])


def has_own_words(value: ast.AST) -> bool:
    """Return whether the placeholder's value contains untranslated words."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "said":
        return False
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return " " in value.value and any(map(str.isalpha, value.value))
    return any(map(has_own_words, ast.iter_child_nodes(value)))


def has_words(shown: ast.expr) -> bool:
    """Return whether a text contains more than values, punctuation and colour names."""
    if isinstance(shown, ast.BinOp):
        return has_words(shown.left) or has_words(shown.right)
    parts = shown.values if isinstance(shown, ast.JoinedStr) else [shown]
    said_here = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
    return sum(map(str.isalpha, said_here)) > 1


@cache
def ids() -> frozenset[str]:
    """Return every translatable text in the sources."""
    of_calls = (text_of(call) for _, call in parsed() if ast.unparse(call.func) in SPEAKS)
    cli.mount([])
    of_helps = (folded(getattr(each, name)) for each, name in helps_of(get_command(cli.app)))
    of_typer = (
        *translation.HEADINGS.values(), *translation.USAGE, *translation.ERRORS
    )  # fmt: skip
    texts = (*of_calls, *of_helps, *of_typer, *doctor.OF_SERVICES)
    return frozenset(text for text in texts if text is not None)


@cache
def spanish() -> dict[str, str]:
    found: dict[str, str] = {}
    for part in files("stack").joinpath("languages", "es").iterdir():
        for text, translated in entries(part.read_text(encoding="utf-8")):
            assert text not in found, f"{text!r} stands twice in the catalogues"
            assert isinstance(translated, str)
            found[text] = translated
    return found


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_everything_that_is_said_has_a_text_in_spanish() -> None:
    assert len(ids()) > 400
    missing = {text for text in ids() if not spanish().get(text)}
    assert missing == set(), "write them in stack/src/stack/languages/es, as a person would"


def test_no_spanish_text_is_left_over() -> None:
    assert set(spanish()) - ids() == set()


def test_both_languages_fill_the_same_places() -> None:
    other = {text for text, translated in spanish().items() if places(text) != places(translated)}
    assert other == set()


def test_each_place_is_given_its_value() -> None:
    lacking = {
        (file, text): given ^ places(text)
        for file, call in parsed()
        if ast.unparse(call.func) in SPEAKS and (text := text_of(call)) is not None
        if None not in (given := {each.arg for each in call.keywords}) and given != places(text)
    }
    assert lacking == {}


def test_what_is_said_can_be_translated() -> None:
    """A sentence that contains its values would be a new text for each value, so the values become placeholders."""
    unsaid = [
        f"{file}:{call.lineno}: {ast.unparse(call)[:120]}"
        for file, call in parsed()
        if is_unsaid(call)
        and READ_BY_PROGRAMS.get(file, "no") not in ast.unparse(call)
    ]  # fmt: skip
    assert unsaid == [], (
        'write StackError("no log in {root}", root=…), or said("…", …) for what is printed, and its Spanish in'
        " stack/languages/es; what another program said: StackError.passed_on"
    )


@pytest.mark.parametrize(
    "line",
    [
        'StackError(f"no log in {root}")',
        'StackError("no log: {known}", known=known or "none yet")',
        "StackError(str(error))",
        '_terminal.print("stopped")',
        'console.say(f"{name} is ready")',
        'sys.stdout.write(f"removed {root}" + "\\n")',
    ],
)
def test_words_outside_of_the_catalogues_are_found(line: str) -> None:
    (call,) = (call for call in calls_of(line) if ast.unparse(call.func) != "str")
    assert is_unsaid(call)


@pytest.mark.parametrize(
    "line", ['StackError("no log in {root}", root=root)', '_terminal.print(f"{id}  {x:>3}")']
)
def test_what_can_be_translated_or_has_no_words_passes(line: str) -> None:
    (call,) = calls_of(line)
    assert not is_unsaid(call)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_VE.UTF-8"}, "es"),
        ({"LANG": "es_VE.UTF-8", "RUTA_LANGUAGE": "en"}, "en"),
        ({"LANG": "en_US.UTF-8", "RUTA_LANGUAGE": "es"}, "es"),
        ({"LC_ALL": "", "LC_MESSAGES": "es", "LANG": "en_US"}, "es"),
        ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "es_VE", "LANG": "es_VE"}, "en"),
        ({"LC_ALL": "C", "LANG": "es_VE.UTF-8"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "es_VE.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LC_MESSAGES": "fr_FR.UTF-8", "LANG": "es_VE.UTF-8"}, "es"),
    ],
)
def test_the_language_is_asked_for_or_that_of_the_locale(
    environment: dict[str, str], language: str
) -> None:
    assert language_of(environment) == language


def test_a_language_that_is_not_spoken_is_named() -> None:
    assert unknown_language({"RUTA_LANGUAGE": "fr"}) == "fr"
    assert unknown_language({"RUTA_LANGUAGE": "", "LANG": "fr_FR"}) is None
    assert unknown_language({"RUTA_LANGUAGE": "es"}) is None


def test_a_wrong_value_is_said_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUTA_LANGUAGE", "es")
    assert said_of(
        "Invalid value for '--port' (env var: 'RUTA_PORT'):"
        " Input should be less than or equal to 65535"
    ) == (
        "Valor no válido para '--port' (variable de entorno: 'RUTA_PORT'): debe ser 65535 o menos"
    )
    assert said_of("something else") == "something else"
    assert said("{there} of {wanted}", there=1, wanted=2) == "1 de 2"


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    own = {name: value for name, value in os.environ.items() if name != "RUTA_LANGUAGE"}
    wide = {"COLUMNS": "120", "TERMINAL_WIDTH": "120", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        env=own | wide | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_officer_reads_spanish(tmp_path: Path) -> None:
    code, told = run("doctor", "--data", str(tmp_path), RUTA_LANGUAGE="es")
    assert (code, told) == (
        1,
        f"ruta: no hay ningún sistema en marcha en {tmp_path}; arránquelo con ./ruta up\n",
    )
    code, told = run("restore", "--help", LC_ALL="es_VE.UTF-8")
    assert code == 0
    for part in (
        "Uso: ruta restore [OPCIONES]",
        "Restaura un respaldo en una carpeta de datos",
        "╭─ Argumentos",
        "╭─ Opciones",
        "[obligatorio]",
        "Muestra esta ayuda y termina.",
    ):
        assert part in told
    code, told = run("up", "--prt", "8001", LC_ALL="es_VE.UTF-8")
    assert code == 2
    assert "No existe la opción --prt (opciones parecidas: --port)" in told
    assert "Vea la ayuda con 'ruta up --help'." in told


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_list_of_commands_is_grouped_and_says_one_sentence_each(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUTA_LANGUAGE", language)
    cli.mount([])
    shown = [each for each in cli.arranged().commands.values() if not each.hidden]
    grouped = [name for names in cli.panels().values() for name in names]
    assert [each.name for each in shown] == grouped
    said_of_each = {each.name: said(folded(each.help)).partition("\n\n")[0] for each in shown}
    wrong = {
        name: text
        for name, text in said_of_each.items()
        if not text.endswith(".") or ". " in text or len(text.split()) > 15
    }
    assert wrong == {}
    code, told = run("--help", RUTA_LANGUAGE=language)
    assert code == 0
    assert [told.index(f"─ {panel} ─") for panel in cli.panels()] == sorted(
        told.index(f"─ {panel} ─") for panel in cli.panels()
    )


def test_programs_read_english_and_an_unknown_language_is_refused(tmp_path: Path) -> None:
    asked = ("doctor", "--data", str(tmp_path))
    assert run(*asked, "--json", RUTA_LANGUAGE="es") == (
        1,
        f"ruta: no stack is running on {tmp_path}; start one with ./ruta up\n",
    )
    assert run(*asked, RUTA_LANGUAGE="fr") == (1, "ruta: RUTA_LANGUAGE is fr. Set it to en or es\n")
