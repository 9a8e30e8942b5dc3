"""The HTTP layer that all services share. Import its API from here."""

from common.http.access import StepUp, check_fhir, open_to_all, requires, requires_fhir
from common.http.app import service_app
from common.http.context import BackgroundTask, ServiceContext, context_of
from common.http.deprecated import deprecated_since
from common.http.links import LINKED, page_links
from common.http.page import (
    answered_as,
    drawn,
    page_response,
    page_texts,
    refusal_pages,
    with_number,
)
from common.http.preconditions import IfMatch, check_if_match, etag_of
from common.http.returned_mail import Postmaster, ReturnedMail
from common.http.routing import (
    AnyQuery,
    IdempotencyRequired,
    InParts,
    OwnQuery,
    Reading,
    Session,
    UnitOfWorkRoute,
    router,
)
from common.http.shown_once import ShownOnce, store_instead
from common.http.strict import Strict, Text
from common.pages.look import PAGE_STYLE, SWITCH
from common.words.languages import page_language

__all__ = [
    "LINKED",
    "PAGE_STYLE",
    "SWITCH",
    "AnyQuery",
    "BackgroundTask",
    "IdempotencyRequired",
    "IfMatch",
    "InParts",
    "OwnQuery",
    "Postmaster",
    "Reading",
    "ReturnedMail",
    "ServiceContext",
    "Session",
    "ShownOnce",
    "StepUp",
    "Strict",
    "Text",
    "UnitOfWorkRoute",
    "answered_as",
    "check_fhir",
    "check_if_match",
    "context_of",
    "deprecated_since",
    "drawn",
    "etag_of",
    "open_to_all",
    "page_language",
    "page_links",
    "page_response",
    "page_texts",
    "refusal_pages",
    "requires",
    "requires_fhir",
    "router",
    "service_app",
    "store_instead",
    "with_number",
]
