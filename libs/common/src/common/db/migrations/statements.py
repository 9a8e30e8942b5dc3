"""Statements of a revision that stand in a file of SQL beside it."""

from importlib.resources import files
from typing import Any

import sqlalchemy as sa


def execute(op: Any, package: str, name: str, **values: str) -> None:
    """Send the statements of `name` in the package's revisions, one by one: each ends with a semicolon before an
    empty line. `{name}` stands for a value. `op` is `alembic.op`."""
    text = files(package).joinpath("migrations", "versions", name).read_text("utf-8")
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    for statement in text.split(";\n\n"):
        # A colon would begin a parameter.
        op.execute(sa.text(statement.replace(":", r"\:")))
