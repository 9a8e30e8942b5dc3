"""The route table, the only place that defines the paths behind the front and who may call them.

The proxy, the combined API description, the endpoint matrix test, the rate limits and the documentation use it. A path
without a row does not exist.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from common.pages import kept_forms

MEBIBYTE = 1024 * 1024
MOST_OF_NOBODY = 128 * 1024
"""Ten thousand characters of any script, form-encoded: the longest field of a form without an account."""
MOST_TYPED = MEBIBYTE
"""The largest form of a page without a file; uploads use another kind of form."""


class Upstream(StrEnum):
    """The service behind a route. Its value names it in settings, metrics and `/readyz`."""

    DIRECTORY = "directory"
    REFERRALS = "referrals"
    REPORTING = "reporting"
    CONSOLE = "console"
    ISSUER = "issuer"


# Services that act by themselves and therefore store a list of ended rights.
TOLD = (Upstream.DIRECTORY, Upstream.REFERRALS, Upstream.REPORTING)


@dataclass(frozen=True)
class Deprecation:
    """The date when a version was deprecated (RFC 9745), the date when it ends (RFC 8594), and its successor."""

    since: date
    sunset: date
    successor: str


@dataclass(frozen=True)
class Route:
    """One path prefix. Paths are forwarded unchanged. `public`, `open`, `sensitive`, `form_tools`, `fhir` and
    `entrance` are patterns that match the method and the path after the prefix."""

    prefix: str
    upstream: Upstream
    version: str
    title: str
    # Callers without a token may pass. The service decides for each operation.
    anonymous: bool = False
    # The caller may authenticate to the service itself (RFC 6749 §2.3.1).
    client_secrets: bool = False
    # The service sets and reads its own cookies.
    cookies: bool = False
    # Pages for a signed-in person. The cookie identifies the person, and the service checks the CSRF token of its forms.
    personal: bool = False
    # The service has only pages, which call the API with the person's own token. It receives that token and the
    # person's identity. It is not included in the API description and uses no cookies except `own_cookies`.
    for_people: bool = False
    own_cookies: tuple[str, ...] = ()
    # Pages and forms for anonymous people. The front ignores the session cookie here.
    public: str | None = None
    # Addresses that pages of any origin may read without credentials. Everybody gets the same response.
    open: str | None = None
    # Responses that may contain both a secret and text that an attacker chose. They are not compressed, because the
    # length would reveal the secret (BREACH).
    sensitive: str | None = None
    # Operations that a form's secret allows. Form tools may send it as the HTTP Basic password.
    form_tools: str | None = None
    # Tables for tools without OAuth. A client with only the role `reader` sends its secret by HTTP Basic.
    readers: str | None = None
    # FHIR clients get problems from these operations as an OperationOutcome.
    fhir: str | None = None
    # Pages on which people sign in. A sealed ticket or an invitation's token protects their forms, so the session cookie
    # is ignored. Only these pages may redirect to another site, namely a client's registered redirect URI.
    entrance: str | None = None
    # The largest body that the front forwards (`most_bytes`). Services have lower limits of their own.
    upload_bytes: int = 4 * MEBIBYTE
    limit_class: str = "client"
    deprecation: Deprecation | None = None

    @property
    def audience(self) -> str:
        """Return the `aud` of internal tokens for this upstream."""
        return f"ruta-{self.upstream}"

    def is_public(self, method: str, path: str) -> bool:
        return self._is(self.public, method, path)

    def holds_secrets(self, method: str, path: str) -> bool:
        return self._is(self.sensitive, method, path)

    def is_open(self, method: str, path: str) -> bool:
        return self._is(self.open, method, path)

    def takes_forms(self, method: str, path: str) -> bool:
        return self._is(self.form_tools, method, path)

    def lets_readers(self, method: str, path: str) -> bool:
        return self._is(self.readers, method, path)

    def speaks_fhir(self, method: str, path: str) -> bool:
        return self._is(self.fhir, method, path)

    def lets_in(self, method: str, path: str) -> bool:
        return self._is(self.entrance, method, path)

    def most_bytes(self, method: str, path: str, *, known: bool, typed: bool) -> int:
        """Return the largest allowed body size. Anonymous callers get a lower limit: they can send from anywhere, and a
        service may read the body before it refuses them. Form tools authenticate with the secret of their form. `typed`
        means a form without a file."""
        if not known and not self.takes_forms(method, path):
            return min(self.upload_bytes, MOST_OF_NOBODY)
        return (
            min(self.upload_bytes, MOST_TYPED) if typed and self.for_people else self.upload_bytes
        )

    def _is(self, these: str | None, method: str, path: str) -> bool:
        if these is None:
            return False
        return re.fullmatch(these, f"{method} {path[len(self.prefix) :]}") is not None


_HSDS_LISTS = "services|service_at_locations|organizations|taxonomies|taxonomy_terms"

ROUTES: tuple[Route, ...] = (
    Route(
        "/directory/v1",
        Upstream.DIRECTORY,
        "v1",
        "Services, organisations, pathways",
        anonymous=True,
        public=r"(GET|HEAD|POST) /help(/.*)?"
        r"|(GET|HEAD) /(posters(/.*)?|gaps/page|risk-messages/(page|snippet|snippet/code|text))",
        readers=r"(GET|HEAD) /(exports|gaps|features(/.*)?)",
        sensitive=r"POST /webhooks(/.*)?",
        # POST requests to these paths are queries with private content
        open=rf"(GET|HEAD) (?!/(records|imports|webhooks)\b).*|POST /({_HSDS_LISTS}|pathways/resolve(/batch)?)",
        upload_bytes=64 * MEBIBYTE,
    ),
    Route(
        "/referrals/v1",
        Upstream.REFERRALS,
        "v1",
        "Cases, consents, referrals, the anonymous line",
        anonymous=True,
        public=r"(GET|HEAD|POST) /(line(/thread)?|answer/.*|withdraw|withdrawals(/.*)?)"
        r"|(GET|HEAD) /line/form|POST /line/(reports|threads/.*)",
        sensitive=r"(POST|PUT|PATCH|DELETE) .*|GET /answer/.*",
        form_tools=r"POST /intake/forms/[^/]+/submissions",
        fhir=r"[A-Z]+ /fhir(/.*)?",
        upload_bytes=16 * MEBIBYTE,
    ),
    Route(
        "/reports/v1",
        Upstream.REPORTING,
        "v1",
        "Indicators, releases, bulletins, exports",
        anonymous=True,
        public=r"(GET|HEAD) /(exports/page|bulletins/(page|[^/]+/files/.*))"
        r"|(GET|HEAD|POST) /subscriptions(/.*)?",
        open=r"(GET|HEAD) /(?!subscriptions).*",
        readers=r"(GET|HEAD) /(releases|exports|activities)(/.*)?",
        # The page contains the key from the link in the e-mail.
        sensitive=r"[A-Z]+ /subscriptions/.*",
        upload_bytes=64 * MEBIBYTE,
    ),
    Route(
        "/identity/v1",
        Upstream.ISSUER,
        "v1",
        "Organisations, clients, people, keys",
        sensitive=r"(POST|PUT|PATCH|DELETE) .*",
    ),
    Route(
        "/oauth",
        Upstream.ISSUER,
        "",
        "Tokens",
        anonymous=True,
        client_secrets=True,
        cookies=True,
        sensitive=".*",
        entrance="(GET|HEAD|POST) /(authorize|told)",
        upload_bytes=16 * 1024,
        limit_class="sign-in",
    ),
    Route(
        "/account",
        Upstream.ISSUER,
        "",
        "Own account",
        anonymous=True,
        personal=True,
        sensitive=".*",
        entrance="(GET|HEAD|POST) /invitations/[^/]+",
        upload_bytes=16 * 1024,
    ),
    Route(
        "/console",
        Upstream.CONSOLE,
        "",
        "Pages for people who signed in",
        anonymous=True,
        personal=True,
        for_people=True,
        own_cookies=("ruta-language", *kept_forms.COOKIES),
        # Styles and scripts are the same for everybody, so browsers cache them.
        public=r"(GET|HEAD) /static/.*",
        # The largest upload is a workbook of services. Other forms are small.
        upload_bytes=17 * MEBIBYTE,
    ),
    Route("/.well-known", Upstream.ISSUER, "", "Discovery and keys", anonymous=True),
)


@dataclass(frozen=True)
class RouteTable:
    """Finds the route of a path with two dictionary look-ups."""

    routes: tuple[Route, ...] = ROUTES
    _by_prefix: Mapping[str, Route] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_prefix = {route.prefix: route for route in self.routes}
        if len(by_prefix) != len(self.routes):
            raise ValueError("two routes have the same prefix")
        object.__setattr__(self, "_by_prefix", by_prefix)

    def find(self, path: str) -> Route | None:
        """Return the route whose prefix equals the first one or two segments of `path`."""
        first = path.find("/", 1)
        if first == -1:
            return self._by_prefix.get(path)
        second = path.find("/", first + 1)
        two = path if second == -1 else path[:second]
        return self._by_prefix.get(two) or self._by_prefix.get(path[:first])


def deprecation_headers(deprecation: Deprecation) -> list[tuple[bytes, bytes]]:
    """Return `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the successor (RFC 8288)."""
    since = _midnight(deprecation.since)
    weekday = deprecation.sunset.strftime("%a, %d %b %Y 00:00:00 GMT")
    return [
        (b"deprecation", b"@%d" % since),
        (b"sunset", weekday.encode()),
        (b"link", f'<{deprecation.successor}>; rel="successor-version"'.encode()),
    ]


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86400
