"""Answers text messages of the public. Of who asks nothing is kept, and nothing is asked."""

from datetime import date

from common import clock
from common.words.languages import PageLanguage
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.settings import Settings
from directory.show.information import service
from directory.show.information.asked_in_short import ShortQuestion, understood
from directory.show.information.needs import needs
from directory.show.information.rendering import help_text, texts
from directory.show.information.schemas import HelpPage, HelpQuery
from directory.show.information.short_text import messages, plain


async def answered(session: AsyncSession, text: str, settings: Settings) -> list[str]:
    """At most three messages, each of 160 characters of the GSM alphabet."""
    asked = understood(text, settings.home_country)
    return messages(plain(await _said(session, asked, settings)))


async def _said(session: AsyncSession, asked: ShortQuestion, settings: Settings) -> str:
    t, language = texts(asked.language), asked.language
    danger = t["sms_danger"].format(number=settings.emergency_number)
    if asked.line and asked.need is None:
        where = f"{settings.public_url.rstrip('/')}/line"
        return f"{t['sms_line'].format(address=where)} {danger}"
    if asked.risks and asked.need is None:
        return await _risks(session, asked.area, language, clock.today())
    if asked.area is None:
        menu = t["sms_menu" if asked.need is None else "sms_where"]
        return f"{menu.format(needs=_offered(language))} {danger} {t['sms_kept']}"
    if asked.need is None:
        place = Places.load().require(asked.area).label(language)
        return f"{t['sms_what'].format(place=place, needs=_offered(language))} {danger}"
    found = await _nearest(session, asked.area, asked.need, language)
    return help_text(found, language, settings.emergency_number)


async def _nearest(session: AsyncSession, area: str, need: str, language: PageLanguage) -> HelpPage:
    """In the place and for it; where there is none, the nearest around."""
    point = Places.load().point(area)
    near = {} if point is None else {"latitude": point.latitude, "longitude": point.longitude}
    query = HelpQuery.model_validate({"need": need, "area": area, **near})
    found = await service.find_help(session, query, language)
    if found.items or not near:
        return found
    around = HelpQuery.model_validate({"need": need, **near})
    return await service.find_help(session, around, language)


async def _risks(
    session: AsyncSession, area: str | None, language: PageLanguage, today: date
) -> str:
    found = await service.in_force(session, area)
    said = [each.texts.en.sms if language == "en" else each.texts.es.sms for each in found]
    return " ".join(said) if said else texts(language)["no_risks"]


def _offered(language: PageLanguage) -> str:
    return ", ".join(
        f"{number} {need.words[language][0]}" for number, need in enumerate(needs().values(), 1)
    )
