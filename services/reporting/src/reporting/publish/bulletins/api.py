"""Routes for bulletins: drafting, signing off, publishing, and reading published ones."""

import asyncio
from operator import attrgetter
from typing import Annotated, Literal, cast
from uuid import UUID

from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, PRECONDITION_REQUIRED, TOO_LARGE, UNAVAILABLE
from common.http import (
    AnyQuery,
    Session,
    StepUp,
    answered_as,
    context_of,
    open_to_all,
    page_language,
    page_response,
    requires,
    router,
)
from common.pages.look import page_policy
from common.paging import CursorText, Limit, Page, id_in, keys_in, moment_in, page_of
from common.words.languages import LANGUAGES, PageLanguage
from drawing.processes import NobodyDraws
from fastapi import Form, Path, Query, Response, UploadFile
from fastapi.responses import HTMLResponse
from starlette.requests import Request

from reporting.ground.programmes.catalogue import Catalogue
from reporting.ground.rights import PREPARING, PUBLISHING, SIGNING
from reporting.protect.withdrawals import service as withdrawals
from reporting.protect.withdrawals.queries import withdrawal_view
from reporting.protect.withdrawals.schemas import AskWithdrawal
from reporting.publish.bulletins import letterhead, queries, service
from reporting.publish.bulletins.document.arrangement import printed
from reporting.publish.bulletins.document.content import Borders, BulletinWish, Letterhead
from reporting.publish.bulletins.document.runs import all_figures
from reporting.publish.bulletins.document.sources import described
from reporting.publish.bulletins.queries import Bulletin, Publication
from reporting.publish.bulletins.rendering.docx import MOST_BYTES
from reporting.publish.bulletins.rendering.feed import MEDIA_TYPE, atom
from reporting.publish.bulletins.rendering.forms import MEDIA_TYPES, media_type, names, rendered
from reporting.publish.bulletins.rendering.html import style_of
from reporting.publish.bulletins.rendering.listing import listing
from reporting.publish.bulletins.schemas import (
    Arrangement,
    BulletinDetail,
    BulletinView,
    BulletinWords,
    DraftBulletin,
    FileView,
    LetterheadBody,
    LetterheadView,
    PublicationView,
    SignedDraft,
    State,
    Trace,
    TracedFigure,
    UntracedNumber,
)
from reporting.settings import Settings

PREFIX = "/reports/v1/bulletins"
routes = router(PREFIX, ["bulletins"])

Reader = Annotated[Principal, open_to_all()]
Publisher = Annotated[Principal, requires(*PUBLISHING)]
Writer = Annotated[Principal, requires(*PREPARING)]
Coordinator = Annotated[Principal, requires(*SIGNING)]
IN_FEED = 50
BulletinId = Annotated[UUID, Path(description="The id of a bulletin.")]
Language = Annotated[PageLanguage, Path(description="Language of the file.")]


@routes.post("", status_code=201)
async def draft_bulletin(
    request: Request, caller: Publisher, session: Session, body: DraftBulletin
) -> BulletinView:
    """Draft the bulletin of an ended half month or month; an existing draft is composed again."""
    catalogue: Catalogue = context_of(request).parts["catalogue"]
    period = service.bulletin_period(body.period)
    wish = BulletinWish(
        stakeholders="stakeholders" in body.beside,
        milestones="milestones" in body.beside,
        analysis=body.analysis,
    )
    return _view(await service.draft(session, caller.subject, period, catalogue, wish), caller)


