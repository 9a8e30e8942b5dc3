"""Sends the commands of a day of the demo's past, as clients that were offline do: in batches."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stack.demo.storyteller import Storyteller
from stack.errors import StackError
from stack.wording import said

CONNECTIONS = 3
MOST = 30
"""Commands that are done together: what belongs to the request and its commit is done once for so many."""
_INTAKE = 5
_BULK = "/referrals/v1/bulk"

Command = dict[str, Any]


def command(key: str, path: str, body: dict[str, Any]) -> Command:
    return {"key": key, "path": f"/referrals/v1/{path}", "body": body}


def send(tell: Storyteller, commands: Mapping[str, Sequence[Command]]) -> dict[str, Any]:
    """All batches of each client beside each other; returns the answers by key."""
    batches = [(client, each) for client, all_ in commands.items() for each in _batches(all_)]
    made: dict[str, Any] = {}
    with ThreadPoolExecutor(CONNECTIONS) as together:
        for answers in together.map(lambda batch: _send_one(tell, *batch), batches):
            made |= answers
    return made


def _send_one(tell: Storyteller, client: str, batch: Sequence[Command]) -> dict[str, Any]:
    answer = tell.call(
        said("{client} sends {number} commands of that day", client=client, number=len(batch)),
        *(client, "POST", _BULK),
        json={"commands": batch, "together": True},
        expect=200,
    )
    for result in answer["results"]:
        if result["status"] >= 300:
            raise StackError.passed_on(f"{result['key']}: {result['status']} {result['body']}")
    return {result["key"]: result["body"] for result in answer["results"]}


def _batches(commands: Sequence[Command]) -> Iterator[list[Command]]:
    """As few as hold them, and a person's intake in one."""
    batch: list[Command] = []
    for each in commands:
        begins = each["path"].endswith("/cases")
        if len(batch) == MOST or (begins and len(batch) > MOST - _INTAKE):
            yield batch
            batch = []
        batch.append(each)
    if batch:
        yield batch
