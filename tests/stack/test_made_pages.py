"""Pages that `./ruta docs` generates from the code."""

import json
import re

from common.errors import PROBLEMS
from common.events.catalogue import ALL
from stack.reference import settings_page
from typer.testing import CliRunner

from stack import cli


def printed(name: str) -> str:
    cli.mount([])
    answer = CliRunner().invoke(cli.app, ["docs", name])
    assert answer.exit_code == 0, answer.output
    return answer.output


def rows(page: str) -> list[list[str]]:
    """Return the cells of each table row that begins with a code or a setting."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in page.splitlines()
        if line.startswith("| `")
    ]


def test_every_setting_is_described() -> None:
    assert settings_page.undocumented() == []
    found = rows(printed("settings"))
    assert len(found) > 100
    assert [cells for cells in found if len(cells) != 3 or not cells[2]] == []
    (database,) = [cells for cells in found if cells[0] == "`RUTA_DATABASE_URL`"]
    assert database[1] == "**required**"


def test_every_error_code_is_explained_in_both_languages() -> None:
    found = rows(printed("errors"))
    assert [cells[0].strip("`") for cells in found] == sorted(PROBLEMS)
    assert [cells for cells in found if len(cells) != 6 or not (cells[2] and cells[4])] == []


def test_every_event_is_in_the_asyncapi_document() -> None:
    document = json.loads(printed("events"))
    assert {event.__name__ for event in ALL.values()} <= document["components"]["messages"].keys()


def test_every_service_has_its_floors() -> None:
    floors = printed("floors")
    for name in (
        "referrals",
        "the directory",
        "reporting",
        "the console",
        "the front",
        "the issuer",
    ):
        assert re.search(rf"^{name}\n\n  \S", floors, re.MULTILINE), name
