"""Tokens of an external identity provider that runs as its own process: keys, lifetimes, areas and organisations."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from common.auth import public_jwk
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwt
from stack.embedded.ports import free_port

from tests.gateway.whole_gateway import Gateway, Process, another_front, wait_for
from tests.support.patience import PATIENCE
from tests.support.principals import organisation

LONG = 90 * 86_400


class Provider:
    """An OIDC provider. It serves a discovery document and keys from a folder, and signs any claims."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        known = folder / ".well-known"
        known.mkdir()
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys.json"}
        (known / "openid-configuration").write_text(json.dumps(document))
        self._pems: dict[str, str] = {}
        self.add_key("first")
        arguments = ["-m", "http.server", str(port), "--bind", "127.0.0.1"]
        self.process = Process([*arguments, "--directory", str(folder)], {}, folder / "log")
        self.start()

    def start(self) -> None:
        self.process.start()
        wait_for(f"{self.url}/keys.json", self.process)

    def add_key(self, kid: str) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._pems[kid] = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        keys = [public_jwk(pem, name, "RS256") for name, pem in self._pems.items()]
        written = self.folder / "keys.new"
        written.write_text(json.dumps({"keys": keys}))
        written.replace(self.folder / "keys.json")

    def token(
        self, kid: str = "first", *, signed_by: str | None = None, without: str = "", **changes: Any
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": "ruta", "sub": "m.rivas", "azp": "app", "iat": now, "exp": now + 300,
            "org": str(organisation(5)), "roles": ["coordinator"], "aors": ["GBV"], "areas": ["VE23"],
            "scope": "directory:read", **changes,
        }  # fmt: skip
        claims.pop(without, None)
        header = {"kid": kid, "typ": "at+jwt"}
        return str(jwt.encode(claims, self._pems[signed_by or kid], "RS256", headers=header))

    def readings(self) -> int:
        return self.process.log.read_text().count("GET /keys.json")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    running = Provider(tmp_path_factory.mktemp("provider"))
    yield running
    running.process.stop()


@pytest.fixture(scope="module")
def front(gateway: Gateway, provider: Provider) -> Iterator[Gateway]:
    """Start a front that fetches keys only when an unknown key arrives."""
    with another_front(
        gateway,
        token_issuer_url=provider.url,
        issuer_url=None,
        token_types='["at+jwt", "JWT"]',
        keys_refresh_seconds="3600",
        keys_throttle_seconds="3600",
    ) as other:
        yield other


def _ask(front: Gateway, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{front.url}/directory/v1/x", headers=headers, timeout=PATIENCE)


def _claims(front: Gateway, token: str) -> dict[str, Any]:
    answer = _ask(front, token)
    assert answer.status_code == 200, answer.text
    claims: dict[str, Any] = answer.json()["claims"]
    return claims


def test_a_new_key_is_believed_at_once_by_all_who_come_with_it(
    front: Gateway, provider: Provider
) -> None:
    """The front accepts a new key at once for two token types, and also after a token with an unknown key."""
    assert _ask(front, provider.token("nobodys", signed_by="first")).status_code == 401
    provider.add_key("second")

    async def ask_together() -> list[int]:
        headers = {"Authorization": f"Bearer {provider.token('second')}"}
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            url = f"{front.url}/directory/v1/x"
            answers = await asyncio.gather(*(http.get(url, headers=headers) for _ in range(8)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(ask_together()) == [200] * 8


def test_made_up_keys_cause_a_few_readings_and_no_more(front: Gateway, provider: Provider) -> None:
    before = provider.readings()
    for number in range(20):
        made_up = provider.token(f"made-up-{number}", signed_by="first")
        assert _ask(front, made_up).status_code == 401
    assert provider.readings() - before <= 5


def test_readiness_tells_that_the_provider_does_not_answer(
    gateway: Gateway, provider: Provider
) -> None:
    with another_front(
        gateway, token_issuer_url=provider.url, issuer_url=None, keys_refresh_seconds="0.2"
    ) as front:

        def told(status: str, keys: str) -> None:
            deadline = time.monotonic() + PATIENCE
            said: dict[str, Any] = {}
            while time.monotonic() < deadline:
                answer = httpx.get(f"{front.url}/readyz")
                assert answer.status_code == 200, "known keys verify tokens meanwhile"
                said = answer.json()
                if (said["status"], said["parts"]["token_keys"]) == (status, keys):
                    return
                time.sleep(0.05)
            raise AssertionError(said)

        told("ok", "ok")
        provider.process.stop()
        try:
            told("degraded", "known keys only: the issuer does not answer")
            assert _ask(front, provider.token()).status_code == 200
        finally:
            provider.start()
        told("ok", "ok")


def test_a_token_that_lives_for_months_is_believed_for_an_hour(
    front: Gateway, provider: Provider
) -> None:
    now = int(time.time())
    assert _ask(front, provider.token(exp=now + LONG)).status_code == 200
    assert _ask(front, provider.token(iat=now - 3500, exp=now + LONG)).status_code == 200
    assert _ask(front, provider.token(iat=now - 3700, exp=now + LONG)).status_code == 401
    assert _ask(front, provider.token(iat=now - LONG + 60, exp=now + 60)).status_code == 401


@pytest.mark.parametrize("said", [{"areas": None}, {"areas": []}, {"without": "areas"}])
def test_a_token_without_areas_holds_nowhere(
    front: Gateway, provider: Provider, said: dict[str, Any]
) -> None:
    claims = _claims(front, provider.token(**said))
    assert (claims["aors"], claims["areas"]) == ([], ["nowhere"])


def test_a_token_says_everywhere_in_one_way(front: Gateway, provider: Provider) -> None:
    claims = _claims(front, provider.token(areas=["*"]))
    assert (claims["aors"], claims["areas"]) == (["GBV"], [])
    assert _claims(front, provider.token())["areas"] == ["VE23"]
    assert _ask(front, provider.token(areas=[None])).status_code == 401


def test_services_learn_that_an_outside_provider_names_the_organisation(
    front: Gateway, gateway: Gateway, provider: Provider
) -> None:
    assert _claims(front, provider.token())["outside"] is True
    own = httpx.get(f"{gateway.url}/directory/v1/x", headers=gateway.bearer()).json()["claims"]
    assert "outside" not in own
