"""Loaded by schemathesis in its own environment: a fresh token for every five minutes."""

import os

import requests
import schemathesis


@schemathesis.auth(refresh_interval=300)
class ClientCredentials:
    """The client of RUTA_FUZZ_CLIENT and RUTA_FUZZ_SECRET, at the gateway under test."""

    def get(self, _case, _context):
        answer = requests.post(
            f"{os.environ['RUTA_FUZZ_URL']}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(os.environ["RUTA_FUZZ_CLIENT"], os.environ["RUTA_FUZZ_SECRET"]),
            timeout=30,
        )
        return answer.json()["access_token"]

    def set(self, case, data, _context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}
