"""Runs the statements of a revision from an SQL file next to it."""

from importlib.resources import files
from typing import Any

import sqlalchemy as sa


def execute(op: Any, package: str, name: str, **values: str) -> None:
    """Execute the statements of the file `name` one by one. Each statement ends with a semicolon before an empty line;
    `{name}` placeholders are replaced by values. `op` is `alembic.op`."""
    text = files(package).joinpath("migrations", "versions", name).read_text("utf-8")
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    for statement in text.split(";\n\n"):
        # SQLAlchemy would treat a colon as the start of a parameter.
        op.execute(sa.text(statement.replace(":", r"\:")))
