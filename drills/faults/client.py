"""One partner's system: it sends batches through the gateway and repeats them with the same keys."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import aiohttp
import orjson

from drills.faults.batches import V1, Asked
from drills.faults.history import History, Outcome
from drills.faults.payloads import differences

_REPEAT = frozenset({401, 429, 503, 504})
_LONGEST_PAUSE = 1.0
_IN_FLIGHT = "idempotency_in_flight"
# Permitted responses of a stack under faults. Any other 5xx is a finding.
_EXCUSED = frozenset({503, 504})


class Tokens:
    """Access tokens of the demo clients, renewed before they expire."""

    def __init__(self, session: aiohttp.ClientSession, url: str, secrets: dict[str, str]) -> None:
        self._session, self._url, self._secrets = session, url, secrets
        self._tokens: dict[str, tuple[str, float]] = {}

    async def of(self, client: str) -> str:
        token, until = self._tokens.get(client, ("", 0.0))
        if time.monotonic() < until:
            return token
        async with self._session.post(
            f"{self._url}/oauth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": aiohttp.encode_basic_auth(client, self._secrets[client])},
        ) as answer:
            if answer.status != 200:
                raise aiohttp.ClientError(f"no token: {answer.status}")
            grant = await answer.json()
        self._tokens[client] = (grant["access_token"], time.monotonic() + 240)
        return str(grant["access_token"])

    def move_to(self, url: str) -> None:
        self._url = url
        self._tokens.clear()

    def forget(self, client: str) -> None:
        self._tokens.pop(client, None)


class Sender:
    """Repeats each request until it gets a response or is abandoned, and records the responses."""

    def __init__(self, url: str, secrets: dict[str, str], history: History, seed: int) -> None:
        self._url = url
        self._history = history
        self._rng = random.Random(f"sender {seed}")
        self.statuses: Counter[str] = Counter()
        self.answered = 0
        self.acknowledged = 0
        self.last_acknowledged = time.monotonic()
        self.sending = asyncio.Event()
        self.sending.set()
        self.given_up: list[list[Asked]] = []
        # Commands per second that may begin, or None to send as fast as responses arrive.
        self.per_second: float | None = None
        self._next_turn = 0.0
        # (time of the response, duration of the request in seconds, number of its commands)
        self.durations: list[tuple[float, float, int]] = []
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=20),
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=15),
            json_serialize=lambda body: orjson.dumps(body).decode(),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self.tokens = Tokens(self._session, url, secrets)

    def move_to(self, url: str) -> None:
        """Use a new address, because the stack has restarted there."""
        self._url = url
        self.tokens.move_to(url)

    async def close(self) -> None:
        await self._session.close()

    async def run(self, batch: list[Asked], patience: float = 25.0) -> None:
        """Send a batch; abandon commands that have no response after `patience` seconds."""
        self._history.commands += [asked.command for asked in batch if not asked.command.attempts]
        await self._turn(len(batch))
        waiting, began = batch, time.monotonic()
        gives_up = self._rng.random() < 0.05
        while waiting:
            await self.sending.wait()
            waiting = await self._attempt(waiting)
            late = time.monotonic() - began > patience
            if waiting and (late or gives_up):
                self.given_up.append(waiting)
                return
            if waiting:
                await asyncio.sleep(self._rng.uniform(0.1, _LONGEST_PAUSE))

    async def at_once(self, asked: Asked, times: int) -> None:
        """Send one command with one key `times` at once. It must run once, and every successful response must be the
        same."""
        command = asked.command
        self._history.commands.append(command)
        command.attempts += 1
        results = await asyncio.gather(
            *(
                self._post(command.client, asked.path, asked.body, command.key)
                for _ in range(times)
            ),
            return_exceptions=True,
        )
        answers = [each for each in results if not isinstance(each, BaseException)]
        for status, body in answers:
            self._note(status, body)
        told = [body for status, body in answers if status < 300]
        if len({body["id"] for body in told}) > 1:
            self._history.misread.append(f"{command.kind}: one key at once told of several things")
        self._history.sent_at_once += 1
        if told:
            self.answered += 1
            self._acknowledge(asked, told[0])
        else:
            await self.run([asked])

    async def read_back(self, asked: Asked, patience: float = 60.0) -> None:
        """Check that the sender can read an acknowledged change at once, as sent."""
        command = asked.command
        if command.outcome is not Outcome.ACKNOWLEDGED:
            return
        path, until = f"{asked.path}/{command.made}", time.monotonic() + patience
        while time.monotonic() < until:
            try:
                headers = {"Authorization": f"Bearer {await self.tokens.of(command.client)}"}
                async with self._session.get(self._url + path, headers=headers) as answer:
                    status, content = answer.status, await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError):
                status = 503
            if status == 401:
                self.tokens.forget(command.client)
            if status not in _REPEAT:
                self._history.read_back += 1
                read = orjson.loads(content) if status == 200 else {}
                if unlike := ", ".join(differences(asked.body, read)):
                    self._history.misread.append(
                        f"{command.kind} {command.made} was read with {status} unlike it was sent: {unlike}"
                    )
                return
            await asyncio.sleep(self._rng.uniform(0.1, _LONGEST_PAUSE))

    async def _turn(self, commands: int) -> None:
        """Wait until the rate limit allows this many commands."""
        if self.per_second is None:
            return
        now = time.monotonic()
        self._next_turn = max(self._next_turn, now) + commands / self.per_second
        await asyncio.sleep(self._next_turn - now)

    async def _attempt(self, batch: list[Asked]) -> list[Asked]:
        """Send the batch and return the commands that must be sent again."""
        client, began = batch[0].command.client, time.monotonic()
        for asked in batch:
            asked.command.attempts += 1
        try:
            if len(batch) == 1 and "${" not in batch[0].path:
                status, answer = await self._post(
                    client, batch[0].path, batch[0].body, batch[0].command.key
                )
                results = [(status, answer)]
            else:
                status, answer = await self._post(client, f"{V1}/bulk", _bulk(batch), None)
                if status != 200:
                    self._note(status, answer)
                    return batch
                results = [(each["status"], each["body"]) for each in answer["results"]]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.statuses[type(error).__name__] += 1
            return batch
        now = time.monotonic()
        self.durations.append((now, now - began, len(batch)))
        return self._settle(batch, results)

    async def _post(
        self, client: str, path: str, body: dict[str, Any], key: str | None
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {await self.tokens.of(client)}"}
        if key is not None:
            headers["Idempotency-Key"] = f'"{key}"'
        async with self._session.post(self._url + path, json=body, headers=headers) as answer:
            content = await answer.read()
            if answer.status == 401:
                self.tokens.forget(client)
            return answer.status, orjson.loads(content) if content else None

    def _settle(self, batch: list[Asked], results: list[tuple[int, Any]]) -> list[Asked]:
        again: list[Asked] = []
        unsettled: set[str] = set()
        for asked, (status, body) in zip(batch, results, strict=True):
            self._note(status, body)
            depends = status == 424 and unsettled.intersection(asked.needs)
            if depends or status >= 500 or status in _REPEAT or _in_flight(status, body):
                unsettled.add(asked.command.key)
                again.append(asked)
                continue
            self.answered += 1
            if status < 300:
                self._acknowledge(asked, body)
            elif asked.command.outcome is Outcome.ACKNOWLEDGED:
                self._history.wrong_answers.append(
                    f"{asked.command.kind} answered {_code(status, body)} after an acknowledgement"
                )
            elif _is_gone(status, body):
                pass  # The command was executed but its response was lost, which explains one change.
            else:
                asked.command.outcome = Outcome.REFUSED
                asked.command.refusal = _code(status, body)
        return _with_what_they_name(batch, again)

    def _acknowledge(self, asked: Asked, body: dict[str, Any]) -> None:
        command = asked.command
        if command.outcome is Outcome.ACKNOWLEDGED:
            return  # This command already has a response; it is resent only because others refer to it.
        command.outcome = Outcome.ACKNOWLEDGED
        command.made, command.version = body["id"], body.get("version", 1)
        self.acknowledged += 1
        self.last_acknowledged = time.monotonic()
        if command.kind == "consent.withdraw":
            command.ends = tuple(body["referrals_ended"])
        if command.kind == "referral.withdraw" and body["state"] != "withdrawn":
            # The referral had already ended, so only the consent was withdrawn.
            command.kind, command.made, command.version = "consent.withdraw", body["grant_id"], 2
            command.ends = ()
        referral = asked.referral
        if referral is None or not command.kind.startswith(("referral.", "transfer.")):
            return
        referral.id = body["id"]
        if body["state"] == "on_hold":
            referral.before_hold = referral.state
        referral.state = body["state"]
        if command.kind == "referral.send":
            referral.grant = body["grant_id"] or ""

    def _note(self, status: int, body: Any) -> None:
        self.statuses[str(status)] += 1
        if status >= 500 and status not in _EXCUSED:
            code = body.get("code") if isinstance(body, dict) else ""
            self._history.wrong_answers.append(f"HTTP {status} {code}: {str(body)[:300]}")


def _code(status: int, body: Any) -> str:
    return f"{status} {body.get('code')}" if isinstance(body, dict) else str(status)


def _is_gone(status: int, body: Any) -> bool:
    return status == 410 and isinstance(body, dict) and body.get("code") == "answer_gone"


def _in_flight(status: int, body: Any) -> bool:
    return status == 409 and isinstance(body, dict) and body.get("code") == _IN_FLIGHT


def _with_what_they_name(batch: list[Asked], again: list[Asked]) -> list[Asked]:
    """Return `again` after all commands to which it refers, directly or not; their responses stay the same."""
    wanted = {asked.command.key for asked in again}
    for asked in reversed(batch):
        if asked.command.key in wanted:
            wanted.update(asked.needs)
    return [asked for asked in batch if asked.command.key in wanted]


def _bulk(batch: list[Asked]) -> dict[str, Any]:
    return {
        "commands": [
            {"key": asked.command.key, "path": asked.path, "body": asked.body} for asked in batch
        ]
    }
