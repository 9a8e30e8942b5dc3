"""The caller: tokens, keys, and the principal that they identify."""

from common.auth.keys import JwksFile, KeySet, public_jwk
from common.auth.principal import ANONYMOUS, ROLE_SCOPES, SCOPES, Principal, Role, scopes_of
from common.auth.tokens import InvalidToken, mint_token, verify_token

__all__ = [
    "ANONYMOUS",
    "ROLE_SCOPES",
    "SCOPES",
    "InvalidToken",
    "JwksFile",
    "KeySet",
    "Principal",
    "Role",
    "mint_token",
    "public_jwk",
    "scopes_of",
    "verify_token",
]
