"""Key-encryption keys encrypted by a Vault. Its transit engine decrypts them, and no file contains them in plain text.

HashiCorp Vault and OpenBao have the same API (https://openbao.org/api-docs/secret/transit). They see a key-encryption
key (32 bytes) and its name, never a case.
"""

import asyncio
import base64
import binascii
from pathlib import Path
from typing import Any

import aiohttp
from common.crypto import key_from_base64
from common.db.key_checks import KeysAway

from referrals.ground.keys.ring import CannotOpenKey

_TIMEOUT = aiohttp.ClientTimeout(total=10)


class Transit:
    """One key of one transit engine; raises KeysAway if the engine is unreachable."""

    def __init__(self, url: str, engine: str, key: str, token_file: Path) -> None:
        self._url = url.rstrip("/")
        self._engine, self._key = engine, key
        self._token_file = token_file

    async def close(self, key_id: str, key: bytes) -> str:
        """Return the encrypted text for the ring file."""
        asked = {"plaintext": base64.b64encode(key).decode(), "associated_data": _name(key_id)}
        data = await self._ask("encrypt", key_id, asked)
        return str(data["ciphertext"])

    async def open(self, key_id: str, text: str) -> bytes:
        """Return the key; raise CannotOpenKey if this Vault's key did not encrypt it, or encrypted it under another
        name."""
        asked = {"ciphertext": text, "associated_data": _name(key_id)}
        data = await self._ask("decrypt", key_id, asked)
        try:
            return key_from_base64(str(data["plaintext"]))
        except (KeyError, ValueError, binascii.Error) as error:
            raise CannotOpenKey("Vault's answer for {key} contains no key", key=key_id) from error

    async def _ask(self, verb: str, key_id: str, body: dict[str, str]) -> dict[str, Any]:
        address = f"{self._url}/v1/{self._engine}/{verb}/{self._key}"
        headers = {"X-Vault-Token": await self._token()}
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
                session.post(address, json=body, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status == 200:
                    data: dict[str, Any] = (await answer.json())["data"]
                    return data
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as error:
            reason = type(error).__name__
            text = "Vault is not responding (RUTA_VAULT_URL): {reason}"
            raise KeysAway(text, reason=reason) from error
        if status in {400, 404}:
            raise CannotOpenKey(
                "Vault's key {vault} does not {verb} {key}: this is a different Vault, or its key is lost (RUTA_VAULT_URL, RUTA_VAULT_KEY)",
                vault=f"{self._engine}/{self._key}",
                verb=verb,
                key=key_id,
            )
        raise _away(status, f"{self._engine}/{verb}/{self._key}")

    async def _token(self) -> str:
        try:
            return (await asyncio.to_thread(self._token_file.read_text)).strip()
        except OSError as error:
            raise KeysAway(
                "there is no token for Vault at {path} (RUTA_VAULT_TOKEN_FILE)",
                path=self._token_file,
            ) from error


def _away(status: int, path: str) -> KeysAway:
    if status == 403:
        return KeysAway(
            "Vault refuses the token: renew the file in RUTA_VAULT_TOKEN_FILE, and allow its policy to update {path}",
            path=path,
        )
    if status == 503:
        return KeysAway(
            "Vault is sealed: unseal it (RUTA_VAULT_URL); after that, keys open again without further steps"
        )
    return KeysAway("Vault cannot answer now (RUTA_VAULT_URL): status {status}", status=status)


def _name(key_id: str) -> str:
    return base64.b64encode(f"ruta/key-encryption-key/{key_id}".encode()).decode()
