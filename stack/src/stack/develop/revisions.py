"""Checks that each package's revisions form one chain, as a step of `./ruta check`.

If two people each add a revision, there are two heads and no database can be migrated. Their commits do not conflict,
so nobody would notice when the second commit is merged.
"""

import sys
import warnings
from collections.abc import Sequence

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from common.db.migrations.runner import config_of

from stack.embedded.plan import SERVICES

PACKAGES = (*SERVICES.values(), "gateway.issuer")


def broken(config: Config) -> list[str]:
    """Return the reasons why the revisions do not form one chain with one beginning and one end."""
    with warnings.catch_warnings(
        record=True
    ) as twice:  # catches the warning about an id that two files share
        warnings.simplefilter("always")
        try:
            revisions = list(ScriptDirectory.from_config(config).walk_revisions())
        except (CommandError, KeyError) as error:
            return [f"a revision follows one that is not there, or itself: {error}"]
    return [
        *(str(each.message) for each in twice),
        *_more_than_one("begin the chain", [each for each in revisions if not each.down_revision]),
        *_more_than_one("end it: number one of them anew", [r for r in revisions if r.is_head]),
        *(f"{r.revision} joins two chains" for r in revisions if r.is_merge_point),
    ]


def _more_than_one(do: str, revisions: Sequence[Script]) -> list[str]:
    names = ", ".join(sorted(each.revision for each in revisions))
    return [f"{names} all {do}"] if len(revisions) > 1 else []


if __name__ == "__main__":
    found = [f"{package}: {wrong}" for package in PACKAGES for wrong in broken(config_of(package))]
    sys.exit("\n".join(found) or None)
