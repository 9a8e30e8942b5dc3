"""Continues without a lost key, and deliberately gives up the data that the key sealed."""

import json

from common.crypto import check_value

from stack.embedded.layout import Layout
from stack.embedded.postgres import PostgresServer
from stack.embedded.secrets import KEY_STORE, NAMES
from stack.embedded.small import refuse_small
from stack.errors import StackError
from stack.operate.offline_commands import StoppedCommands
from stack.texts import said

KEY_ENCRYPTION_KEYS = "key-encryption-keys"
TOKEN_SIGNING_KEYS = "token-signing-keys"  # noqa: S105 -- a name, no key


def accept_another_key(layout: Layout, key: str, *, give_up_cases: bool = False) -> str:
    """Forget the check value of a key, so that the next start records the key that it finds or creates. Return the
    consequence. Raise StackError for an unknown name, and for case keys unless the caller gives up those cases."""
    settings = {use[1] for use in NAMES.values() if use is not None}
    if key not in {*settings, KEY_ENCRYPTION_KEYS, TOKEN_SIGNING_KEYS}:
        known = ", ".join(sorted({*settings, KEY_ENCRYPTION_KEYS, TOKEN_SIGNING_KEYS}))
        raise StackError("there is no key {key!r}; the keys are: {known}", key=key, known=known)
    if key == KEY_ENCRYPTION_KEYS and not give_up_cases:
        raise StackError(
            "without the key-encryption key, nobody can open any case. If it is in no backup and no vault, --give-up-cases erases those cases for good and allows new ones"
        )
    refuse_small(layout, said("do it as on a cluster (docs/operate.md, lost keys)"))
    server = PostgresServer(layout.postgres, spool=layout.archive_spool)
    server.start()
    try:
        if key == KEY_ENCRYPTION_KEYS:
            return _give_up_cases(layout, server)
        databases = {use[0] for use in NAMES.values() if use is not None and use[1] == key}
        name = "token-signing-key/%" if key == TOKEN_SIGNING_KEYS else key
        for database in databases or {"issuer"}:
            server.psql(f"DELETE FROM key_checks WHERE name LIKE '{name}'", database=database)  # noqa: S608 -- one of the names above
        return said(
            "{key}: at the next start Ruta takes the key that it finds, or makes a new one", key=key
        )
    finally:
        server.stop()


def _give_up_cases(layout: Layout, server: PostgresServer) -> str:
    held = _key_ids_at_hand(layout, server)
    kept = ",".join(f"'{key_id}'" for key_id in held) or "''"
    lost = server.psql(
        "WITH lost AS (UPDATE case_keys SET wrapped = NULL, key_id = NULL, destroyed_at = now()"  # noqa: S608 -- ids of our own ring's file, checked
        f" WHERE wrapped IS NOT NULL AND key_id NOT IN ({kept}) RETURNING 1)"
        " SELECT count(*) FROM lost; TRUNCATE key_checks;",
        database=KEY_STORE,
    ).strip()
    with StoppedCommands(layout, server) as commands:
        erase_again(commands)
    return said("{number} case keys were given up, and their cases are erased", number=lost)


def _key_ids_at_hand(layout: Layout, server: PostgresServer) -> list[str]:
    """Return the ids of current keys that match the recorded ones."""
    file = layout.keys / "referrals-kek.json"
    if not file.exists():
        return []
    recorded = server.psql("SELECT name || ' ' || value FROM key_checks", database=KEY_STORE)
    known = dict(line.split(" ") for line in recorded.splitlines() if line)
    return [
        key_id
        for key_id, key in json.loads(file.read_text())["keys"].items()
        if key_id.isalnum()
        and known.get(f"key-encryption-key/{key_id}")
        == check_value(f"key-encryption-key/{key_id}", key)
    ]


def erase_again(commands: StoppedCommands, *arguments: str) -> str:
    """Erase every case with a destroyed key from the record as well. Return the lines to print."""
    return commands.run("apply-tombstones", *arguments)
