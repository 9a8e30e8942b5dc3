"""Sends malformed requests to a running front and reports the responses.

python -m tests.attacks.fuzz --requests 100000 --seed 7

It starts a gateway of real processes and prints the statuses. It exits with 1 if the front returned 5xx, died, or
passed a request without a valid internal token to a service.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from stack.embedded.postgres import PostgresServer

from tests.attacks.mutations import request
from tests.gateway.whole_gateway import Gateway, running_gateway

_AT_ONCE = 48
_SILENCE_SECONDS = 0.25


@dataclass
class Outcome:
    """The outcome of a run. `failures` contains the requests, as sent, to which the front responded with 5xx."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[bytes, bytes]] = field(default_factory=list)


async def fuzz(port: int, token: str, *, requests: int, seed: int) -> Outcome:
    """Send `requests` mutations from seed `seed`. Status 0 means that the connection closed without a response."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable run, no secret
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=_AT_ONCE * 2)
    outcome = Outcome()

    async def attack() -> None:
        while (data := await waiting.get()) is not None:
            answer = await _send(port, data)
            status = _status(answer)
            outcome.statuses[status] += 1
            if status >= 500 or b" 500 " in answer[:20]:
                outcome.failures.append((data, answer[:400]))

    attackers = [asyncio.create_task(attack()) for _ in range(_AT_ONCE)]
    for _ in range(requests):
        await waiting.put(request(chance, token.encode()))
    for _ in attackers:
        await waiting.put(None)
    await asyncio.gather(*attackers)
    return outcome


async def _send(port: int, data: bytes) -> bytes:
    received = b""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return b"refused"
    try:
        writer.write(data)
        while chunk := await asyncio.wait_for(reader.read(65536), _SILENCE_SECONDS):
            received += chunk
    except (TimeoutError, OSError):
        pass
    finally:
        writer.close()
    return received


def _status(answer: bytes) -> int:
    parts = answer.split(b" ", 2)
    if answer == b"refused":
        return 599
    return int(parts[1]) if answer.startswith(b"HTTP/1.1 ") and len(parts) == 3 else 0


def verdict(gateway: Gateway, outcome: Outcome) -> list[str]:
    """Return the problems, one line each."""
    wrong = [f"5xx: {data!r} -> {answer!r}" for data, answer in outcome.failures[:5]]
    for service in gateway.witnesses:
        counts = gateway.counts(service)
        if counts["unauthenticated"]:
            wrong.append(f"{service}: {counts['unauthenticated']} unauthenticated requests")
    front = gateway.processes["front"].running
    if front is None or front.poll() is not None:
        wrong.append("the front died")
    # uvicorn also reports interrupted responses, and the front interrupts some on purpose (app.py).
    complaints = ("front_failed", "Traceback", "Exception in ASGI")
    lines = gateway.log_of("front").splitlines()
    bad = [line for line in lines if any(complaint in line for complaint in complaints)]
    return wrong + [f"the front logged: {line}" for line in bad[:5]]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = PostgresServer(Path(folder) / "postgres", durable=False)
        postgres.start()
        try:
            with running_gateway(postgres, Path(folder), database="issuer_fuzz") as gateway:
                outcome = asyncio.run(
                    fuzz(
                        gateway.port,
                        gateway.token(),
                        requests=chosen.requests,
                        seed=chosen.seed,
                    )
                )
                wrong = verdict(gateway, outcome)
                seen = {service: gateway.counts(service)["seen"] for service in gateway.witnesses}
        finally:
            postgres.stop(immediate=True)
    print(f"seed {chosen.seed}, {chosen.requests} requests")  # noqa: T201 - a command's output
    print("statuses", dict(sorted(outcome.statuses.items())), "reached services", seen)  # noqa: T201 - as above
    print("\n".join(wrong) or "nothing went wrong")  # noqa: T201 - as above
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
