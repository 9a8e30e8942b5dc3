"""Use cases of bulletins: draft, sign off, publish. Nothing leaves without passing the checker."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND
from common.events.reporting import BulletinPublished
from common.ids import new_id
from common.languages import LANGUAGES
from common.messaging import outbox
from common.places import Places
from common.two_people import refuse_same_person
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.activities import queries as activity_queries
from reporting.asked_periods import asked_period
from reporting.bulletins import queries
from reporting.bulletins.composing.compose import KINDS, compose
from reporting.bulletins.composing.evidence import Beside, Evidence
from reporting.bulletins.document.content import Content
from reporting.bulletins.document.figures import OutsideSource
from reporting.bulletins.document.reading import all_figures
from reporting.bulletins.document.words import places, unfounded, with_words, words_of
from reporting.bulletins.errors import UNFOUNDED, UNTRACEABLE, WRONG_STATE
from reporting.bulletins.models import bulletin_files, bulletins
from reporting.bulletins.queries import Bulletin
from reporting.bulletins.rendering.forms import media_type, rendered
from reporting.bulletins.trace import Stray, numbers_in_wording, strays, wrong_figures
from reporting.context import queries as context_queries
from reporting.judgements import queries as judgement_queries
from reporting.language import Text
from reporting.milestones import queries as milestone_queries
from reporting.periods import Period
from reporting.programmes.catalogue import Catalogue
from reporting.releases import queries as release_queries
from reporting.releases.errors import PERIOD_NOT_ENDED
from reporting.stakeholders import queries as stakeholder_queries
from reporting.tables import COMMON

REACH = timedelta(days=400)
"""How far back evidence is read: a trend of six months, and the last quarter of a programme."""


@dataclass(frozen=True)
class Wish:
    """What is printed beside the numbers: nothing, unless somebody asked for it with this draft."""

    stakeholders: bool = False
    milestones: bool = False
    analysis: str | None = None


NOTHING = Wish()


async def evidence(
    session: AsyncSession,
    period: Period,
    quoted: Content | None = None,
    wish: Wish = NOTHING,
) -> Evidence:
    """All that a bulletin of the period may rest on, read now.

    With ``quoted`` the editions of outside series are those that it quotes, not the newest.
    """
    targets = await activity_queries.targets(session)
    begin = min([date(period.start.year, 1, 1), *(target.start for target in targets)])
    releases = await release_queries.published(
        session, until=period.end, since=period.start - REACH
    )
    if quoted is None:
        series = await context_queries.newest(session)
    else:
        series = await context_queries.of_ids(session, _quoted_series(quoted))
    return Evidence(
        releases={release.id: release for release in releases},
        activities=await activity_queries.countable(session, start=begin, end=period.end),
        targets={target.id: target for target in targets},
        series={each.id: each for each in series},
        places=Places.load(),
        beside=await _beside(session, wish),
    )


async def _beside(session: AsyncSession, wish: Wish) -> Beside:
    statements = []
    superseded: set[UUID] = set()
    if wish.analysis is not None:
        statements = await judgement_queries.agreed(session, wish.analysis)
        newest = await judgement_queries.newest(session)
        superseded = {each.id for each in statements if any(map(newest.supersedes, each.cited))}
    return Beside(
        stakeholders=await stakeholder_queries.printable(session) if wish.stakeholders else (),
        statements=statements,
        superseded=frozenset(superseded),
        milestones=(
            [each.body for each in await milestone_queries.listed(session)]
            if wish.milestones
            else ()
        ),
    )


def _quoted_series(content: Content) -> set[UUID]:
    return {
        placed.figure.source.series
        for placed in all_figures(content, LANGUAGES[0])
        if isinstance(placed.figure.source, OutsideSource)
    }


def bulletin_period(text: str) -> Period:
    """The period of a bulletin; 422 unless it is a half month or a month."""
    period = asked_period(text)
    if period.kind not in KINDS:
        raise INVALID.because(
            "A bulletin covers a half month (2026-11a) or a month (2026-11).", pointer="/period"
        )
    return period


async def draft(
    session: AsyncSession,
    drafted_by: str,
    period: Period,
    catalogue: Catalogue,
    wish: Wish = NOTHING,
) -> Bulletin:
    """Compose the bulletin of an ended period. An unpublished draft is composed anew; after a
    publication a new edition begins, and the published one stays as it is."""
    now = clock.now()
    if not period.ended(now.date()):
        raise PERIOD_NOT_ENDED.because(f"{period.id} ends on {period.end}.")
    content = compose(period, await evidence(session, period, wish=wish), catalogue)
    known = await queries.editions(session, content.kind, period.id)
    if known and known[0].state != "published":
        content = with_words(content, words_of(known[0].content))
    document = content.model_dump(mode="json")
    values = {
        "state": "draft",
        "content": document,
        "content_sha256": digest(content),
        "drafted_at": now,
        "drafted_by": drafted_by,
        "signed_off_at": None,
        "signed_off_by": None,
    }
    if known and known[0].state != "published":
        bulletin_id = known[0].id
        await session.execute(
            bulletins.update().where(bulletins.c.id == bulletin_id).values(**values)
        )
    else:
        bulletin_id = new_id()
        edition = known[0].edition + 1 if known else 1
        await session.execute(
            bulletins.insert().values(
                id=bulletin_id, kind=content.kind, period=period.id, edition=edition, **values
            )
        )
    return await _found(session, bulletin_id)


async def write_words(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, texts: Mapping[str, Text]
) -> Bulletin:
    """Put people's words into a draft, in place of those before; who wrote last drafted it."""
    bulletin = await _in_state(session, bulletin_id, "draft")
    allowed = places(bulletin.content)
    for name, text in texts.items():
        if name not in allowed:
            raise INVALID.because(
                "There is no such section.", pointer=f"/texts/{name}", allowed=list(allowed)
            )
        if bool(text["es"].strip()) != bool(text["en"].strip()):
            raise INVALID.because("Write it in both languages.", pointer=f"/texts/{name}")
    found = unfounded(bulletin.content, texts)
    if found:
        raise UNFOUNDED.because(
            f"{len(found)} numbers are not those of their section; nothing was changed.",
            numbers=[
                {
                    "pointer": f"/texts/{each.section}/{each.language}",
                    "at": each.at,
                    "number": each.number,
                    "reason": each.reason,
                }
                for each in found[:50]
            ],
        )
    content = with_words(bulletin.content, texts)
    await session.execute(
        bulletins.update()
        .where(bulletins.c.id == bulletin_id)
        .values(
            content=content.model_dump(mode="json"),
            content_sha256=digest(content),
            drafted_by=caller.doer,
        )
    )
    return await _found(session, bulletin_id)


