"""HTTP for posters: one page per area and AoR, to hang on a wall, at the public level for every caller."""

import asyncio
from typing import Annotated, Any, Literal, cast

from common import clock
from common.auth import Principal
from common.http import AnyQuery, Session, context_of, open_to_all, page_response, router
from common.words.languages import PageLanguage
from fastapi import Path, Response
from starlette.requests import Request

from directory.pathways.definition.profile import PLACE, Aor
from directory.pathways.planning.alternatives import course_for_nobody
from directory.pathways.versions.effective import in_force
from directory.pathways.versions.service import check_area
from directory.settings import Settings
from directory.show.posters import poster_files
from directory.show.posters.content import Poster, poster
from directory.show.posters.service import public_lines, public_services

routes = router("/directory/v1/posters", ["posters"])
Reader = Annotated[Principal, open_to_all()]
Language = PageLanguage
Format = Literal["html", "pdf", "png"]
_CONTENT: dict[str, Any] = {
    "text/html": {"schema": {"type": "string"}},
    "application/pdf": {"schema": {"type": "string", "format": "binary"}},
    "image/png": {"schema": {"type": "string", "format": "binary"}},
}


@routes.get(
    "/{area}/{aor}",
    response_class=Response,
    responses={200: {"content": _CONTENT}},
    dependencies=[AnyQuery],
)
async def print_poster(
    *,
    caller: Reader,
    session: Session,
    request: Request,
    area: Annotated[str, Path(pattern=PLACE, description="A P-code.")],
    aor: Aor,
    language: Language = "es",
    format: Format = "html",  # noqa: A002 - the parameter's public name, as in HSDS
) -> Response:
    """The pathway of an area on one A4 page, with a QR code of this address. It shows the public level to every caller,
    because a printed page cannot be withdrawn."""
    check_area(area, "/area")
    settings = cast("Settings", context_of(request).settings)
    public_url = str(settings.public_url).rstrip("/")
    content = await _content(session, public_url, area, aor, language)
    if format == "html":
        page = poster_files.html(content, settings.exit_url)
        return page_response(page, language=language, style=poster_files.page_style())
    draw, kind = (
        (poster_files.pdf, "application/pdf")
        if format == "pdf"
        else (poster_files.png, "image/png")
    )
    name = f"ruta-{aor}-{area}-{language}.{format}"
    return Response(
        await asyncio.to_thread(draw, content),
        media_type=kind,
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


async def _content(
    session: Session, public_url: str, area: str, aor: Aor, language: Language
) -> Poster:
    today = clock.today()
    force = (await in_force(session, area))[aor]
    course = course_for_nobody(force.pathway, area)
    services = await public_services(session, course, aor, area, today=today, language=language)
    drawn = poster(
        force.pathway,
        course,
        services,
        area=area,
        language=language,
        version=force.version,
        today=today,
        url=f"{public_url}/directory/v1/posters/{area}/{aor}?language={language}",
    )
    if not drawn.no_number:
        return drawn
    return drawn.with_lines(await public_lines(session, area, today=today, language=language))
