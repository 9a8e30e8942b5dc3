"""What a service's broker account can do with raw calls. It can publish under no other name and read nothing else.

Each account tries everything that JetStream offers; then the operator compares the streams and their content.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from common.events.readers import READ_BY
from common.messaging.broker_streams import arrange
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, RePublish
from stack.embedded import arrows
from stack.embedded.nats import NatsServer, stored_credentials

from tests.common.test_messaging import until
from tests.stack.test_nats import FORBIDDEN_SECONDS, user
from tests.support.broker_order import told_the_server

pytestmark = pytest.mark.laborious

_KEPT = b'{"said": "by-another-7f3a"}'
_FORGED = b'{"said": "by-a-forger"}'
Attempt = tuple[str, object]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    folder: Path = tmp_path_factory.mktemp("forging")
    made = NatsServer(folder / "nats", stored_credentials(folder / "nats.json"), durable=False)
    made.start()
    yield made
    made.stop()


def _victims(forger: str) -> list[tuple[str, str]]:
    """Return other services' streams, each with a subject that some service reads."""
    return [
        (
            producer,
            next((kinds[0].SUBJECT for kinds in readers.values()), f"ruta.{producer}.a.b.v1"),
        )
        for producer, readers in READ_BY.items()
        if producer != forger
    ]


def _attempts(forger: str) -> Iterator[Attempt]:
    own, mine = arrows.stream(forger), f"ruta.{forger}.>"
    yield f"STREAM.PURGE.{own}", {}
    yield f"STREAM.DELETE.{own}", {}
    yield f"STREAM.MSG.DELETE.{own}", {"seq": 1}
    yield f"STREAM.SNAPSHOT.{own}", {"deliver_subject": f"_INBOX.{forger}.snapshot"}
    for producer, victim in _victims(forger):
        foreign, source = arrows.stream(producer), {"name": arrows.stream(producer)}
        for verb, name in (("UPDATE", own), ("CREATE", own), ("CREATE", "MINE")):
            stream = {"name": name, "subjects": [mine], "storage": "file"}
            yield f"STREAM.{verb}.{name}", stream | {"republish": {"src": mine, "dest": victim}}
            yield f"STREAM.{verb}.{name}", stream | {"subjects": [mine, victim]}
            yield f"STREAM.{verb}.{name}", stream | {"sources": [source]}
            transform = {"src": mine, "dest": f"ruta.{producer}.>"}
            yield f"STREAM.{verb}.{name}", stream | {"subject_transform": transform}
        yield "STREAM.CREATE.MINE", {"name": "MINE", "mirror": source, "storage": "file"}
        yield f"STREAM.UPDATE.{foreign}", {"name": foreign, "subjects": [victim]}
        for verb in ("PURGE", "DELETE"):
            yield f"STREAM.{verb}.{foreign}", {}
        yield f"STREAM.MSG.DELETE.{foreign}", {"seq": 1}
        yield f"STREAM.MSG.GET.{foreign}", {"seq": 1}
        yield f"STREAM.RESTORE.{foreign}", {"config": {"name": foreign, "subjects": [victim]}}
        yield f"DIRECT.GET.{foreign}", {"seq": 1}
        for stream_of in (own, foreign):
            for name in (forger, "other", "reporting", "referrals"):
                config = {"durable_name": name, "ack_policy": "none", "deliver_subject": victim}
                wanted = {"stream_name": stream_of, "config": config}
                yield f"CONSUMER.CREATE.{stream_of}.{name}", wanted
                yield f"CONSUMER.CREATE.{stream_of}.{name}.{victim}", wanted
                yield f"CONSUMER.DURABLE.CREATE.{stream_of}.{name}", wanted
                yield f"CONSUMER.PAUSE.{stream_of}.{name}", {"pause_until": "2999-01-01T00:00:00Z"}
                yield f"CONSUMER.DELETE.{stream_of}.{name}", {}
                if (name, stream_of) != (forger, foreign):
                    yield f"CONSUMER.MSG.NEXT.{stream_of}.{name}", {"batch": 9, "no_wait": True}
            yield f"CONSUMER.CREATE.{stream_of}", {"stream_name": stream_of, "config": {}}


def _published(forger: str) -> Iterator[tuple[str, str]]:
    """Yield subjects outside JetStream's API, each with the place of a possible effect."""
    for producer, victim in _victims(forger):
        foreign = arrows.stream(producer)
        yield victim, ""
        # Subjects of another account to which the server itself responds or delivers.
        for allowed in arrows.permissions(forger)["publish"]:
            yield allowed.replace(">", "thing.done.v1"), victim
        yield f"$JS.ACK.{foreign}.other.1.1.1.1.0", ""
        yield f"$JS.FC.{foreign}.other.x", ""
    yield "$SYS.REQ.SERVER.PING", f"_INBOX.{forger}.ping"
    yield "$SYS.REQ.ACCOUNT.RUTA.CONNZ", f"_INBOX.{forger}.connections"
    yield "$SYS.REQ.SERVER.X.RELOAD", f"_INBOX.{forger}.reload"


