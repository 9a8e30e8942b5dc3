"""Plays steps over HTTP, prints each step with its call, and stops at the first failure."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
from rich.console import Console
from rich.text import Text

from stack.embedded.connection import RunningStack
from stack.errors import StackError
from stack.texts import said

_TROUBLE = (429, 502, 503, 504)
_NOT_YET = '"not_referable"'
_RETRY_SECONDS = 60.0
_BUSY_SECONDS = 300.0
"""How long to repeat a request that a busy machine did not answer in time. It continues to work on it and answers a
repetition."""
_PATIENCE_SECONDS = 120.0
# Publishing renders every form of a bulletin, which takes minutes on a busy machine.
_TIMEOUT = httpx.Timeout(300, connect=10)
_LONGEST_PAUSE = 3.0


class StepFailed(StackError):
    """A step of the story failed. The message names the step and the actual response."""


class Storyteller:
    """Plays steps. For tests, `log` receives every call as (client, method, path, status)."""

    def __init__(self, running: RunningStack, terminal: Console) -> None:
        self._running = running
        self._terminal = terminal
        self.steps = 0
        self.log: list[tuple[str, str, str, int]] = []

    def chapter(self, title: str) -> None:
        self._terminal.print(Text(f"\n{title}", style="bold"))

    def call(
        self,
        step: str,
        client: str | None,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...],
        params: dict[str, Any] | None = None,
        json: Any = None,
        if_match: str | None = None,
    ) -> Any:
        """Send a call that must return `expect`, and return the body (None if empty). A mutation has an
        Idempotency-Key. While a process restarts, the call is repeated with the same key, so that restarts do not
        change the story."""
        expected = (expect,) if isinstance(expect, int) else expect
        answer = self._answer(client, method, path, params=params, json=json, if_match=if_match)
        held = answer.status_code in expected
        self._show(step, client, answer, held=held)
        if not held:
            raise StepFailed(
                "{step}: expected HTTP {wanted}, got {answer}",
                step=step,
                wanted=", ".join(str(code) for code in expected),
                answer=_told(answer),
            )
        return answer.json() if answer.content else None

    def holds(self, step: str, holds: bool, otherwise: object = "") -> None:
        """Check that a fact about the response holds."""
        self.steps += 1
        self._line("✓" if holds else "✗", step, "", good=holds)
        if not holds:
            raise StepFailed.passed_on(f"{step}: {otherwise or said('it does not')}")

    def eventually(
        self, step: str, look: Callable[[], bool], seconds: float = _PATIENCE_SECONDS
    ) -> None:
        """Wait until a fact becomes true, after the events have arrived."""
        began = time.monotonic()
        pause = 0.2
        while not look():
            if time.monotonic() - began > seconds:
                raise StepFailed(
                    "{step}: it did not happen within {seconds:.0f} s", step=step, seconds=seconds
                )
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        self.steps += 1
        after = said("after {seconds:.1f} s", seconds=time.monotonic() - began)
        self._line("✓", step, after, good=True)

    def get(self, client: str | None, path: str, params: dict[str, Any] | None = None) -> Any:
        """Read data without counting it as a step."""
        answer = self._answer(client, "GET", path, params=params, json=None)
        if answer.status_code != 200:
            raise StepFailed("GET {path}: got {answer}", path=path, answer=_told(answer))
        return answer.json()

    def _answer(
        self,
        client: str | None,
        method: str,
        path: str,
        *,
        params: Any,
        json: Any,
        if_match: str | None = None,
    ) -> httpx.Response:
        headers = {} if method == "GET" else {"Idempotency-Key": f'"{uuid4()}"'}
        if if_match is not None:
            headers["If-Match"] = if_match
        began = time.monotonic()
        pause = 0.2
        while True:
            answer = self._try(client, method, path, params=params, json=json, headers=headers)
            done = answer is not None and not _passes(answer)
            busy = answer is not None and answer.status_code == 504
            over = time.monotonic() - began > (_BUSY_SECONDS if busy else _RETRY_SECONDS)
            if answer is not None and (done or over):
                self.log.append((client or "anonymous", method, path, answer.status_code))
                return answer
            if over:
                raise StepFailed(
                    "{method} {path}: no answer within {seconds:.0f} s",
                    method=method,
                    path=path,
                    seconds=_RETRY_SECONDS,
                )
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _try(
        self, client: str | None, method: str, path: str, **options: Any
    ) -> httpx.Response | None:
        try:
            return self._running.request(client, method, path, timeout=_TIMEOUT, **options)
        except StackError:  # no connection: the gateway may be restarting
            return None

    def _show(self, step: str, client: str | None, answer: httpx.Response, *, held: bool) -> None:
        self.steps += 1
        target = answer.request.url.raw_path.decode()
        call = f"{client or 'anonymous'}: {answer.request.method} {target} → {answer.status_code}"
        self._line("✓" if held else "✗", step, call, good=held)

    def _line(self, mark: str, step: str, call: str, *, good: bool) -> None:
        if self._terminal.quiet:  # rich would wrap it anyway
            return
        self._terminal.print(
            Text.assemble(
                (f"{mark} ", "green" if good else "bold red"),
                f"{self.steps:>3}  {step}",
                (f"\n       {call}" if call else "", "dim"),
            )
        )


def _passes(answer: httpx.Response) -> bool:
    """Return whether to retry, because a process is restarting or the event that makes a service available has not
    arrived yet."""
    if answer.status_code == 409:
        return bool(_NOT_YET in answer.text)
    return answer.status_code in _TROUBLE


def _told(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"HTTP {answer.status_code}"
    if not isinstance(problem, dict):
        return f"HTTP {answer.status_code}"
    parts = [str(problem[key]) for key in ("code", "detail", "errors") if problem.get(key)]
    return f"HTTP {answer.status_code}: {' · '.join(parts)[:600]}"
