"""One transaction for several commands of one caller, which the app runs itself: all of them or none.

What can be asked or written for all of them at once is: which of their keys are new, and the answers that are stored.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from common.database import (
    OpeningRead,
    answer_of,
    begin_command,
    end_command,
    may_wait,
    was_given_up,
)
from common.web.context import ServiceContext
from common.web.idempotency import (
    NEVER_ANSWERED,
    Answered,
    KeyedCommand,
    StoredAnswers,
    are_new,
)

SHARED = "ruta.shared_work"


class SharedWork:
    """Whoever opened it ends it. A command that was refused may have written already: nothing of the work is
    kept then. `given_up`: why the database ended it, so that it may all be done again.

    `ahead`: commands that are known to come under these names. Their keys are asked for at once, and the answers
    of all commands stored at the end, with what the last one writes; what a command writes may wait for the next
    (`let_wait`). What is refused then is told by none of them, nor is anything that is refused while something
    waited (`in_doubt`): whoever opened the work does it again without `ahead`, each command for itself.
    `locks`: a select list that the transaction begins with.
    """

    def __init__(
        self,
        session: AsyncSession,
        context: ServiceContext,
        ahead: Sequence[KeyedCommand] | None,
        locks: str | None = None,
    ) -> None:
        self.session = session
        self.given_up: Exception | None = None
        self.is_last = False
        self.in_doubt = False
        self._locks = locks
        self._stored = StoredAnswers(context.tables, context.sealing_key, context.answers)
        self._at_the_end = ahead is not None
        self._ahead = list({each.name: each for each in ahead or ()}.values())
        self._begun = False
        self._new: set[tuple[str, str]] = set()
        self._made: set[str] = set()
        self._done: set[tuple[str, str]] = set()
        self._present: tuple[str, str] | None = None
        self._unstored: list[Answered] = []
        if context.answers is not None:
            context.answers.begin()

    @property
    def scope(self) -> dict[str, Any]:
        """What the ASGI scope of each of the commands holds beside."""
        return {SHARED: self}

    @asynccontextmanager
    async def command(self, command: KeyedCommand | None) -> AsyncIterator[AsyncSession]:
        """As `Database.transaction`, but that the commit is the end of all: what the database refuses is told
        by the command that asked for it."""
        try:
            await self._begin(command)
            yield self.session
            if self._at_the_end and not self.is_last and may_wait(self.session):
                self.in_doubt = True
            elif not (self._at_the_end and self.is_last):
                await end_command(self.session)
                self.in_doubt = False
        except Exception as error:
            if was_given_up(error):
                self.given_up = error
            raise

    async def remember(self, answered: Answered) -> None:
        """As `StoredAnswers.remember`, with those of the others."""
        self._done.add(answered.command.name)
        self._unstored.append(answered)
        if not self._at_the_end:
            await self._store()

    def made(self, thing: str) -> None:
        """The command that has just ended made what has this id, so a command whose path says it is new. Were that
        not true, its stored answer would be refused at the end."""
        if self._present in self._done:
            self._made.add(thing)

    async def end(self) -> None:
        """Before the commit, after the last command."""
        if self._at_the_end:
            await self._store()
            await end_command(self.session)

    async def _begin(self, command: KeyedCommand | None) -> None:
        self._present = command.name if command else None
        first, self._begun = not self._begun, True
        if first and self._ahead:
            asked = are_new(self._ahead)
            if self._locks:
                asked = OpeningRead(f"{self._locks}, {asked.columns}", asked.values)
            await begin_command(self.session, asked, first=True)
            of_each = (await answer_of(self.session))[-1]
            self._new = {each.name for each, new in zip(self._ahead, of_each, strict=True) if new}
            first = False
        if command is not None and self._is_new(command):
            await begin_command(self.session, None, answer=NEVER_ANSWERED)
            return
        if command is not None and command.name in self._done:
            await self._store()  # it is asked what that was answered
            await end_command(self.session)
        question = command.question if command else None
        await begin_command(self.session, question, first=first)

    def _is_new(self, command: KeyedCommand) -> bool:
        if command.name in self._done:
            return False
        return command.name in self._new or not self._made.isdisjoint(command.route.split("/"))

    async def _store(self) -> None:
        answered, self._unstored = self._unstored, []
        if answered:
            await self._stored.remember(self.session, answered)
