"""The caller: tokens, keys, and the principal that they identify."""

from common.auth.keys import JwksFile, KeySet, public_jwk, registered_keys
from common.auth.principal import ANONYMOUS, ROLE_SCOPES, SCOPES, Principal, Role, scopes_of
from common.auth.tokens import (
    InvalidToken,
    client_named_by,
    mint_token,
    verify_assertion,
    verify_token,
)

__all__ = [
    "ANONYMOUS",
    "ROLE_SCOPES",
    "SCOPES",
    "InvalidToken",
    "JwksFile",
    "KeySet",
    "Principal",
    "Role",
    "client_named_by",
    "mint_token",
    "public_jwk",
    "registered_keys",
    "scopes_of",
    "verify_assertion",
    "verify_token",
]
