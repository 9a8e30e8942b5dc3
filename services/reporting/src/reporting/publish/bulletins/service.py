"""Bulletin use cases: draft, sign off, publish. Every publication must pass the checker."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from common import clock
from common.auth import Principal
from common.errors import (
    INVALID,
    NOT_FOUND,
    PROBLEMS,
    TOO_LARGE,
    UNAVAILABLE,
    VERSION_CONFLICT,
    FieldError,
)
from common.events.reporting import BulletinPublished, BulletinWithdrawn
from common.ids import new_id
from common.messaging import outbox
from common.two_people import is_same_person, refuse_same_person
from common.words.details import Detail
from common.words.languages import LANGUAGES
from common.words.places import Places
from drawing.processes import NobodyDraws
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncSession

from reporting.count.activities import queries as activity_queries
from reporting.count.context import queries as context_queries
from reporting.count.milestones import queries as milestone_queries
from reporting.count.stakeholders import queries as stakeholder_queries
from reporting.ground.asked_periods import asked_period
from reporting.ground.asked_tasks import asked
from reporting.ground.language import Text, of_details
from reporting.ground.periods import Period
from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.rights import PUBLISHING, SIGNING
from reporting.protect.releases import queries as release_queries
from reporting.protect.releases.errors import PERIOD_NOT_ENDED
from reporting.protect.withdrawals import service as withdrawals
from reporting.publish.bulletins import letterhead, queries
from reporting.publish.bulletins.composing.beside import outdated
from reporting.publish.bulletins.composing.compose import KINDS, compose
from reporting.publish.bulletins.composing.evidence import Beside, Evidence
from reporting.publish.bulletins.document.arrangement import arranged, movable, printed
from reporting.publish.bulletins.document.content import NOTHING, BulletinWish, Content
from reporting.publish.bulletins.document.figures import OutsideSource
from reporting.publish.bulletins.document.runs import all_figures
from reporting.publish.bulletins.document.words import (
    MOST,
    WITH_NUMBERS,
    places,
    unfounded,
    with_words,
    words_of,
)
from reporting.publish.bulletins.models import bulletin_files, bulletin_publications, bulletins
from reporting.publish.bulletins.queries import Bulletin, Publication
from reporting.publish.bulletins.rendering import docx
from reporting.publish.bulletins.rendering.chart_drawings import drawings
from reporting.publish.bulletins.rendering.forms import media_type, rendered
from reporting.publish.bulletins.trace import Stray, numbers_in_wording, strays, wrong_figures
from reporting.publish.judgements import queries as judgement_queries
from reporting.tables import COMMON

WRONG_STATE = PROBLEMS["bulletin_state"]
UNFOUNDED = PROBLEMS["number_in_words"]
UNTRACEABLE = PROBLEMS["untraceable_number"]


STEPS = 1 + 2 * len(LANGUAGES)
"""The steps of a publication: check the numbers, then render and verify all forms in each language."""
REACH = timedelta(days=400)
"""How far back evidence is read: a trend of six months, and the last quarter of a programme."""


async def evidence(
    session: AsyncSession,
    period: Period,
    quoted: Content | None = None,
    wish: BulletinWish = NOTHING,
) -> Evidence:
    """Return all evidence for a bulletin about the period, freshly read. With ``quoted``, use the editions of outside
    series that it quotes, not the newest."""
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


async def _beside(session: AsyncSession, wish: BulletinWish) -> Beside:
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
    """Return a bulletin's period. Raise 422 unless it is a half month or a month."""
    period = asked_period(text)
    if period.kind not in KINDS:
        raise INVALID.because("bulletin_covers_half_month_2026_11a", pointer="/period")
    return period


