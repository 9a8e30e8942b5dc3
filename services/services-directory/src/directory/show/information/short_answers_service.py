"""Replies to text messages from the public. It requests and stores nothing about the sender."""

from datetime import date

from common import clock
from common.words.languages import PageLanguage
from common.words.places import Places
from sqlalchemy.ext.asyncio import AsyncSession

from directory.settings import Settings
from directory.show.information import service
from directory.show.information.asked_in_short import ShortQuestion, understood
from directory.show.information.needs import needs
from directory.show.information.renderer import help_text, texts
from directory.show.information.schemas import HelpQuery
from directory.show.information.short_text import messages, plain


async def answered(session: AsyncSession, text: str, settings: Settings) -> list[str]:
    """Return at most three messages, each with at most 160 characters of the GSM alphabet."""
    asked = understood(text, settings.home_country)
    return messages(plain(await _said(session, asked, settings)))


async def _said(session: AsyncSession, asked: ShortQuestion, settings: Settings) -> str:
    t, language = texts(asked.language), asked.language
    danger = t["sms_danger"].format(number=settings.emergency_number)
    if asked.danger and asked.area is None:
        lines = await service.open_lines(session, HelpQuery(), language)
        said = help_text(lines, language, settings.emergency_number)
        return f"{danger} {said if lines else ''} {t['sms_place']}"
    if asked.line and asked.need is None and not asked.danger:
        where = f"{settings.public_url.rstrip('/')}/line"
        return f"{t['sms_line'].format(address=where)} {danger}"
    told = asked.need is not None or asked.meant
    if asked.risks and not told:
        return await _risks(session, asked.area, language, clock.today())
    if asked.area is None:
        menu = t["sms_where" if told else "sms_menu"]
        return f"{menu.format(needs=_offered(language))} {danger} {t['sms_kept']}"
    if not told:
        place = Places.load().require(asked.area).label(language)
        return f"{t['sms_what'].format(place=place, needs=_offered(language))} {danger}"
    wanted = {"need": asked.need} if asked.need else {"words": asked.words}
    query = HelpQuery.model_validate({**wanted, "area": asked.area})
    found = await service.find_help(session, query, language, settings.home_country)
    said = help_text(found.items, language, settings.emergency_number)
    return f"{danger} {said}" if asked.danger and found.items else said


async def _risks(
    session: AsyncSession, area: str | None, language: PageLanguage, today: date
) -> str:
    found = await service.in_force(session, area)
    said = [each.texts.en.sms if language == "en" else each.texts.es.sms for each in found]
    return " ".join(said) if said else texts(language)["no_risks"]


def _offered(language: PageLanguage) -> str:
    return ", ".join(
        f"{number} {need.words[language]}" for number, need in enumerate(needs().values(), 1)
    )