async def _state(operator: Client) -> dict[str, Any]:
    """Return the streams with their settings, content and consumers."""
    jetstream = operator.jetstream()
    found: dict[str, Any] = {}
    for info in await jetstream.streams_info():
        readers = await jetstream.consumers_info(str(info.config.name))
        found[str(info.config.name)] = (
            info.config.as_dict(),
            {reader.name: reader.config.as_dict() for reader in readers},
            (info.state.first_seq, info.state.last_seq, info.state.messages),
        )
    return found


@pytest.mark.parametrize("forger", arrows.USERS)
async def test_no_account_writes_in_another_s_name_or_reads_what_it_is_not_given(
    server: NatsServer, forger: str
) -> None:
    for producer in arrows.PRODUCERS:
        async with user(server, producer) as client:
            await client.jetstream().publish(f"ruta.{producer}.kept.private.v1", _KEPT)
    heard: list[bytes] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data)

    async with user(server, arrows.OPERATOR) as operator, user(server, forger) as client:
        before = await _state(operator)
        own = arrows.stream(forger)
        await client.subscribe(f"_INBOX.{forger}.>", cb=hear)
        for subject in (">", "ruta.>", "$JS.>", "$SYS.>", "_INBOX.>", "_R_.>"):
            await client.subscribe(subject, cb=hear)
        for question, wanted in _attempts(forger):
            body = json.dumps(wanted).encode()
            await client.publish(f"$JS.API.{question}", body, f"_INBOX.{forger}.tried")
        for subject, answer in _published(forger):
            await client.publish(subject, _FORGED, answer)
        await told_the_server(client)
        await asyncio.sleep(FORBIDDEN_SECONDS)
        for producer, victim in _victims(forger):  # Events that the owner publishes.
            async with user(server, producer) as another:
                await another.jetstream().publish(victim, _KEPT)
        await asyncio.sleep(FORBIDDEN_SECONDS)
        after = await _state(operator)
    assert after.keys() == before.keys(), "no stream came or went"
    for name, (config, readers, (first, last, messages)) in before.items():
        ours = name == own
        assert after[name][0] == config, f"{name} is what it was"
        assert after[name][1] == readers, f"{name} has the readers that it had"
        assert after[name][2][0] == first
        if not ours:
            assert after[name][2][1:] == (last + 1, messages + 1), f"{name}: its owner's word alone"
    assert not [data for data in heard if b"by-another" in data], "read what it was not given"


async def test_what_was_forged_before_ends_when_the_operator_makes_the_streams(
    server: NatsServer,
) -> None:
    """An older release allowed a service to forge these streams. The operator's own calls show that such calls work."""
    own, victim = arrows.stream("reporting"), READ_BY["directory"]["referrals"][0].SUBJECT
    async with user(server, arrows.OPERATOR) as operator, user(server, "reporting") as forger:
        jetstream = operator.jetstream()
        before = await _state(operator)
        changed = (await jetstream.stream_info(own)).config
        changed.republish = RePublish(src="ruta.reporting.x", dest=victim)
        await jetstream.update_stream(changed)
        planted = ConsumerConfig(durable_name="planted", deliver_subject=victim)
        await jetstream.add_consumer(own, planted)
        await forger.jetstream().publish("ruta.reporting.x", b"forged")
        reached = arrows.stream("directory")

        async def has_grown() -> bool:
            return bool((await _state(operator))[reached][2] != before[reached][2])

        await until(has_grown)
        limit = before[own][0]["max_bytes"]
        await arrange(jetstream, replicas=1, max_bytes=limit)
        now = await _state(operator)
        assert now[own][:2] == before[own][:2]
        await forger.jetstream().publish("ruta.reporting.x", b"forged")
        await asyncio.sleep(FORBIDDEN_SECONDS)
        assert (await _state(operator))[reached][2] == now[reached][2]


async def test_the_server_refuses_what_is_not_allowed_and_says_so(server: NatsServer) -> None:
    async with user(server, "reporting") as client:
        with pytest.raises(nats.errors.TimeoutError):
            await client.jetstream(timeout=FORBIDDEN_SECONDS).purge_stream(
                arrows.stream("reporting")
            )
    assert "Publish Violation" in server.log_file.read_text()
