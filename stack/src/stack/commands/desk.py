"""API calls that commands make as a chosen client of a chosen stack."""

import functools
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from stack.commands.options import Data, Url
from stack.embedded.connection import connect
from stack.errors import StackError

_PATIENCE = httpx.Timeout(600, connect=10)


class Desk:
    """The API as seen by one client."""

    def __init__(self, client: str, data: Path | None, url: str | None) -> None:
        self._client = client
        self._stack = connect(data, url)

    def ask(
        self, method: str, path: str, *, refused: bool = False, **options: Any
    ) -> httpx.Response:
        """Return the response. Raise StackError with the problem of an unsuccessful response, unless `refused` is
        True."""
        answer = self._stack.request(self._client, method, path, timeout=_PATIENCE, **options)
        return answer if refused else self.checked(answer)

    @staticmethod
    def checked(answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
        except json.JSONDecodeError:
            problem = {"detail": answer.text[:500]}
        wrong = "".join(f"\n  {e['pointer']}: {e['detail']}" for e in problem.get("errors", ()))
        code = f" {problem['code']}" if "code" in problem else ""
        said = f"HTTP {answer.status_code}{code}: {problem.get('detail', '')}{wrong}"
        raise StackError.passed_on(said)

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, params=query).json()

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a command and return the response body, or None if it is empty."""
        answer = self.ask(method, path, json={} if body is None else body, **options)
        return answer.json() if answer.content else None

    def pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page by page."""
        cursor: dict[str, Any] = {}
        while True:
            page = self.get(path, **query, **cursor)
            yield from page["items"]
            if page.get("next_cursor") is None:
                return
            cursor = {"cursor": page["next_cursor"]}


def as_client(
    client: str | None = "im-officer", who: str = "The demo client that runs this command"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add `--as`, `--data` and `--url` to a command and pass it a `Desk` instead."""

    def asked(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command)
        option = {"kind": inspect.Parameter.KEYWORD_ONLY}
        parameters = [
            *(each for each in own.parameters.values() if each.name != "desk"),
            inspect.Parameter(
                "client",
                **option,
                default=client or inspect.Parameter.empty,
                annotation=Annotated[str, typer.Option("--as", help=who)],
            ),
            inspect.Parameter("data", **option, default=None, annotation=Data),
            inspect.Parameter("url", **option, default=None, annotation=Url),
        ]

        @functools.wraps(command)
        def run(client: str, data: Path | None, url: str | None, **given: Any) -> None:
            command(Desk(client, data, url), **given)

        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return asked