@routes.get("")
async def list_bulletins(
    *,
    caller: Reader,
    session: Session,
    kind: Annotated[Literal["biweekly", "monthly"] | None, Query()] = None,
    state: Annotated[
        State | None,
        Query(
            description="Only these: a draft waits for a signature, a signed one for publication."
        ),
    ] = None,
    quotes: Annotated[UUID | None, Query(description="Only those that quote this release.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[BulletinView]:
    """List published bulletins, newest first, and tombstones of withdrawn ones; drafts for coordinators and the IM
    role."""
    found = await queries.visible(
        session,
        caller,
        kind=kind,
        state=state,
        quotes=quotes,
        after=keys_in(cursor, moment_in, id_in),
        limit=limit + 1,
    )
    return page_of(found, limit, lambda each: _view(each, caller), attrgetter("drafted_at", "id"))


@routes.get("/feed", **answered_as(MEDIA_TYPE))
async def read_feed(
    request: Request,
    _caller: Reader,
    session: Session,
    language: Annotated[PageLanguage, Query(description="Of titles and files.")] = "es",
) -> Response:
    """Return published bulletins as an Atom feed, newest first, for feed readers and other sites."""
    issues = await queries.published(session, limit=IN_FEED)
    made = atom(issues, language, PREFIX, context_of(request).settings.public_url)
    return Response(made, media_type=MEDIA_TYPE, headers={"Content-Language": language})


@routes.get("/page", response_class=HTMLResponse, dependencies=[AnyQuery])
async def show_bulletins(
    request: Request,
    _caller: Reader,
    session: Session,
    asked: Annotated[PageLanguage | None, Query(alias="language")] = None,
) -> HTMLResponse:
    """Show people the page that lists the published bulletins."""
    language = page_language(asked, request.headers.get("accept-language"))
    issues = await queries.published(session, limit=IN_FEED)
    by_mail = context_of(request).parts.get("mail") is not None
    return page_response(listing(issues, language, PREFIX, by_mail=by_mail), language=language)


@routes.get("/letterhead")
async def read_letterhead(_caller: Writer, session: Session) -> LetterheadView:
    """Return who issues the bulletins: country, cluster, organisations with their logos; and whose borders the maps
    have."""
    found = await letterhead.read(session)
    if found is None:
        raise NOT_FOUND.because("bulletins_have_no_letterhead_yet")
    return LetterheadView.of(found)


@routes.put("/letterhead")
async def set_letterhead(
    caller: Publisher, session: Session, body: LetterheadBody
) -> LetterheadView:
    """Set who issues the bulletins. A logo is a PNG in base64; its metadata are removed. Later drafts have it."""
    wanted = Letterhead.model_validate(body.model_dump())
    kept = await letterhead.write(session, caller, wanted)
    return LetterheadView.of(kept)


@routes.put("/letterhead/borders")
async def set_borders(
    caller: Publisher,
    session: Session,
    file: UploadFile,
    source: Annotated[str, Form(min_length=1, max_length=200, description="As maps print it.")],
) -> LetterheadView:
    """Set the borders on the maps of later drafts, above the tiles.

    `file` is a GeoJSON of the states, each with its P-code as id or as a property. It is simplified to about 4 km."""
    from reporting.publish.bulletins import borders  # noqa: PLC0415 - shapely and numpy, for a rare file

    content = await file.read(borders.MOST_BYTES + 1)
    if len(content) > borders.MOST_BYTES:
        raise TOO_LARGE.because("file_has_more_than_bytes", borders.MOST_BYTES, pointer="/file")
    try:
        found = await asyncio.to_thread(borders.polygons, content)
    except ValueError as error:
        raise INVALID.because(
            "borders_are_a_geojson_of_states", borders.MOST_POINTS, pointer="/file"
        ) from error
    head = await letterhead.draw(session, caller, Borders(source=source, polygons=found))
    if head is None:
        raise NOT_FOUND.because("bulletins_have_no_letterhead_yet")
    return LetterheadView.of(head)


@routes.delete("/letterhead/borders", status_code=204)
async def remove_borders(caller: Publisher, session: Session) -> None:
    """Draw the maps of later drafts by tiles alone."""
    await letterhead.draw(session, caller, None)


@routes.get("/{bulletin_id}")
async def read_bulletin(
    request: Request, caller: Reader, session: Session, bulletin_id: BulletinId
) -> BulletinDetail:
    """Return the content of a bulletin, with the source of each number."""
    bulletin = await _read(session, caller, bulletin_id)
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    return BulletinDetail(
        **_view(bulletin, caller).model_dump(),
        content=bulletin.content,
        possible_steps=service.legal(caller, bulletin, alone=alone),
    )


@routes.get("/{bulletin_id}/trace")
async def trace_bulletin(caller: Reader, session: Session, bulletin_id: BulletinId) -> Trace:
    """Return every number with its source, and the checker's current findings."""
    bulletin = await _read(session, caller, bulletin_id)
    by_language = [list(all_figures(bulletin.content, language)) for language in LANGUAGES]
    figures = [
        TracedFigure(
            section=same[0].section,
            beside={lang: p.beside for lang, p in zip(LANGUAGES, same, strict=True)},
            value=None if same[0].figure.value is None else str(same[0].figure.value),
            source={lang: described(same[0].figure.source, lang) for lang in LANGUAGES},
        )
        for same in zip(*by_language, strict=True)
    ]
    found = await service.problems(session, bulletin)
    untraced = [UntracedNumber(form=s.form, number=s.number, reason=s.reason) for s in found]
    problems = [stray.in_english for stray in found]
    return Trace(figures=figures, untraced=untraced, problems=problems)


@routes.put("/{bulletin_id}/words")
async def write_words(
    caller: Writer, session: Session, bulletin_id: BulletinId, body: BulletinWords
) -> BulletinDetail:
    """Write people's texts beside the numbers: highlights, analysis per section, challenges, practices, next steps,
    contacts.

    Only in a draft; drafting again keeps the texts. 422 `number_in_words` names each number that does not belong to the
    section.
    """
    texts = {name: text.model_dump() for name, text in body.texts.items()}
    bulletin = await service.write_words(
        session, caller, bulletin_id, texts, read=body.content_sha256
    )
    return BulletinDetail(**_view(bulletin, caller).model_dump(), content=bulletin.content)


@routes.post("/{bulletin_id}/documents/{language}")
async def write_document(
    *,
    caller: Writer,
    session: Session,
    bulletin_id: BulletinId,
    language: Language,
    file: UploadFile,
) -> BulletinDetail:
    """Take people's texts of one language from the draft's document (`bulletin.docx`), edited in a word processor.

    Only the marked texts may differ: 422 `number_in_words` names everything else that was changed, and each number that
    does not belong to its section.
    """
    content = await file.read(MOST_BYTES + 1)
    bulletin = await service.write_document(session, caller, bulletin_id, language, content)
    return BulletinDetail(**_view(bulletin, caller).model_dump(), content=bulletin.content)


@routes.put("/{bulletin_id}/arrangement")
async def arrange(
    caller: Writer, session: Session, bulletin_id: BulletinId, body: Arrangement
) -> BulletinDetail:
    """Move the sections of a draft, and hide some from print; drafting again keeps both.

    Hidden sections are not part of what is signed off and published.
    """
    bulletin = await service.arrange(
        session, caller, bulletin_id, body.order, body.hidden, read=body.content_sha256
    )
    return BulletinDetail(**_view(bulletin, caller).model_dump(), content=bulletin.content)


@routes.post("/{bulletin_id}/sign-off", dependencies=[StepUp])
async def sign_off_bulletin(
    caller: Coordinator, session: Session, bulletin_id: BulletinId, body: SignedDraft | None = None
) -> BulletinView:
    """Sign off the draft that you have read, as a coordinator.

    428 if you do not name that draft (`content_sha256`), 409 if somebody has changed it since. Also 409 if a number or
    something beside the numbers has changed: draft it again.
    """
    read = body.content_sha256 if body else None
    if read is None:
        raise PRECONDITION_REQUIRED.because("say_which_draft_you_read", pointer="/content_sha256")
    return _view(await service.sign_off(session, caller, bulletin_id, read=read), caller)


@routes.post("/{bulletin_id}/publish", dependencies=[StepUp])
async def publish_bulletin(
    request: Request, caller: Publisher, session: Session, bulletin_id: BulletinId
) -> BulletinView:
    """Make a bulletin public and immutable, in all languages and forms. Needs another person's sign-off."""
    settings = cast("Settings", context_of(request).settings)
    alone = settings.one_person_publishes
    return _view(await service.publish(session, caller, bulletin_id, alone=alone), caller)


@routes.post("/{bulletin_id}/publication", status_code=202, dependencies=[StepUp])
async def ask_publication(
    *,
    request: Request,
    response: Response,
    caller: Publisher,
    session: Session,
    bulletin_id: BulletinId,
) -> PublicationView:
    """Publish without waiting: the worker renders and verifies all forms.

    `Location` shows the progress. Needs another person's sign-off. A repeated request adds nothing while it runs.
    """
    settings = cast("Settings", context_of(request).settings)
    alone = settings.one_person_publishes
    asked = await service.ask_publication(session, caller, bulletin_id, alone=alone)
    response.headers["Location"] = f"{PREFIX}/{bulletin_id}/publication"
    return _progress(asked, "signed_off")


@routes.get("/{bulletin_id}/publication")
async def read_publication(
    caller: Writer, session: Session, bulletin_id: BulletinId
) -> PublicationView:
    """Return the progress of the publication; 404 if nobody has requested it since the draft."""
    bulletin = await _visible(session, caller, bulletin_id)
    return _progress(await service.asked_publication(session, bulletin_id), bulletin.state)


@routes.post("/{bulletin_id}/withdrawal", dependencies=[StepUp])
async def ask_withdrawal(
    caller: Writer, session: Session, bulletin_id: BulletinId, body: AskWithdrawal
) -> BulletinView:
    """Request the withdrawal of a mistaken publication, with a reason that everybody will read. Nothing changes until a
    second person agrees."""
    found = await _visible(session, caller, bulletin_id)
    published = found.published_at is not None
    await withdrawals.ask(session, caller, bulletin_id, body.reason, published=published)
    return _view(await _visible(session, caller, bulletin_id), caller)


@routes.post("/{bulletin_id}/withdrawal/agreement", dependencies=[StepUp])
async def agree_to_withdrawal(
    request: Request, caller: Writer, session: Session, bulletin_id: BulletinId
) -> BulletinView:
    """Withdraw a bulletin permanently: text and files answer 410 with the reason; the list, the feed and subscribers'
    mail announce it.

    403 `second_person_needed` for the person who requested it. A correction is a new edition.
    """
    await _visible(session, caller, bulletin_id)
    alone = cast("Settings", context_of(request).settings).one_person_publishes
    return _view(await service.withdraw(session, caller, bulletin_id, alone=alone), caller)


@routes.get(
    "/{bulletin_id}/files/{language}/{name}",
    **answered_as(*MEDIA_TYPES.values()),
    dependencies=[AnyQuery],
)
async def read_file(
    *,
    caller: Reader,
    session: Session,
    bulletin_id: BulletinId,
    language: Language,
    name: Annotated[str, Path(max_length=80, examples=["bulletin.pdf"])],
) -> Response:
    """Return the bulletin as page, PDF or workbook, or one of its charts. Drafts are marked."""
    bulletin = await _read(session, caller, bulletin_id)
    content = printed(bulletin.content)
    if name not in names(content):
        raise NOT_FOUND.because("no_such_file", allowed=names(content))
    if bulletin.state != "published":
        try:
            made = await asyncio.to_thread(rendered, content, language, draft=True)
        except NobodyDraws as error:
            raise UNAVAILABLE.because(
                "what_draws_bulletins_is_not_there_now", headers={"Retry-After": "10"}
            ) from error
        kind = media_type(name)
        return Response(made[name], media_type=kind, headers=_harmless(kind, made[name]))
    kept = await queries.file(session, bulletin_id, language, name)
    if kept is None:
        raise NOT_FOUND.because("no_such_file")
    headers = {
        **_harmless(kept.media_type, kept.content),
        "ETag": f'"{kept.sha256}"',
        "Content-Language": language,
        # It never changes but may be withdrawn, so caches keep it for an hour.
        "Cache-Control": "public, max-age=3600",
    }
    return Response(kept.content, media_type=kept.media_type, headers=headers)


def _harmless(kind: str, content: bytes) -> dict[str, str]:
    """Return a content security policy. It lets a page show its drawings and use its own style, and prevents other
    files from doing anything in a browser."""
    policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    if kind.startswith("text/html"):
        policy = page_policy(style_of(content), images="data:", forms="'none'")
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}


async def _read(session: Session, caller: Principal, bulletin_id: UUID) -> Bulletin:
    """Return a bulletin. If it is withdrawn, raise 410 with the reason for every caller."""
    bulletin = await _visible(session, caller, bulletin_id)
    await withdrawals.refuse_withdrawn(session, bulletin_id)
    return bulletin


async def _visible(session: Session, caller: Principal, bulletin_id: UUID) -> Bulletin:
    found = await queries.visible(session, caller, bulletin_id=bulletin_id)
    if not found:
        raise NOT_FOUND.because("no_such_bulletin_or_not_published_yet")
    return found[0]


def _progress(asked: Publication, bulletin_state: str) -> PublicationView:
    published = bulletin_state in {"published", "withdrawn"}
    return PublicationView(
        state="published" if published else "at_work" if asked.waiting else "refused",
        done=service.STEPS if published else asked.done,
        steps=service.STEPS,
        asked_at=asked.asked_at,
        problem=asked.problem,
    )


def _view(bulletin: Bulletin, caller: Principal) -> BulletinView:
    content = bulletin.content
    return BulletinView.model_validate(
        {
            **vars(content),
            **vars(bulletin),
            "withdrawal": withdrawal_view(bulletin.withdrawal, caller),
            "files": [
                FileView(
                    language=language,
                    name=name,
                    path=f"{PREFIX}/{bulletin.id}/files/{language}/{name}",
                    media_type=media_type(name),
                )
                for language in LANGUAGES
                for name in names(printed(content))
                if bulletin.state != "withdrawn"
            ],
        }
    )
