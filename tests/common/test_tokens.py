"""`verify_token` rejects every invalid token (attack table, rows 1-4)."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from common.auth import InvalidToken, KeySet, mint_token, public_jwk, verify_token
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk, jwt


def _pem(key: Any) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


EC = _pem(ec.generate_private_key(ec.SECP256R1()))
RSA = _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
EC_JWK = public_jwk(EC, "ec", "ES256")
RSA_JWK = public_jwk(RSA, "rsa", "RS256")
KEYS = KeySet([EC_JWK, RSA_JWK])
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    full = {"iss": "issuer", "aud": "ruta", "sub": "ngo", "iat": now, "exp": now + 300}
    return {k: v for k, v in {**full, **changes}.items() if v is not ...}


def signed(
    payload: dict[str, Any], *, algorithm: str = "ES256", header: dict[str, Any] | None = None
) -> str:
    pem, kid = (EC, "ec") if algorithm == "ES256" else (RSA, "rsa")
    token = str(
        jwt.encode(payload, pem, algorithm, headers={"kid": kid, "typ": "at+jwt", **(header or {})})
    )
    return with_s(token, min) if algorithm == "ES256" else token


def with_s(token: str, chosen: Callable[[int, int], int]) -> str:
    """Return the same token with its other valid signature."""
    text, _, signature = token.rpartition(".")
    content = base64.urlsafe_b64decode(signature + "==")
    s = int.from_bytes(content[32:], "big")
    content = content[:32] + chosen(s, ORDER - s).to_bytes(32, "big")
    return f"{text}.{base64.urlsafe_b64encode(content).rstrip(b'=').decode()}"


def verify(token: str, keys: KeySet = KEYS) -> dict[str, Any]:
    return verify_token(token, keys, issuer="issuer", audience="ruta", typ="at+jwt")


def raw(header: Any, payload: Any = None) -> str:
    def part(value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(payload or claims())}.c2lnbmF0dXJl"


def signed_text(header: str, payload: str) -> str:
    """Return a token with exactly this header and payload, signed with the EC key."""
    head, body = (
        base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, payload)
    )
    signature = jwk.construct(EC, "ES256").sign(f"{head}.{body}".encode())
    token = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    return with_s(token, min)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_good_token_gives_its_claims(algorithm: str) -> None:
    assert verify(signed(claims(org="x"), algorithm=algorithm))["org"] == "x"


def test_the_type_may_be_written_as_a_media_type() -> None:
    assert verify(signed(claims(), header={"typ": "application/at+JWT"}))["sub"] == "ngo"


@pytest.mark.parametrize("claim", ["exp", "aud", "sub", "iss", "iat"])
def test_a_missing_claim_is_refused(claim: str) -> None:
    with pytest.raises(InvalidToken):
        verify(signed(claims(**{claim: ...})))


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"exp": []},
        {"exp": float("inf")},
        {"exp": True},
        {"exp": "soon"},
        {"exp": int(time.time()) - 3600},
        {"exp": int(time.time()) + 2 * 86400},
        {"iat": int(time.time()) + 365 * 86400},
        {"iat": {}},
        {"sub": ""},
        {"sub": 7},
        {"aud": "other"},
        {"aud": ["other", "another"]},
        {"iss": "somebody else"},
        {"nbf": int(time.time()) + 3600},
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        verify(signed(claims(**changes)))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "nobody"},
        {"kid": 5},
        {"kid": "rsa"},  # A key of another type.
        {"typ": "JWT"},
        {"typ": None},
        {"crit": ["exp"]},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/cert"},
        {"jwk": EC_JWK},
    ],
)
def test_a_wrong_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        verify(signed(claims(), header=header))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "ñ.b.c",
        raw({"alg": "none", "kid": "ec", "typ": "at+jwt"}),
        raw({"alg": ["ES256"], "kid": "ec", "typ": "at+jwt"}),
        raw({"alg": {}, "kid": "ec", "typ": "at+jwt"}),
        raw([]),
        raw('{"a":' * 1100 + "1" + "}" * 1100),
        raw({"alg": "ES256", "kid": "ec", "typ": "at+jwt"}, "[" * 1100 + "]" * 1100),
        signed(claims())[:-6] + "AAAAAA",
        "x" * 9000,
    ],
)
def test_hostile_text_is_refused_not_raised(token: str) -> None:
    with pytest.raises(InvalidToken):
        verify(token)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_token_has_one_text(part: int, algorithm: str) -> None:
    """A token has only one valid encoding. Padding or a spare bit would allow more, each cached separately."""
    # Find a header and a payload whose lengths leave spare bits, as a signature's length does.
    made = (signed(claims(x="x" * n), algorithm=algorithm, header={"x": "x" * n}) for n in range(3))
    token = next(each for each in made if len(each.split(".")[part]) % 4)
    parts = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(parts[part][-1]) + 1]
    for other in (parts[part] + "==", parts[part][:-1] + last):
        with pytest.raises(InvalidToken):
            verify(".".join([*parts[:part], other, *parts[part + 1 :]]))


def test_of_two_signatures_ours_is_one() -> None:
    """Our own tokens may use only one of two equivalent signatures. An external provider may use either (RFC 7518
    §3.4)."""
    other = with_s(signed(claims()), max)
    with pytest.raises(InvalidToken, match="twin"):
        verify(other)
    outside = verify_token(
        other, KEYS, issuer="issuer", audience="ruta", typ="at+jwt", outside=True
    )
    assert outside["sub"] == "ngo"
    for _ in range(20):
        made = mint_token(claims(), private_pem=EC, kid="ec", algorithm="ES256", typ="at+jwt")
        assert made == with_s(made, min)


def test_a_claim_or_a_header_that_is_said_twice_is_refused() -> None:
    """A token with a duplicate member is refused even if the right key signed it, because its meaning depends on the
    parser."""
    twice = {"iss": '"issuer"', "aud": '"ruta"', "sub": '"other"', "sub ": '"ngo"'}
    now = int(time.time())
    text = ",".join(f'"{name.strip()}":{value}' for name, value in twice.items())
    payload = f'{{{text},"iat":{now},"exp":{now + 300}}}'
    header = '{"alg":"ES256","kid":"ec","typ":"at+jwt"}'
    doubled = '{"alg":"ES256","kid":"ec","kid":"ec","typ":"at+jwt"}'
    good = json.dumps(claims())
    assert verify(signed_text(header, good))["sub"] == "ngo"
    for head, body in ((header, payload), (doubled, good)):
        with pytest.raises(InvalidToken, match="twice"):
            verify(signed_text(head, body))


def test_a_public_key_is_not_taken_as_a_shared_secret() -> None:
    header = {"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}
    with pytest.raises(InvalidToken):
        verify(raw(header))


def test_a_key_for_encryption_is_not_used() -> None:
    with pytest.raises(InvalidToken):
        verify(signed(claims()), KeySet([{**EC_JWK, "use": "enc"}]))


def test_minting_refuses_other_algorithms() -> None:
    with pytest.raises(ValueError, match="RS256 or ES256"):
        mint_token(claims(), private_pem=EC, kid="ec", algorithm="HS256", typ="at+jwt")


def test_ecdsa_is_never_reached() -> None:
    """No code uses the `ecdsa` package, which python-jose requires, because its signing time leaks. We sign with
    `cryptography`."""
    code = (
        "import sys\n"
        "from tests.common.test_tokens import EC, KEYS, RSA, verify\n"
        "from common.auth import mint_token\n"
        "from tests.common.test_tokens import claims\n"
        "for pem, kid, algorithm in ((EC, 'ec', 'ES256'), (RSA, 'rsa', 'RS256')):\n"
        "    verify(mint_token(claims(), private_pem=pem, kid=kid, algorithm=algorithm, typ='at+jwt'))\n"
        "assert 'jose.backends.cryptography_backend' in sys.modules\n"
        "assert not {'ecdsa', 'jose.backends.ecdsa_backend'} & set(sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("made_for", ["RS512", "PS256"])
def test_a_key_is_used_for_the_algorithm_only_that_it_was_made_for(made_for: str) -> None:
    with pytest.raises(InvalidToken, match="for this algorithm"):
        verify(signed(claims(), algorithm="RS256"), KeySet([{**RSA_JWK, "alg": made_for}]))