async def sign_off(session: AsyncSession, caller: Principal, bulletin_id: UUID) -> Bulletin:
    """A coordinator has read the draft and stands for it; every figure is checked once more."""
    bulletin = await _in_state(session, bulletin_id, "draft")
    await _refuse_wrong_figures(session, bulletin)
    await session.execute(
        bulletins.update()
        .where(bulletins.c.id == bulletin_id)
        .values(state="signed_off", signed_off_at=clock.now(), signed_off_by=caller.doer)
    )
    return await _found(session, bulletin_id)


async def publish(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, *, alone: bool = False
) -> Bulletin:
    """Render every form, read each back with the checker, and freeze them all. `alone`: whoever signed
    off may publish, too; the record then names the same person twice."""
    bulletin = await _in_state(session, bulletin_id, "signed_off")
    if not alone:
        refuse_same_person(
            caller,
            bulletin.signed_off_by,
            because="You signed it off yourself: somebody else publishes it.",
        )
    await _refuse_wrong_figures(session, bulletin)
    for language in LANGUAGES:
        files, found = await asyncio.to_thread(_rendered_and_read, bulletin.content, language)
        _refuse(found)
        await session.execute(
            bulletin_files.insert(),
            [
                {
                    "bulletin_id": bulletin_id,
                    "language": language,
                    "name": name,
                    "media_type": media_type(name),
                    "content": content,
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in files.items()
            ],
        )
    await session.execute(
        bulletins.update()
        .where(bulletins.c.id == bulletin_id)
        .values(state="published", published_at=clock.now(), published_by=caller.doer)
    )
    await outbox.append(
        session,
        COMMON,
        BulletinPublished(
            version=1, bulletin_id=bulletin_id, period=bulletin.period, languages=LANGUAGES
        ),
        aggregate_id=bulletin_id,
        aggregate_type="bulletin",
    )
    return await _found(session, bulletin_id)


async def problems(session: AsyncSession, bulletin: Bulletin) -> list[Stray]:
    """What the checker finds on the figures now; for an old bulletin, corrections made since."""
    period = Period.parse(bulletin.period)
    known = await evidence(session, period, bulletin.content)
    return [*wrong_figures(bulletin.content, known), *numbers_in_wording(bulletin.content)]


def digest(content: Content) -> str:
    """SHA-256 of the content in canonical JSON."""
    document = content.model_dump(mode="json")
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _rendered_and_read(content: Content, language: str) -> tuple[dict[str, bytes], list[Stray]]:
    files = rendered(content, language, draft=False)
    return files, strays(content, language, files)


async def _refuse_wrong_figures(session: AsyncSession, bulletin: Bulletin) -> None:
    _refuse(await problems(session, bulletin))


def _refuse(found: list[Stray]) -> None:
    if found:
        raise UNTRACEABLE.because(
            f"{len(found)} numbers do not trace; nothing was changed.",
            numbers=[f"{each.form}: {each.number}: {each.reason}" for each in found[:50]],
        )


async def _in_state(session: AsyncSession, bulletin_id: UUID, state: str) -> Bulletin:
    bulletin = await queries.locked(session, bulletin_id)
    if bulletin is None:
        raise NOT_FOUND.because("There is no such bulletin.")
    if bulletin.state != state:
        raise WRONG_STATE.because(
            f"The bulletin is {bulletin.state}; this step needs {state}.", state=bulletin.state
        )
    return bulletin


async def _found(session: AsyncSession, bulletin_id: UUID) -> Bulletin:
    bulletin = await queries.locked(session, bulletin_id)
    assert bulletin is not None  # noqa: S101 - it was written in this transaction
    return bulletin