async def draft(
    session: AsyncSession,
    drafted_by: str,
    period: Period,
    catalogue: Catalogue,
    wish: BulletinWish = NOTHING,
) -> Bulletin:
    """Compose the bulletin for an ended period. Compose an unpublished draft again. After a publication, begin a new
    edition; the published one stays unchanged."""
    now = clock.now()
    if not period.ended(clock.utc_day(now)):
        raise PERIOD_NOT_ENDED.because("period_ends_on", period.id, period.end)
    composed = compose(period, await evidence(session, period, wish=wish), catalogue)
    known = await queries.editions(session, composed.kind, period.id)
    unpublished = bool(known) and known[0].published_at is None
    edition = known[0].edition + (not unpublished) if known else 1
    content = composed.model_copy(
        update={
            "wish": wish,
            "letterhead": await letterhead.read(session),
            "edition": edition,
            "prepared_on": clock.utc_day(now),
        }
    )
    if known and known[0].published_at is None:
        before = known[0].content
        content = with_words(content, words_of(before))
        content = arranged(content, movable(before), before.hidden)
    elif newest := await queries.published(session, limit=1):
        kept = words_of(newest[0].content)
        content = with_words(content, {n: kept[n] for n in WITH_NUMBERS if n in kept})
    values = {
        "state": "draft",
        "content": _document(content),
        "content_sha256": digest(content),
        "drafted_at": now,
        "drafted_by": drafted_by,
        "signed_off_at": None,
        "signed_off_by": None,
    }
    if known and known[0].published_at is None:
        bulletin_id = known[0].id
        # An order for the old draft does not apply to the new one.
        await session.execute(
            bulletin_publications.delete().where(bulletin_publications.c.bulletin_id == bulletin_id)
        )
        await session.execute(
            bulletins.update().where(bulletins.c.id == bulletin_id).values(**values)
        )
    else:
        bulletin_id = new_id()
        await session.execute(
            bulletins.insert().values(
                id=bulletin_id, kind=content.kind, period=period.id, edition=edition, **values
            )
        )
    return await _found(session, bulletin_id)


async def write_words(
    session: AsyncSession,
    caller: Principal,
    bulletin_id: UUID,
    texts: Mapping[str, Text],
    *,
    read: str | None = None,
) -> Bulletin:
    """Replace the texts in a draft; their last author counts as its drafter. `read` is the digest of the draft that the
    author saw."""
    bulletin = await _as_read(session, bulletin_id, read)
    allowed = places(bulletin.content)
    for name in texts:
        if name not in allowed:
            raise INVALID.because(
                "no_such_section", pointer=f"/texts/{name}", allowed=list(allowed)
            )
    half = [
        FieldError.of(f"/texts/{name}/{language}", Detail("write_it_in_both_languages"), "missing")
        for name, text in texts.items()
        for language in LANGUAGES
        if any(each.strip() for each in text.values()) and not text[language].strip()
    ]
    if half:
        raise INVALID.listing(half)
    found = unfounded(bulletin.content, texts)
    if found:
        raise UNFOUNDED.because(
            "numbers_are_not_those_of_their_section",
            len(found),
            errors=[
                FieldError(
                    f"/texts/{each.section}/{each.language}", each.reason["en"], UNFOUNDED.code
                )
                for each in found
            ],
            numbers=[
                {
                    "pointer": f"/texts/{each.section}/{each.language}",
                    "at": each.at,
                    "number": each.number,
                    "reason": each.reason["en"],
                }
                for each in found[:50]
            ],
        )
    words = with_words(bulletin.content, texts)
    return await _rewritten(session, caller, bulletin_id, words)


async def write_document(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, language: str, document: bytes
) -> Bulletin:
    """Replace the texts in one language with those from the draft's document. Refuse a document whose other text
    differs from this draft: word processors may not change a number or a fixed sentence."""
    bulletin = await _in_state(session, bulletin_id, "draft")
    content = printed(bulletin.content)
    if len(document) > docx.MOST_BYTES:
        raise TOO_LARGE.because("file_has_more_than_bytes", docx.MOST_BYTES, pointer="/file")
    try:
        typed = docx.texts(document, language)
        files = await asyncio.to_thread(rendered, content, language, draft=True)
        changed = docx.changed(document, files["bulletin.docx"])
    except docx.UnreadableDocumentError:
        raise INVALID.because("is_no_document_of_a_bulletin", pointer="/file") from None
    except NobodyDraws as error:
        raise UNAVAILABLE.because(
            "what_draws_bulletins_is_not_there_now", headers={"Retry-After": "10"}
        ) from error
    if changed:
        raise UNFOUNDED.because(
            "document_differs_beside_the_texts",
            len(changed),
            errors=[FieldError("/file", each[:200], UNFOUNDED.code) for each in changed[:50]],
        )
    texts = words_of(bulletin.content)
    for name, text in typed.items():
        if text or name in texts:
            texts[name] = {**dict.fromkeys(LANGUAGES, ""), **texts.get(name, {}), language: text}
    long = [name for name, text in typed.items() if len(text) > MOST]
    if long:
        raise INVALID.because("text_is_longer_than", MOST, pointer=f"/texts/{long[0]}/{language}")
    return await write_words(session, caller, bulletin_id, texts)


