"""The map of floors, made from the contracts "Floors of …" in pyproject.toml (`./ruta docs floors`)."""

import tomllib
from pathlib import Path

_NAME = "Floors of "


def floors(root: Path) -> dict[str, list[list[str]]]:
    """For each service, the capabilities of each floor, the highest first."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    return {
        contract["name"].removeprefix(_NAME): [
            [name.strip() for name in layer.split("|")] for layer in contract["layers"]
        ]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["name"].startswith(_NAME)
    }


def page(root: Path) -> str:
    return "\n".join(
        f"{name}\n\n" + "".join(f"  {' · '.join(floor)}\n" for floor in found)
        for name, found in sorted(floors(root).items())
    )
