"""Decides which stored responses may be replayed: only those whose subject the caller may still read. The key of the
subject (case, screening, submission or report) seals each response. Erasing the subject therefore erases the response,
even in backups."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from common.auth import Principal
from common.errors import ANSWER_GONE, NOT_FOUND, Problem
from common.http.answers import Subject
from common.words.referral_states import ReferralState
from sqlalchemy.ext.asyncio import AsyncSession

from referrals.case.cases.queries import own_case
from referrals.case.transfers import queries as transfers
from referrals.errors import ERASED
from referrals.ground.keys.store import CaseKeys
from referrals.ground.tasks.queries import has_task
from referrals.listening.breakglass.service import shown as shown_access
from referrals.listening.intake.queries import own_submission
from referrals.listening.line import queries as line
from referrals.referral.referrals import queries as referrals
from referrals.referral.referrals.lifecycle import Party
from referrals.screening.assistance import queries as matching
from referrals.screening.screenings.queries import own_screening
from referrals.telling.readable_queries import OWN_BUSINESS, READING

Check = Callable[[AsyncSession, Principal, Subject], Awaitable[Any]]
# These have their own keys, and belong to the organisation until they become part of a case.
_KEYS_OF_THEIR_OWN = frozenset({"screening", "submission"})


async def _of_the_holder(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    case = await own_case(session, caller, subject.record)
    if case.status == "erased":
        raise ERASED.because("only_case_code_and_its_history_remain")


async def _referral(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    """Allow both sides, unless the referrer recalled the referral."""
    referral = await referrals.one(session, caller, subject.id)
    taken_back = referral.state in (ReferralState.RECALLED, ReferralState.ENTERED_IN_ERROR)
    if taken_back and Party.REFERRER not in referrals.parties_of(caller, referral):
        raise ANSWER_GONE.because("referral_was_taken_back")


async def _match(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    """Allow only the holder of the case. The response may name another organisation's case, so it expires with the match."""
    await _of_the_holder(session, caller, subject)
    if await matching.living_match(session, subject.id) is None:
        raise ANSWER_GONE.because("match_has_ended")


async def _transfer(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    """Allow the case's holder, and the organisation to which the case is offered."""
    transfer = await transfers.one(session, caller, subject.id)
    if transfer.to_organisation != caller.organisation or transfer.state == "accepted":
        await _of_the_holder(session, caller, subject)


async def _screening(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    if (await own_screening(session, caller, subject.id)).status == "erased":
        raise ERASED.because("what_was_said_in_it_was_erased")


async def _submission(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    await own_submission(session, caller, subject.id)


async def _task(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    if not await has_task(session, caller, READING, subject.id):
        raise NOT_FOUND.because("no_such_task_in_your_organisation")


async def _line_report(session: AsyncSession, caller: Principal, subject: Subject) -> None:
    """Allow the desk, the organisation that received the report, and the people who decide about its hand-over."""
    if await line.may_receive(session, caller, subject.id):
        return
    try:
        await line.one_at_desk(session, caller, subject.id)
    except Problem:
        await line.one_handed(session, caller, subject.id)


# One check for each kind of audit subject (`target_type`); break-glass follows below.
READABLE: Mapping[str, Check] = {
    "assistance": _of_the_holder,
    "case": _of_the_holder,
    "consent": _of_the_holder,
    "exception": _of_the_holder,
    "line_report": _line_report,
    "match": _match,
    "plan": _of_the_holder,
    "referral": _referral,
    "review": _of_the_holder,
    "route": _of_the_holder,
    "screening": _screening,
    "submission": _submission,
    "task": _task,
    "transfer": _transfer,
}


class ReferralAnswers:
    """This service's `AnswerRule`."""

    def __init__(self, keys: CaseKeys) -> None:
        self._keys = keys

    def about(
        self, caller: Principal, subjects: Sequence[Subject]
    ) -> tuple[UUID | None, Sequence[Subject]]:
        # A report that became a case then follows the rules for cases.
        main = next((s for s in reversed(subjects) if s.kind != "line_report"), subjects[-1])
        told = [subject for subject in subjects if subject.record == main.record]
        if main.kind in OWN_BUSINESS:
            return None, told
        alone = main.kind in _KEYS_OF_THEIR_OWN and main.record == caller.organisation
        return main.id if alone else main.record, told

    async def keys_of(self, owners: Sequence[UUID]) -> Mapping[UUID, bytes]:
        return await self._keys.of_many(owners)

    async def refuse_unless_readable(
        self, session: AsyncSession, caller: Principal, subjects: Sequence[Subject]
    ) -> None:
        for subject in subjects:
            if subject.kind in OWN_BUSINESS:
                if subject.record != caller.organisation:
                    raise NOT_FOUND.because("is_not_your_organisations")
                continue
            if subject.kind == "break_glass":
                await shown_access(session, caller, self._keys, subject.id)
                continue
            check = READABLE.get(subject.kind)
            if check is None:
                raise ANSWER_GONE.because("it_does_not_say")
            await check(session, caller, subject)
