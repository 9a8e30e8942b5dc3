"""The running stack as seen by commands and tests: its URL, the demo clients' tokens, and its processes."""

import os
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from stack.embedded.layout import Layout, StackState
from stack.embedded.lock import holder
from stack.embedded.small import SmallDeployment
from stack.errors import StackError
from stack.private_files import read_private_map
from stack.texts import said

# Used only with `--url`, so that a secret for one deployment is never sent to another one.
TOKEN_VARIABLE = "RUTA_ACCESS_TOKEN"  # noqa: S105 -- the name of a variable
SECRET_VARIABLE = "RUTA_CLIENT_SECRET"  # noqa: S105 -- the name of a variable
CA_VARIABLE = "SSL_CERT_FILE"
_RENEW_BEFORE = 30.0


class RunningStack:
    """Sends requests to the gateway at `url`, as the demo clients of `layout`. For a deployment elsewhere, it uses the
    caller's environment (`given`): an access token, or the secret of the named client."""

    def __init__(self, url: str, layout: Layout, given: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self.layout = layout
        self._given = given or {}
        self.http = httpx.Client(
            base_url=self.url, timeout=60, trust_env=False, verify=_authorities(self.url)
        )
        self._tokens: dict[str, tuple[str, float]] = {}

    @property
    def data_dir(self) -> Path:
        return self.layout.root

    def secret(self, client: str) -> str:
        if (given := self._given.get(SECRET_VARIABLE)) is not None:
            return given
        secrets = read_private_map(self.layout.clients_file)
        if client not in secrets:
            known = ", ".join(sorted(secrets)) or said("there is none yet: start the stack once")
            raise StackError(
                "{root} has no demo client {client!r} (it has: {known}). For another system, use --url and put the client's secret in {secret}, or a token in {token}",
                client=client,
                root=self.layout.root,
                known=known,
                secret=SECRET_VARIABLE,
                token=TOKEN_VARIABLE,
            )
        return secrets[client]

    def token(self, client: str) -> str:
        """Return a client's access token. Renew it before it expires, unless the caller provided it."""
        if (given := self._given.get(TOKEN_VARIABLE)) is not None:
            return given
        token, until = self._tokens.get(client, ("", 0.0))
        if time.monotonic() < until:
            return token
        answer = self._send(
            "POST",
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client, self.secret(client)),
        )
        if answer.status_code != 200:
            raise StackError(
                "{client} did not get a token: HTTP {status} {answer}",
                client=client,
                status=answer.status_code,
                answer=answer.text[:200],
            )
        grant = answer.json()
        token = str(grant["access_token"])
        self._tokens[client] = (token, time.monotonic() + grant["expires_in"] - _RENEW_BEFORE)
        return token

    def request(
        self,
        client: str | None,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send one request as a demo client, or anonymously if `client` is None."""
        known = dict(headers or {})
        if client is not None:
            known["Authorization"] = f"Bearer {self.token(client)}"
        return self._send(method, path, headers=known, **options)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self.http.request(method, path, **options)
        except httpx.TransportError as error:
            if (why := _distrust(error)) is not None:
                raise StackError(
                    "the certificate of {url} is not trusted ({why}). Give the file of the CA that signed it: ./ruta --ca FILE …, or {variable}",
                    url=self.url,
                    why=why,
                    variable=CA_VARIABLE,
                ) from error
            raise StackError(
                "{url} is not responding ({error}): is the stack running? Check with ./ruta status",
                url=self.url,
                error=type(error).__name__,
            ) from error


def _authorities(url: str) -> ssl.SSLContext | bool:
    """Return the authorities in the file SSL_CERT_FILE, or else the HTTP client's defaults."""
    file = os.environ.get(CA_VARIABLE)
    if not file or not url.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:  # includes ssl.SSLError
        raise StackError(
            "{file} contains no readable certificate ({why})", file=file, why=error.strerror
        ) from error


def _distrust(error: BaseException) -> str | None:
    """Return why the server's certificate was rejected, or None for another error."""
    met: BaseException | None = error
    while met is not None and not isinstance(met, ssl.SSLCertVerificationError):
        met = met.__cause__ or met.__context__
    return met.verify_message if met is not None else None


def running_state(layout: Layout) -> StackState | None:
    """Return the state of the stack that holds the data directory, or None if there is none."""
    if (small := SmallDeployment.of(layout)) is not None:
        return small.state()
    state = StackState.read(layout)
    if state is None or state.pid != holder(layout):
        return None
    return state


def connect(data: Path | None = None, url: str | None = None) -> RunningStack:
    """Return the stack of `data` (default: RUTA_DATA or .ruta). Raise StackError if it is not running."""
    layout = Layout.of(data)
    if url is not None:
        return RunningStack(url, layout, os.environ)
    state = running_state(layout)
    if state is None:
        raise StackError(
            "no stack is running on {root}; start one with ./ruta up", root=layout.root
        )
    return RunningStack(state.url, layout)
