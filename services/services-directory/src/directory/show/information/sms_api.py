"""HTTP for queries by text message: a gateway forwards them and gets the reply."""

from typing import Annotated, Any
from uuid import uuid4

import aiohttp
from common.auth import Principal
from common.errors import INVALID, NOT_FOUND, UNAVAILABLE
from common.http import AnyQuery, context_of, open_to_all, router
from common.messages.addresses import NotAnAddress, telephone
from common.messages.delivery import Message, Result
from common.messages.sms import Sms
from starlette.requests import Request

from directory.errors import WRONG_SECRET
from directory.ground.reading.request_parameters import fields_of_body
from directory.show.information.api import settings_of
from directory.show.information.gateways import Questions, Turns
from directory.show.information.schemas import ShortAnswer, ShortMessage
from directory.show.information.short_answers_service import answered

QUESTIONS, TURNS, SMS = "sms_questions", "sms_turns", "sms"
sms_routes = router("/directory/v1/help", ["information points"])
Anyone = Annotated[Principal, open_to_all()]
_LONGEST = 1600
_SCHEMA = {"schema": ShortMessage.model_json_schema()}
_BODY = {
    "requestBody": {
        "content": {"application/json": _SCHEMA, "application/x-www-form-urlencoded": _SCHEMA}
    }
}
_WAIT = aiohttp.ClientTimeout(total=20)


@sms_routes.api_route("/sms", methods=["POST"], openapi_extra=_BODY, dependencies=[AnyQuery])
async def answer_short_message(request: Request, _caller: Anyone) -> ShortAnswer:
    """A text message from a member of the public, forwarded by a gateway with this operation's secret: a place and a
    need ("ZULIA 9"), or "RIESGO ZULIA". The reply contains the nearest public services or the warnings in force, in at
    most three messages. Nothing about the sender is stored. The gateway may use its own field names and send further
    fields; see docs/information-points.md."""
    context, settings = context_of(request), settings_of(request)
    questions: Questions | None = context.parts.get(QUESTIONS)
    if questions is None:
        raise NOT_FOUND.because("this_operation_takes_no_questions_by_text")
    given, names = await fields_of_body(request), questions.fields
    if not questions.knows(given.get(names.secret)):
        raise WRONG_SECRET.because("gateways_secret_is_missing_or_not_ours")
    text = given.get(names.text)
    if not isinstance(text, str):
        raise INVALID.because("text_of_message_is_missing", pointer=f"/{names.text}")
    number = _number(given, questions)
    async with context.database.transaction() as session:
        said = await answered(session, text[:_LONGEST], settings)
    if number is None:
        return ShortAnswer(messages=said)
    turns: Turns = context.parts[TURNS]
    if turns.take(number) and not await _sent(context.parts[SMS], number, said):
        turns.give_back(number)
        raise UNAVAILABLE.because("gateway_takes_no_messages_now_pass")
    return ShortAnswer(messages=[])


def _number(given: dict[str, Any], questions: Questions) -> str | None:
    """Return the number to reply to, or None if the gateway returns the reply itself."""
    if questions.answer == "returned":
        return None
    name = questions.fields.number
    try:
        return telephone(str(given.get(name, "")))
    except NotAnAddress as error:
        raise INVALID.because(error.said, pointer=f"/{name}") from error


async def _sent(sms: Sms, number: str, said: list[str]) -> bool:
    """Send the messages. Return False if the gateway cannot accept messages now. Nothing is queued: the calling gateway
    gets an error and retries."""
    async with aiohttp.ClientSession(timeout=_WAIT) as http:
        for place, text in enumerate(said):
            handing = await sms.hand_over(http, number, Message("", text), str(uuid4()))
            if handing.result is not Result.HANDED:
                return handing.result is not Result.LATER or place > 0
    return True
