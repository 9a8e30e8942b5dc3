"""A token's expiry has the same leeway, whether or not the front has verified the token before."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from common.auth import ANONYMOUS, InvalidToken, KeySet, mint_token, public_jwk
from common.auth.tokens import LEEWAY_SECONDS
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gateway.front.callers.internal_tokens import InternalTokens
from gateway.front.callers.revocations import Revocations
from gateway.front.callers.tokens import Caller, Callers, Trust
from jose import jwt

_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
KEYS = KeySet([public_jwk(_KEY, "key", "ES256")])


def _token(*, ended_ago: float, **changes: object) -> str:
    claims = {
        "iss": "issuer", "aud": "ruta", "sub": "ngo", "client_id": "ngo", "jti": str(uuid4()),
        "iat": int(time.time()) - 600, "exp": int(time.time()) - int(ended_ago), **changes,
    }  # fmt: skip
    said = {name: value for name, value in claims.items() if value is not None}
    return mint_token(said, private_pem=_KEY, kid="key", algorithm="ES256", typ="at+jwt")


def _callers() -> Callers:
    return Callers(Trust("issuer", "ruta"), Revocations())


def test_a_token_that_was_never_seen_is_believed_for_the_leeway() -> None:
    assert _callers().caller(_token(ended_ago=LEEWAY_SECONDS / 2), KEYS).principal.subject == "ngo"
    with pytest.raises(InvalidToken):
        _callers().caller(_token(ended_ago=LEEWAY_SECONDS + 1), KEYS)


def test_one_that_is_remembered_not_a_second_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    callers, token = _callers(), _token(ended_ago=LEEWAY_SECONDS / 2)
    end = callers.caller(token, KEYS).expires + LEEWAY_SECONDS
    monkeypatch.setattr(time, "time", lambda: end - 0.001)
    callers.caller(token, KEYS)
    monkeypatch.setattr(time, "time", lambda: end)
    with pytest.raises(InvalidToken, match="expired"):
        callers.caller(token, KEYS)


@pytest.mark.parametrize("remembered", [False, True])
def test_one_of_a_client_that_was_switched_off_proves_nothing(remembered: bool) -> None:
    revocations = Revocations()
    callers, token = Callers(Trust("issuer", "ruta"), revocations), _token(ended_ago=-60)
    if remembered:
        callers.caller(token, KEYS)
    revocations.clients["ngo"] = time.time()
    with pytest.raises(InvalidToken, match="revoked"):
        callers.caller(token, KEYS)


@pytest.mark.parametrize("client_id", [None, "", ["app"]])
def test_a_token_that_names_no_client_is_none(client_id: object) -> None:
    """An identity provider may name the client elsewhere in the token. Without this rule a person would count as a
    client, which needs no fresh sign-in."""
    with pytest.raises(InvalidToken):
        _callers().caller(_token(ended_ago=0, sub="m.rivas", client_id=client_id), KEYS)


def test_whoever_signed_in_through_an_outside_provider_is_a_person() -> None:
    token = _token(ended_ago=0, sub="m.rivas", client_id=None, azp="app")
    principal = _callers().caller(token, KEYS).principal
    assert (principal.client_id, principal.is_person) == ("app", True)


@pytest.mark.parametrize("areas", [{}, False, 0, ""])
def test_areas_that_are_no_list_are_not_everywhere(areas: object) -> None:
    with pytest.raises(InvalidToken):
        _callers().caller(_token(ended_ago=0, areas=areas), KEYS)
    assert _callers().caller(_token(ended_ago=0, areas=None), KEYS).principal.areas == frozenset()


def test_an_internal_token_ends_with_the_token_that_it_stands_for(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(_KEY)
    internal = InternalTokens(tmp_path / "key.pem", "front")
    end = time.time() + 5
    caller = Caller(ANONYMOUS, "caller", end, 0)
    said = internal.authorization(caller, "ruta-referrals").decode().removeprefix("Bearer ")
    assert jwt.get_unverified_claims(said)["exp"] <= caller.believed_until