async def arrange(
    session: AsyncSession,
    caller: Principal,
    bulletin_id: UUID,
    order: Sequence[str],
    hidden: Collection[str],
    *,
    read: str | None = None,
) -> Bulletin:
    """Put a draft's sections into this order; hidden sections are not printed."""
    bulletin = await _as_read(session, bulletin_id, read)
    own = movable(bulletin.content)
    if sorted(order) != sorted(own):
        raise INVALID.because("name_each_section_once", pointer="/order", allowed=list(own))
    if not set(hidden) <= set(own):
        raise INVALID.because("no_such_section", pointer="/hidden", allowed=list(own))
    if set(hidden) == set(own):
        raise INVALID.because("nothing_would_be_left_to_print", pointer="/hidden")
    return await _rewritten(session, caller, bulletin_id, arranged(bulletin.content, order, hidden))


async def _as_read(session: AsyncSession, bulletin_id: UUID, read: str | None) -> Bulletin:
    """Return the draft. Refuse if it differs from the draft that was read, so that nobody's text is overwritten
    unseen."""
    bulletin = await _in_state(session, bulletin_id, "draft")
    if read is not None and read != bulletin.content_sha256:
        raise VERSION_CONFLICT.because("somebody_changed_draft_since")
    return bulletin


async def _rewritten(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, content: Content
) -> Bulletin:
    """Make the text's last author the drafter."""
    values = {"content": _document(content), "content_sha256": digest(content)}
    await session.execute(
        bulletins.update()
        .where(bulletins.c.id == bulletin_id)
        .values(**values, drafted_by=caller.subject)
    )
    return await _found(session, bulletin_id)


async def sign_off(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, *, read: str
) -> Bulletin:
    """Sign off a draft that the coordinator has read (`read` is its digest), after checking every figure again. Drop
    hidden sections, because the coordinator has not read them as part of this bulletin."""
    bulletin = await _as_read(session, bulletin_id, read)
    content = printed(bulletin.content)
    _refuse(await _problems(session, bulletin.period, content))
    await session.execute(
        bulletins.update()
        .where(bulletins.c.id == bulletin_id)
        .values(
            state="signed_off",
            signed_off_at=clock.now(),
            signed_off_by=caller.subject,
            content=_document(content),
            content_sha256=digest(content),
        )
    )
    return await _found(session, bulletin_id)


async def ask_publication(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, *, alone: bool = False
) -> Publication:
    """Order the publication from the worker (`publishing`), after all checks that can run immediately. A repeated order
    changes nothing while the first is running."""
    known = await queries.publication(session, bulletin_id)
    if known and known.waiting:  # the bulletin is locked during publication, so do not wait here
        return known
    bulletin = await _in_state(session, bulletin_id, "signed_off")
    _refuse_signer(caller, bulletin, alone=alone)
    wish = {"asked_at": clock.now(), "done": 0, **asked(caller)}
    await session.execute(
        pg.insert(bulletin_publications)
        .values(bulletin_id=bulletin_id, **wish)
        .on_conflict_do_update(
            index_elements=["bulletin_id"],
            set_=wish,
            where=bulletin_publications.c.due_at.is_(None),
        )
    )
    return await asked_publication(session, bulletin_id)


async def asked_publication(session: AsyncSession, bulletin_id: UUID) -> Publication:
    found = await queries.publication(session, bulletin_id)
    if found is None:
        raise NOT_FOUND.because("no_such_bulletin_or_nobody_asked")
    return found


async def _untold() -> None:
    pass


