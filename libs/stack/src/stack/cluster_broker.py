"""The broker's configuration for a cluster, from the same arrows as the embedded server's."""

import json

from stack.arrows import OPERATOR, USERS, permissions

_HEAD = """# Made by `./ruta k8s nats-config`; do not edit. Users and subjects: stack/arrows.py.
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
cluster {
  name: ruta
  port: 6222
  # Whole addresses: the server puts a variable in the place of a value, never inside one.
  routes: [$NATS_ROUTE_0, $NATS_ROUTE_1, $NATS_ROUTE_2]
  authorization { user: route, password: $NATS_ROUTE_PASSWORD }
}
authorization {
  users: [
"""


def configuration() -> str:
    """nats.conf of three nodes; passwords and the addresses of the routes, which hold one, come
    from the environment (Secret `ruta-nats`, StatefulSet `nats`)."""
    users = [_user(name) for name in (*USERS, OPERATOR)]
    return _HEAD + "\n".join(users) + "\n  ]\n}\n"


def _user(name: str) -> str:
    allowed = permissions(name)
    return (
        f"    {{ user: {name}, password: $NATS_{name.upper()}_PASSWORD, permissions: {{\n"
        f"        publish: {json.dumps(allowed['publish'])}\n"
        f"        subscribe: {json.dumps(allowed['subscribe'])} }} }}"
    )
