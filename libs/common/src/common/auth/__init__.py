"""Who is calling: tokens, keys and the principal they name."""

from common.auth.keys import JwksFile, KeySet, public_jwk
from common.auth.principal import ANONYMOUS, SCOPES, Principal, Role
from common.auth.tokens import InvalidToken, mint_token, verify_token

__all__ = [
    "ANONYMOUS",
    "SCOPES",
    "InvalidToken",
    "JwksFile",
    "KeySet",
    "Principal",
    "Role",
    "mint_token",
    "public_jwk",
    "verify_token",
]
