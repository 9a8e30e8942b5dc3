"""A lost or wrong key stops the stack with one clear line, and the stack never creates the key again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from stack.embedded.layout import Layout
from stack.embedded.secrets import marked_key

from tests.support.system import System

pytestmark = [pytest.mark.system, pytest.mark.slow]
CASES = "/referrals/v1/cases"
Harm = Callable[[Layout], None]


def kek_gone(layout: Layout) -> None:
    (layout.keys / "referrals-kek.json").unlink()


def kek_another(layout: Layout) -> None:
    text = json.dumps({"active": "k1", "keys": {"k1": marked_key()}})
    (layout.keys / "referrals-kek.json").write_text(text)


def all_keys_gone(layout: Layout) -> None:
    shutil.rmtree(layout.keys)


def secrets_gone(layout: Layout) -> None:
    layout.secrets_file.unlink()


def secret(name: str, value: str | None) -> Harm:
    def harm(layout: Layout) -> None:
        known = json.loads(layout.secrets_file.read_text())
        known.pop(name)
        layout.secrets_file.write_text(json.dumps(known | ({name: value} if value else {})))

    return harm


def signing_keys_gone(layout: Layout) -> None:
    shutil.rmtree(layout.keys / "issuer")


def passwords_gone(layout: Layout) -> None:
    (layout.postgres / "passwords.json").unlink()


# The harm to the keys → the file or setting that the message must name.
HARMS: dict[str, tuple[Harm, str]] = {
    "the key-encryption keys are gone": (kek_gone, "referrals-kek.json"),
    "the key-encryption keys are others": (kek_another, "referrals-kek.json"),
    "all keys are gone": (all_keys_gone, "referrals-kek.json"),
    "the secrets are gone": (secrets_gone, "secrets.json"),
    "the blind index key is gone": (secret("blind_index_key", None), "blind_index_key"),
    "the blind index key is another": (
        secret("blind_index_key", marked_key()),
        "RUTA_BLIND_INDEX_KEY",
    ),
    "the rounding key is another": (secret("rounding_key", marked_key()), "RUTA_ROUNDING_KEY"),
    "the pseudonym key is another": (secret("pseudonym_key", marked_key()), "RUTA_PSEUDONYM_KEY"),
    "the issuer's key is another": (
        secret("issuer_stored_result_key", marked_key()),
        "RUTA_STORED_RESULT_KEY",
    ),
    "the signing keys are gone": (signing_keys_gone, "issuer"),
    "the passwords of the databases are gone": (passwords_gone, "passwords.json"),
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[System, str]:
    """Return a stopped stack with one case."""
    system = System(tmp_path_factory.mktemp("lost"))
    system.up()
    answer = system.running.request(
        "ngo-refugio",
        "POST",
        CASES,
        json={"identity": {"name": "Persona Ficticia"}, "area": "VE2313"},
        headers={"Idempotency-Key": f'"{uuid4()}"'},
    )
    assert answer.status_code == 201, answer.text
    system.down()
    return system, answer.json()["id"]


def files_of(layout: Layout) -> dict[Path, bytes]:
    keys = (
        [path for path in layout.keys.rglob("*") if path.is_file()] if layout.keys.exists() else []
    )
    return {path: path.read_bytes() for path in (*keys, layout.secrets_file) if path.exists()}


@pytest.mark.parametrize("name", HARMS)
def test_the_stack_does_not_start(stopped: tuple[System, str], tmp_path: Path, name: str) -> None:
    system, _ = stopped
    layout, (harm, named) = system.layout, HARMS[name]
    for source in (layout.keys, layout.secrets_file, layout.postgres / "passwords.json"):
        copy = tmp_path / source.name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy2(source, copy)
    harm(layout)
    before = files_of(layout)
    try:
        refused = system.ruta("up", "--detach", "--port", "0", check=False)
        assert refused.returncode == 1
        (line,) = refused.stderr.strip().splitlines()
        assert named in line
        assert "Nothing was changed" in line
        made = {p.name for p in files_of(layout).keys() - before.keys()}
        assert made <= {".lock"}, "a key was made anew"
        assert {p: c for p, c in files_of(layout).items() if p in before} == before
    finally:
        shutil.rmtree(layout.keys, ignore_errors=True)
        shutil.copytree(tmp_path / "keys", layout.keys)
        shutil.copy2(tmp_path / "secrets.json", layout.secrets_file)
        shutil.copy2(tmp_path / "passwords.json", layout.postgres / "passwords.json")


def test_with_the_keys_put_back_it_starts_and_opens_the_case(stopped: tuple[System, str]) -> None:
    system, case = stopped
    system.up()
    try:
        answer = system.running.request("ngo-refugio", "GET", f"{CASES}/{case}")
        assert answer.json()["identity"]["name"] == "Persona Ficticia"
        # While the stack runs, neither old nor new cases work, and readiness gives the reason.
        kek = system.layout.keys / "referrals-kek.json"
        right = kek.read_bytes()
        kek_another(system.layout)
        new = system.running.request(
            "ngo-refugio",
            "POST",
            CASES,
            json={"identity": {"name": "Persona Segunda"}, "area": "VE2313"},
            headers={"Idempotency-Key": f'"{uuid4()}"'},
        )
        assert new.status_code == 503, new.text
        told = system.ruta("doctor", check=False)
        assert told.returncode == 1
        assert "referrals-kek.json" in told.stdout
        kek.write_bytes(right)
        again = system.running.request("ngo-refugio", "GET", f"{CASES}/{case}")
        assert again.status_code == 200
    finally:
        system.down()


def test_a_key_that_is_lost_for_good_is_given_up_only_knowingly(
    stopped: tuple[System, str],
) -> None:
    """This test must stay last, because it loses this stack's case."""
    system, case = stopped
    kek_another(system.layout)
    secret("pseudonym_key", None)(system.layout)
    unknown = system.ruta("keys", "accept", "RUTA_NONE", check=False)
    assert "RUTA_PSEUDONYM_KEY" in unknown.stderr, "it names those that there are"
    refused = system.ruta("keys", "accept", "key-encryption-keys", check=False)
    assert "--give-up-cases" in refused.stderr
    system.ruta("keys", "accept", "RUTA_PSEUDONYM_KEY")
    told = system.ruta("keys", "accept", "key-encryption-keys", "--give-up-cases").stdout
    assert "1 case keys were given up" in told
    system.up()
    try:
        gone = system.running.request("ngo-refugio", "GET", f"{CASES}/{case}")
        assert gone.status_code == 410, "as after an erasure, not an error"
        made = system.running.request(
            "ngo-refugio",
            "POST",
            CASES,
            json={"identity": {"name": "Persona Nueva"}, "area": "VE2313"},
            headers={"Idempotency-Key": f'"{uuid4()}"'},
        )
        assert made.status_code == 201, made.text
    finally:
        system.down()
