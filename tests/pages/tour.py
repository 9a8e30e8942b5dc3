"""A walk through every page for people, in every state that looks different.

`SERVED` lists the stops that show each operation that returns HTML; `MADE` lists those of each module that makes HTML.
A test finds both in the code, so a new page needs a stop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from common import clock
from gateway.issuer.people.factors import code_at
from playwright.sync_api import Page, Request, Route
from stack.demo.people import ADMINISTRATOR, DemoPerson

from tests.pages.world import Sent, password_of
from tests.support.system import System

PERSON = "demo-caseworker"
LINE, THREAD = "/referrals/v1/line", "/referrals/v1/line/thread"
WITHDRAW, HELP = "/referrals/v1/withdraw", "/directory/v1/help"
ANSWER, ACCOUNT = "/referrals/v1/answer/{token}", "/account"
SUBSCRIBE = "/reports/v1/subscriptions"
AUTHORIZE, PASSKEYS = "/oauth/authorize", "/account/passkeys"
INVITATION = "/account/invitations/{token}"

# Operation → names of its stops.
SERVED: dict[tuple[str, str], tuple[str, ...]] = {
    ("get", "/directory/v1/posters/{area}/{aor}"): ("poster",),
    ("get", HELP): ("help",),
    ("post", HELP): ("help-found",),
    ("get", "/directory/v1/risk-messages/page"): ("risks",),
    ("get", "/directory/v1/risk-messages/snippet"): ("risks-framed",),
    ("get", "/directory/v1/posters"): ("posters",),
    ("get", "/directory/v1/gaps/page"): ("gaps", "gaps-of-a-state", "gaps-of-a-town"),
    ("get", WITHDRAW): ("withdraw",),
    ("post", WITHDRAW): ("withdraw-malformed", "withdraw-wrong", "withdraw-slip"),
    ("get", ANSWER): ("answer", "answer-spent"),
    ("post", ANSWER): ("answer-missing",),
    ("get", LINE): ("line",),
    ("post", LINE): ("line-receipt", "line-old-form"),
    ("get", THREAD): ("line-enter",),
    ("post", THREAD): ("line-thread", "line-wrong-number"),
    ("get", "/reports/v1/bulletins/page"): ("bulletins",),
    ("get", "/reports/v1/exports/page"): ("figures",),
    ("get", SUBSCRIBE): ("subscribe",),
    ("get", f"{SUBSCRIBE}/confirm"): ("subscribe-confirm",),
    ("post", f"{SUBSCRIBE}/confirm"): ("subscribe-unknown",),
    ("get", f"{SUBSCRIBE}/leave"): ("subscribe-leave",),
    ("post", f"{SUBSCRIBE}/leave"): ("subscribe-unknown",),
    ("get", AUTHORIZE): ("sign-in", "sign-in-unknown"),
    ("post", AUTHORIZE): ("sign-in-wrong", "sign-in-elsewhere"),
    ("post", "/oauth/told"): ("told", "told-not-asked-for"),
    ("get", ACCOUNT): ("account",),
    ("post", "/account/password"): ("account-wrong",),
    ("post", "/account/second-factor"): ("enrolment",),
    ("post", "/account/second-factor/confirmation"): ("enrolment-wrong",),
    ("post", "/account/recovery-codes"): ("codes",),
    ("post", "/account/sign-ins/{sign_in}/end"): ("account",),  # Leads back to it.
    ("post", "/account/sign-ins/end-others"): ("account",),
    ("get", INVITATION): ("invitation", "invitation-spent"),
    ("post", INVITATION): ("invitation-wrong", "invitation-accepted"),
    ("get", PASSKEYS): ("passkeys",),
    ("post", PASSKEYS): ("session-ended",),
    ("post", "/account/passkeys/{passkey}/name"): ("session-ended",),
    ("post", "/account/passkeys/{passkey}/remove"): ("passkeys",),
}  # fmt: skip
# Module that makes HTML → stops, in addition to those of its operations.
MADE: dict[str, tuple[str, ...]] = {
    "common/http/page.py": ("help",),  # Declares the media type of error pages.
    "gateway/front/edge/heads.py": ("nothing-here",),  # Checks whether the client wants HTML.
    "gateway/front/site.py": ("docs",),
    "gateway/front/public_pages.py": (
        "start", "nothing-here", "sign-in-first", "typed-again", "stale", "sign-out",
    ),
    "gateway/issuer/account/api.py": ("account",),
    "gateway/issuer/account/invitations_api.py": ("invitation",),
    "gateway/issuer/account/passkeys_api.py": ("passkeys",),
    "gateway/issuer/authorize/api.py": ("sign-in",),
    "referrals/listening/line/pages.py": ("line",),
    "referrals/listening/line/renderer.py": ("line",),
    "referrals/referral/links/pages.py": ("answer",),
    "referrals/referral/referrals/withdrawal_pages.py": ("withdraw",),
    "reporting/publish/bulletins/api.py": ("bulletins",),
    "reporting/publish/subscribers/api.py": ("subscribe-wrong", "subscribe-sent"),
    "reporting/publish/exports/index_api.py": ("figures",),
    "reporting/publish/bulletins/rendering/feed.py": ("bulletin",),
    "reporting/publish/bulletins/rendering/forms.py": ("bulletin",),
    "directory/show/information/api.py": ("help",),
    "directory/show/information/index_api.py": ("posters",),
    "directory/show/information/messages_api.py": ("risks",),
    "directory/show/information/renderer.py": ("gaps",),
    "directory/show/posters/api.py": ("poster",),
    "stack/embedded/mailbox.py": (),  # A mail and push server for tests and demos, without pages.
}  # fmt: skip
# A library makes this page for developers, in English only, and needs its own script.
OF_PROGRAMMERS = {"docs"}
# Pages shown inside others, so they have no first heading or landmarks of their own.
FRAMED = {"risks-framed"}

Seen = Callable[[str], None]


@dataclass(frozen=True)
class Walk:
    """One person's walk in one language; `seen` runs on each page."""

    system: System
    page: Page
    language: str
    sent: Sent
    bulletin: str
    seen: Seen

    def open(self, name: str, path: str, **query: str) -> None:
        address = f"{path}?{urlencode({'language': self.language, **query})}"
        self.page.goto(address)
        self.seen(name)

    def press(self, name: str, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.page.wait_for_load_state()
        self.seen(name)

    def post(self, name: str, path: str, /, **fields: str) -> None:
        """Send a form that no page shows any more, the way one of our pages would."""
        address = f"{path}?language={self.language}"

        def as_form(route: Route, request: Request) -> None:
            sent = {
                "content-type": "application/x-www-form-urlencoded",
                "origin": self.system.running.url,
                "sec-fetch-site": "same-origin",
            }
            headers = {**request.all_headers(), **sent}
            answer = route.fetch(method="POST", headers=headers, post_data=urlencode(fields))
            route.fulfill(response=answer)

        self.page.route(f"**{address}", as_form)
        self.page.goto(address)
        self.page.unroute(f"**{address}")
        self.seen(name)

    def of_everybody(self) -> None:
        self.open("start", "/")
        self.open("nothing-here", "/ayuda")
        self.open("sign-in-first", "/identity/v1/clients")
        self.open("stale", "/session/callback", state="x")
        self.open("risks", "/directory/v1/risk-messages/page")
        self.open("risks-framed", "/directory/v1/risk-messages/snippet")
        self.open("posters", "/directory/v1/posters")
        self.open("poster", "/directory/v1/posters/VE23/GBV")
        self.open("gaps", "/directory/v1/gaps/page")
        self.open("gaps-of-a-state", "/directory/v1/gaps/page", area="VE23")
        self.open("gaps-of-a-town", "/directory/v1/gaps/page", area="VE2313")
        self.open("bulletins", "/reports/v1/bulletins/page")
        self.open("figures", "/reports/v1/exports/page")
        files = f"/reports/v1/bulletins/{self.bulletin}/files/{self.language}"
        self.page.goto(f"{files}/bulletin.html")
        self.seen("bulletin")
        self.open("help", HELP)
        self.open("help-refused", HELP, area="nowhere")
        self.open("help", HELP)
        self.press("help-found", "#typed button[type=submit]")
        self.page.goto("/docs")
        self.page.wait_for_selector(".opblock-tag")
        self.seen("docs")

    def of_a_reporter(self) -> None:
        self.open("line", LINE)
        self.page.locator("[name=kind]").first.check()
        self.page.locator("#text").fill("Siete personas en una finca")
        self.press("line-receipt", "#typed button[type=submit]")
        receipt = self.page.locator(".number").inner_text()
        self.open("line-enter", THREAD)
        self.page.locator("#receipt").fill("1")
        self.press("line-wrong-number", "#typed button[type=submit]")
        self.page.locator("#receipt").fill(receipt)
        self.press("line-thread", "#typed button[type=submit]")
        self.post("line-old-form", LINE, kind="other", text="Lo que vi", form="old")
        self.post("typed-again", "/referrals/v1/withdraw", code="x" * 201)

    def of_a_subscriber(self) -> None:
        key = "0" * 32 + "." + "0" * 32
        self.post("subscribe-wrong", SUBSCRIBE, address="x", language=self.language)
        self.open("subscribe", SUBSCRIBE)
        self.page.locator("#address").fill("alguien@example.org")
        self.press("subscribe-sent", "main button")
        self.open("subscribe-confirm", f"{SUBSCRIBE}/confirm", key=key)
        self.press("subscribe-unknown", "main button")
        self.open("subscribe-leave", f"{SUBSCRIBE}/leave", key=key)

    def of_who_agreed(self) -> None:
        self.open("withdraw", WITHDRAW)
        self.page.locator("#code").fill("x")
        self.press("withdraw-malformed", "[value=withdraw]")
        self.page.locator("#code").fill("0000-0000-0000-0000")
        self.press("withdraw-wrong", "[value=withdraw]")
        self.page.locator("#code").fill(self.sent.code)
        self.press("withdraw-slip", "[value=slip]")

    def of_a_recipient(self) -> None:
        self.open("answer", self.sent.answer)
        self.page.locator("[value=accept]").check()
        self.press("answer-missing", "#typed button[type=submit]")
        self.open("answer-spent", "/referrals/v1/answer/an-answer-link-of-nobody")

    def of_who_signs_in(self) -> None:
        self.page.goto(f"/session/start?return_to=/account&ui_locales={self.language}")
        self.seen("sign-in")
        for field, value in (("name", "m.rivas"), ("password", "x"), ("code", "000000")):
            self.page.locator(f"#{field}").fill(value)
        self.press("sign-in-wrong", "#sign-in button[type=submit]:not(.off)")
        self.page.goto(f"/oauth/authorize?ui_locales={self.language}")
        self.seen("sign-in-unknown")
        self.post("sign-in-elsewhere", AUTHORIZE, ticket="x")
        self.of_who_is_told()
        self.of_who_is_invited()

    def of_who_is_told(self) -> None:
        """Visit the pages of a person for whom an administrator created new credentials."""
        name, people = f"cambiada.{self.language}", "/identity/v1/people"
        made = self.asked(people, **DemoPerson(name, "reader", "health-cluster").wanted())
        given = self.asked(f"{people}/{made['id']}/credentials")
        self.page.goto(f"/session/start?return_to=/account&ui_locales={self.language}")
        said = (name, given["password"], code_at(given["second_factor_uri"], clock.now()))
        for field, value in zip(("name", "password", "code"), said, strict=True):
            self.page.locator(f"#{field}").fill(value)
        self.press("told", "#sign-in button[type=submit]:not(.off)")
        self.press("told-not-asked-for", "#told [value=not_asked_for]")

    def of_who_is_invited(self) -> None:
        person = DemoPerson(f"invitada.{self.language}", "reader", "health-cluster")
        made = self.asked("/identity/v1/people", **person.wanted(), invitation_days=7)
        link = made["invitation_url"]
        self.open("invitation", link)
        uri = self.page.locator("a[href^='otpauth://']").get_attribute("href") or ""
        for name, code in (("wrong", "000000"), ("accepted", "")):
            self.page.locator("#new_password").fill("cuatro caballos bien guardados")
            self.page.locator("#repeated").fill("cuatro caballos bien guardados")
            self.page.locator("#code").fill(code or code_at(uri, clock.now()))
            self.press(f"invitation-{name}", "#invitation button[type=submit]:not(.off)")
        self.open("invitation-spent", link)

    def asked(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.system.running.request(ADMINISTRATOR, "POST", path, json=body or None)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def of_who_is_in(self) -> None:
        password = password_of(self.system, PERSON)
        self.open("account", ACCOUNT)
        for field in ("old", "new", "repeated"):
            self.page.locator(f"#{field}").fill("x")
        self.press("account-wrong", "form[action*='/account/password'] button")
        self.page.locator("#factor-password").fill(password)
        self.press("enrolment", "form[action*='/account/second-factor'] button")
        self.page.locator("#code").fill("000000")
        self.press("enrolment-wrong", "form[action*=confirmation] button")
        self.open("account", ACCOUNT)
        self.page.locator("#codes-password").fill(password)
        self.press("codes", "form[action*=recovery-codes] button")
        self.open("passkeys", PASSKEYS)
        self.open("sign-out", "/session/end")
        self.page.context.clear_cookies()
        self.post("session-ended", PASSKEYS, name="Teléfono de la oficina")
