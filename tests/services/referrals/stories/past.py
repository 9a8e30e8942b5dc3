"""Restores a backup together with the lists of data that must not come back."""

import copy
import tempfile
from collections import Counter
from pathlib import Path
from uuid import UUID

from common import clock
from hypothesis.stateful import precondition, rule
from referrals.ground.audit.models import Restore
from referrals.ground.row_security import act_as_service
from referrals.restoration_service import erase_forgotten, restrict_again
from sqlalchemy.ext.asyncio import AsyncTransaction

from tests.services.referrals.oracle import Past, restore
from tests.services.referrals.stories.world import World
from tests.services.referrals.test_must_not_return import listed


class Backups(World):
    def __init__(self) -> None:
        super().__init__()
        self.backup: AsyncTransaction | None = None
        self.then = Past()

    @precondition(lambda self: self.backup is None and self.cases)
    @rule()
    def back_up(self) -> None:
        self.backup = self.run(self.scene.connection.begin_nested())
        self.then = copy.deepcopy(self.past())

    @precondition(lambda self: self.backup is not None and self.backup.is_active)
    @rule()
    def restore_it(self) -> None:
        """Restore with the newest lists. Everything that ended or moved since the backup ends or moves again."""
        assert self.backup is not None
        now, then, secret = self.past(), self.then, self.stage.secret
        erased = [UUID(each.id) for each in now.cases if each.erased]
        gone = [UUID(each.id) for each in now.reports if each.deleted]
        with tempfile.TemporaryDirectory() as folder:
            known = self.run(listed(self.scene.database, Path(folder) / "list.jsonl", secret))
        self.run(self.backup.rollback())
        keys, database = self.stage.keys, self.scene.database
        self.run(erase_forgotten(database, keys, [*erased, *gone]))
        self.run(restrict_again(database, keys, known, secret))
        self.run(self.lose_the_record_of_readings())
        restore(then, now)
        self.cases, self.words, self.sharings = then.cases, then.words, then.sharings
        self.accesses, self.reports, self.record = then.accesses, then.reports, then.record
        self.offers, self.entries, self.teams = then.offers, then.entries, then.teams
        self.links.clear()
        # Old commands count as new again, and the story does not count the steps that the lists cause.
        self.done, self.versions, self.counted = [], Counter(), False

    def past(self) -> Past:
        kept = (self.cases, self.words, self.sharings, self.accesses, self.reports, self.offers)
        return Past(*kept, self.entries, self.teams, self.record)

    async def lose_the_record_of_readings(self) -> None:
        """Mark the read log as lost, as the restore command does."""
        self.restores.append(clock.now())
        async with self.scene.database.transaction() as session:
            await act_as_service(session)
            session.add(Restore(at=clock.now(), kept_until=clock.now()))
