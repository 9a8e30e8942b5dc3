"""The map of floors in CONTRIBUTING.md, made from the contracts "Floors of …" in pyproject.toml.

`python -m stack.floors_map ROOT` says whether it is up to date; `./ruta docs floors` writes it.
"""

import sys
import tomllib
from pathlib import Path

_BEGIN, _END = "<!-- floors: made by ./ruta docs floors -->\n", "<!-- end of floors -->\n"
_NAME = "Floors of "


def floors(root: Path) -> dict[str, list[list[str]]]:
    """By whose they are: the capabilities of each floor, the highest first."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return {
        contract["name"].removeprefix(_NAME): [
            [name.strip() for name in layer.split("|")] for layer in contract["layers"]
        ]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["name"].startswith(_NAME)
    }


def with_map(page: str, whose: dict[str, list[list[str]]]) -> str:
    """The page with the map as it should be; ValueError if it has no place for one."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"the page lacks {_BEGIN.strip()} … {_END.strip()}")
    blocks = [
        f"\nFloors of {name}:\n\n```\n"
        + "\n".join(" · ".join(floor) for floor in found)
        + "\n```\n"
        for name, found in sorted(whose.items())
    ]
    return before + _BEGIN + "".join(blocks) + "\n" + _END + after


def is_up_to_date(root: Path) -> bool:
    page = (root / "CONTRIBUTING.md").read_text("utf-8")
    return page == with_map(page, floors(root))


def write(root: Path) -> None:
    path = root / "CONTRIBUTING.md"
    path.write_text(with_map(path.read_text("utf-8"), floors(root)), "utf-8")


if __name__ == "__main__":
    if not is_up_to_date(Path(sys.argv[1])):
        sys.exit(
            "The map of floors in CONTRIBUTING.md is not what pyproject.toml says: ./ruta docs floors"
        )
