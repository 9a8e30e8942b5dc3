"""Any OIDC provider works with the right settings. Here the provider is a second issuer with other keys and claim
names."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from common.auth import Principal
from gateway.front.callers.tokens import mapped, within_areas
from jose import jwt
from stack.embedded.ports import free_port
from stack.embedded.postgres import PostgresServer

from tests.gateway.whole_gateway import Gateway, another_front, running_gateway
from tests.support.patience import PATIENCE
from tests.support.principals import organisation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def provider(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """Start an issuer that signs with RSA at its own address."""
    folder = tmp_path_factory.mktemp("provider")
    settings = {"signing_algorithm": "RS256"}
    with running_gateway(postgres, folder, database="outside_issuer", issuer=settings) as running:
        yield running


@pytest.fixture(scope="module")
def front(gateway: Gateway, provider: Gateway) -> Iterator[Gateway]:
    """Start a front that knows only the provider's address."""
    with another_front(
        gateway,
        token_issuer_url=provider.url,
        issuer_url=None,
        token_claims='{"aors": "areas", "areas": "aors"}',
    ) as other:
        yield other


def test_its_tokens_are_verified_by_discovery_and_their_claims_mapped(
    front: Gateway, provider: Gateway
) -> None:
    token = provider.token("gbv-coordinator")
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    headers = {"Authorization": f"Bearer {token}"}
    claims = httpx.get(f"{front.url}/directory/v1/x", headers=headers).json()["claims"]
    assert claims["client_id"] == "gbv-coordinator"
    assert (claims["aors"], claims["areas"]) == ([], ["GBV"])


def test_tokens_of_our_own_issuer_mean_nothing_there(front: Gateway, gateway: Gateway) -> None:
    answer = httpx.get(f"{front.url}/directory/v1/x", headers=gateway.bearer())
    assert answer.status_code == 401


def test_our_issuers_paths_do_not_exist_there(front: Gateway) -> None:
    assert httpx.post(f"{front.url}/oauth/token").status_code == 404
    assert httpx.get(f"{front.url}/identity/v1/clients").status_code == 404


def test_clients_are_told_where_its_tokens_are_had(front: Gateway, provider: Gateway) -> None:
    scheme = httpx.get(f"{front.url}/openapi.json").json()["components"]["securitySchemes"][
        "oauth2"
    ]
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == f"{provider.url}/oauth/token"
    authorize = scheme["flows"]["authorizationCode"]["authorizationUrl"]
    assert authorize == f"{provider.url}/oauth/authorize"
    smart = httpx.get(f"{front.url}/referrals/v1/fhir/.well-known/smart-configuration").json()
    assert smart["issuer"] == provider.url
    assert smart["token_endpoint"] == f"{provider.url}/oauth/token"
    assert "client_credentials" in smart["grant_types_supported"]


@pytest.mark.slow
def test_people_sign_in_through_it(gateway: Gateway, provider: Gateway) -> None:
    port = free_port()
    registered = httpx.post(
        f"{provider.url}/identity/v1/clients",
        headers=provider.bearer("im-officer"),
        json={
            "id": "console-elsewhere",
            "organisation_id": str(organisation(8)),
            "name": "Console",
            "roles": [],
            "scopes": [],
            "redirect_uris": [f"http://127.0.0.1:{port}/session/callback"],
        },
    ).json()
    person = httpx.post(
        f"{provider.url}/identity/v1/people",
        headers=provider.bearer("im-officer"),
        json={
            "sign_in_name": "somebody",
            "organisation_id": str(organisation(1)),
            "roles": ["caseworker"],
            "scopes": ["referrals:read"],
        },
    ).json()
    totp = pyotp.parse_uri(person["second_factor_uri"])
    assert isinstance(totp, pyotp.TOTP)
    with (
        another_front(
            gateway,
            public_url=f"http://127.0.0.1:{port}",
            port=str(port),
            token_issuer_url=provider.url,
            issuer_url=None,
            session_client_id="console-elsewhere",
            session_client_secret=registered["secret"],
        ) as front,
        httpx.Client(timeout=PATIENCE) as browser,
    ):
        start = browser.get(f"{front.url}/session/start?ui_locales=en")
        assert start.headers["location"].startswith(f"{provider.url}/oauth/authorize?")
        page = browser.get(start.headers["location"])
        assert "Password" in page.text
        ticket = page.text.split('name="ticket" value="')[1].split('"')[0]
        form = {
            "ticket": ticket,
            "sign_in_name": "somebody",
            "password": person["password"],
            "code": totp.now(),
        }
        entered = browser.post(f"{provider.url}/oauth/authorize", data=form)
        assert parse_qs(urlsplit(entered.headers["location"]).query)["iss"] == [provider.url]
        assert browser.get(entered.headers["location"]).status_code == 303
        assert browser.get(f"{front.url}/session").json()["subject"] == person["id"]


def test_a_mapped_claim_never_comes_from_the_top_level() -> None:
    token = {"roles": ["admin"], "realm_access": {"roles": ["reader"]}, "azp": "app", "scp": ["a"]}
    mapping = {"roles": "realm_access.roles", "scope": "scp", "org": "nowhere.at.all"}
    assert mapped(token, mapping) == {
        **token,
        "roles": ["reader"],
        "scope": "a",
        "client_id": "app",
    }
    assert "roles" not in mapped({"roles": ["admin"]}, {"roles": "realm_access.roles"})


@pytest.mark.parametrize("said", ["", " "])
def test_a_mapped_text_that_names_no_area_is_not_everywhere(said: str) -> None:
    """A provider sends an empty text if a person's area field is empty."""
    token = {"sub": "somebody", "client_id": "app", "aors": ["GBV"], "zones": said}
    within = within_areas(mapped(token, {"areas": "zones"}))
    assert (within["aors"], within["areas"]) == ([], ["nowhere"])
    given = mapped({**token, "zones": "VE23 VE07"}, {"areas": "zones"})
    assert Principal.from_claims(within_areas(given)).areas == {"VE23", "VE07"}
    assert mapped(token, {"roles": "zones"})["roles"] == []
