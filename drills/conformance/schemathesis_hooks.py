"""Hooks that schemathesis loads in its own environment; they get a new token every five minutes."""

import os
from typing import Any

import requests
import schemathesis  # type: ignore[import-not-found]  # lives in an environment of its own


@schemathesis.auth(refresh_interval=300)
class ClientCredentials:
    """Authenticates as the client of RUTA_FUZZ_CLIENT and RUTA_FUZZ_SECRET at the tested gateway."""

    def get(self, _case: Any, _context: Any) -> str:
        answer = requests.post(
            f"{os.environ['RUTA_FUZZ_URL']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(os.environ["RUTA_FUZZ_CLIENT"], os.environ["RUTA_FUZZ_SECRET"]),
            timeout=30,
        )
        return str(answer.json()["access_token"])

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
