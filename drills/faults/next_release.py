"""A next release of the referrals service: a copy of its package with one more column.

Expand adds the column with a default, so that the present code can write without knowing the column. The next code
writes it. Contract makes it mandatory once no old code runs.
"""

import asyncio
import importlib.util
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.embedded.plan import Choices, Planner
from stack.operate.service_commands import attached_broker, attached_postgres

from drills.faults.stack_under_test import StackUnderTest, until

_EXPAND = '''"""Expand: where a case came in; old code does not know the column and need not."""

from alembic import op

revision = "8000"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE cases ADD COLUMN intake_channel text DEFAULT 'unknown'")
'''
_CONTRACT = '''"""Contract: nothing old writes any more, so the column is always there."""

from alembic import op

revision = "8001"
down_revision = "8000"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE cases ADD CONSTRAINT cases_intake_channel"
        " CHECK (intake_channel IS NOT NULL) NOT VALID"
    )
    op.execute("ALTER TABLE cases VALIDATE CONSTRAINT cases_intake_channel")
'''


@dataclass
class Upgrade:
    stack: StackUnderTest
    old: str
    new: str

    async def old_and_new_work(self) -> bool:
        """Return whether both releases are ready on the expanded schema."""
        words = [await self.stack.ready_word(name) for name in (self.old, self.new)]
        return all(word in ("ok", "degraded") for word in words)


@asynccontextmanager
async def expanded(stack: StackUnderTest) -> AsyncIterator[Upgrade]:
    """Run the next release on the expanded schema, on one replica during the block and on all replicas afterwards."""
    if not (stack.next_release / "referrals").exists():
        await asyncio.to_thread(_write_next, stack.next_release)
        await _migrate(stack)
    names = stack.names("referrals")
    await _restart(stack, names[-1])
    yield Upgrade(stack, names[0], names[-1])
    for name in names[:-1]:
        await _restart(stack, name)


async def contracted(stack: StackUnderTest) -> None:
    file = stack.next_release / "referrals" / "migrations" / "versions" / "8001_contract.py"
    if not file.exists():
        await asyncio.to_thread(file.write_text, _CONTRACT)
        await _migrate(stack)


def _write_next(folder: Path) -> None:
    spec = importlib.util.find_spec("referrals")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent
    target = folder / "referrals"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    versions = target / "migrations" / "versions"
    head = _head(versions)
    (versions / "8000_expand.py").write_text(_EXPAND.format(head=head))
    models = target / "case" / "cases" / "models.py"
    text = models.read_text()
    place = "    created_by: str\n"
    assert place in text, "the next release is written for a Case with created_by"
    models.write_text(text.replace(place, place + '    intake_channel: str = "api"\n', 1))


def _head(versions: Path) -> str:
    """Return the newest revision, on which no other is based."""
    text = "\n".join(file.read_text() for file in versions.glob("[0-9]*.py"))
    revisions = re.findall(r'^revision = "(\w+)"', text, re.MULTILINE)
    followed = set(re.findall(r'^down_revision = "(\w+)"', text, re.MULTILINE))
    (head,) = set(revisions) - followed
    return str(head)


async def _migrate(stack: StackUnderTest) -> None:
    layout, state = stack.layout, stack.state
    planner = Planner(
        layout,
        Choices(port=state.port),
        attached_postgres(layout, state),
        attached_broker(layout, state),
    )
    environment = planner.environment("referrals", owner=True)
    environment["PYTHONPATH"] = str(stack.next_release)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "referrals", "migrate"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the migration of the next release failed: {done.stderr[-500:]}")


async def _restart(stack: StackUnderTest, name: str) -> None:
    former = stack.signal(name, signal.SIGTERM)

    async def back() -> bool:
        return stack.state.processes[name] != former and (
            await stack.ready_word(name) in ("ok", "degraded")
        )

    await until(back, 90, f"{name} runs the next release")
