"""The broker's configuration for a cluster, generated from the same arrows as the configuration of the embedded
server."""

import json
import re
from collections.abc import Mapping, Sequence

from stack.embedded.arrows import (
    OPERATOR,
    USERS,
    accounts,
    outside,
    outside_permissions,
    permissions,
)
from stack.errors import StackError

# The server reads JSON, but substitutes variables only outside quotes.
_VARIABLE = re.compile(r'"(\$NATS_\w+)"')
_READER = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_HEAD = """# Made by `./ruta k8s nats-config`; do not edit. Users and subjects: stack/embedded/arrows.py.
server_name: $POD_NAME
port: 4222
http_port: 8222
lame_duck_duration: 30s
lame_duck_grace_period: 10s
ping_interval: 10s
ping_max: 2
jetstream {
  store_dir: /data
  max_file_store: 20GB
  max_memory_store: 64MB
  # Acknowledged means on disk; the default flushes every two minutes.
  sync_interval: always
}
# From the first byte on: whoever listens first hears no greeting that could be another's.
tls { cert_file: /etc/ruta/certificate/tls.crt, key_file: /etc/ruta/certificate/tls.key, handshake_first: true }
cluster {
  name: ruta
  port: 6222
  # Whole addresses: the server puts a variable in the place of a value, never inside one.
  routes: [$NATS_ROUTE_0, $NATS_ROUTE_1, $NATS_ROUTE_2]
  authorization { user: route, password: $NATS_ROUTE_PASSWORD }
  # Each of the three shows itself to the others, whoever dials.
  tls {
    cert_file: /etc/ruta/certificate/tls.crt, key_file: /etc/ruta/certificate/tls.key
    ca_file: /etc/ruta/trust/ca.crt, verify: true
  }
}
"""
# Only outside readers connect to this port.
_DOOR = """websocket {
  port: 8443
  tls { cert_file: /etc/nats-outside/tls.crt, key_file: /etc/nats-outside/tls.key }
}
"""


def configuration(readers: Sequence[str] = ()) -> str:
    """Return nats.conf for three nodes. The passwords and the route addresses, which contain a password, come from the
    environment (Secret `ruta-nats`, StatefulSet `nats`). `readers` are other clusters that read events from outside
    (component outside-events, passwords in the Secret `ruta-nats-outside`)."""
    for reader in readers:
        if not _READER.fullmatch(reader):
            raise StackError(
                "{reader!r} cannot be the name of a reader: use lower-case letters, digits and hyphens",
                reader=reader,
            )
    ways = {"allowed_connection_types": ["STANDARD"]} if readers else {}
    users = {name: _user(name, permissions(name), ways) for name in (*USERS, OPERATOR)}
    beyond = [
        _user(outside(name), outside_permissions(), {"allowed_connection_types": ["WEBSOCKET"]})
        for name in readers
    ]
    told = json.dumps(accounts(users, beyond), indent=2)
    door = _DOOR if readers else ""
    return _HEAD + door + "accounts " + _VARIABLE.sub(r"\1", told) + "\n"


def variable(user: str) -> str:
    """Return the name of the environment variable with a user's password."""
    return f"NATS_{user.upper().replace('-', '_')}_PASSWORD"


def _user(
    name: str, allowed: Mapping[str, object], ways: Mapping[str, object]
) -> Mapping[str, object]:
    return {"user": name, "password": f"${variable(name)}", **ways, "permissions": allowed}