async def publish(
    session: AsyncSession,
    caller: Principal,
    bulletin_id: UUID,
    *,
    alone: bool = False,
    stepped: Callable[[], Awaitable[None]] = _untold,
) -> Bulletin:
    """Render every form, verify each one with the checker, and freeze them all. `alone` lets the person who signed off
    also publish; the record then names that person twice. `stepped` is called after each of the `STEPS`."""
    bulletin = await _in_state(session, bulletin_id, "signed_off")
    _refuse_signer(caller, bulletin, alone=alone)
    await _refuse_wrong_figures(session, bulletin)
    await stepped()
    drawn = await asyncio.to_thread(drawings, bulletin.content, LANGUAGES)
    for language in LANGUAGES:
        files = await asyncio.to_thread(
            rendered, bulletin.content, language, draft=False, drawn=drawn[language]
        )
        await stepped()
        _refuse(await asyncio.to_thread(strays, bulletin.content, language, files))
        await stepped()
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
        .values(state="published", published_at=clock.now(), published_by=caller.subject)
    )
    await outbox.append(
        session,
        COMMON,
        BulletinPublished(
            version=1, bulletin_id=bulletin_id, period=bulletin.period, languages=LANGUAGES
        ),
    )
    return await _found(session, bulletin_id)


async def withdraw(
    session: AsyncSession, caller: Principal, bulletin_id: UUID, *, alone: bool = False
) -> Bulletin:
    """Withdraw a mistaken publication with a second person's agreement. Feeds and mailing lists announce the
    withdrawal."""
    bulletin = await _found(session, bulletin_id)
    await withdrawals.agree(session, caller, bulletin_id, alone=alone)
    event = BulletinWithdrawn(version=1, bulletin_id=bulletin_id, period=bulletin.period)
    await outbox.append(session, COMMON, event)
    return await _found(session, bulletin_id)


async def problems(session: AsyncSession, bulletin: Bulletin) -> list[Stray]:
    """Return the checker's current findings about the printed figures. For an old bulletin, these include later
    corrections."""
    return await _problems(session, bulletin.period, printed(bulletin.content))


async def _problems(session: AsyncSession, period: str, content: Content) -> list[Stray]:
    asked = Period.parse(period)
    known = await evidence(session, asked, content, content.wish)
    return [
        *wrong_figures(content, known),
        *numbers_in_wording(content),
        *(
            Stray("content", name, of_details("section_no_longer_has_a_source"))
            for name in outdated(content, asked, known)
        ),
    ]


def _document(content: Content) -> dict[str, Any]:
    """Return the form to store. Omit empty settings, so that older documents compare equal."""
    document = content.model_dump(mode="json")
    if not content.hidden:
        del document["hidden"]
    if content.wish == NOTHING:
        del document["wish"]
    if content.letterhead is None:
        for name in ("letterhead", "edition", "prepared_on"):
            del document[name]
    return document


def digest(content: Content) -> str:
    """Return the SHA-256 of the content in canonical JSON."""
    text = json.dumps(_document(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def legal(caller: Principal, bulletin: Bulletin, *, alone: bool) -> list[str]:
    """Return the steps that the caller can take now."""
    other = alone or not is_same_person(caller, bulletin.signed_off_by)
    steps = {
        "sign_off": caller.may(*SIGNING) and bulletin.state == "draft",
        "publish": caller.may(*PUBLISHING) and bulletin.state == "signed_off" and other,
    }
    published = bulletin.state == "published"
    return [
        *(step for step, may in steps.items() if may),
        *withdrawals.legal(caller, bulletin.withdrawal, published=published, alone=alone),
    ]


def _refuse_signer(caller: Principal, bulletin: Bulletin, *, alone: bool) -> None:
    if not alone:
        refuse_same_person(
            caller,
            bulletin.signed_off_by,
            because=Detail("you_signed_it_off_yourself"),
        )


async def _refuse_wrong_figures(session: AsyncSession, bulletin: Bulletin) -> None:
    _refuse(await problems(session, bulletin))


def _refuse(found: list[Stray]) -> None:
    if found:
        raise UNTRACEABLE.because(
            "numbers_do_not_trace_nothing_was_changed",
            len(found),
            numbers=[each.in_english for each in found[:50]],
        )


async def _in_state(session: AsyncSession, bulletin_id: UUID, state: str) -> Bulletin:
    bulletin = await queries.locked(session, bulletin_id)
    if bulletin is None:
        raise NOT_FOUND.because("no_bulletin_has_this_id")
    if bulletin.state != state:
        raise WRONG_STATE.because(
            "bulletin_is_this_step_needs", bulletin.state, state, state=bulletin.state
        )
    return bulletin


async def _found(session: AsyncSession, bulletin_id: UUID) -> Bulletin:
    bulletin = await queries.locked(session, bulletin_id)
    assert bulletin is not None  # noqa: S101 - it was written in this transaction
    return bulletin
