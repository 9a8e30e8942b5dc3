"""A server's container on a volume that another pod or the kubelet used before."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stack.embedded.arrows import OPERATOR, USERS
from stack.embedded.ports import answers, free_port
from stack.operate.cluster import secrets as cluster_secrets
from stack.private_files import write_private

from tests.support.system import until

_WORLD = {**os.environ, **{f"NATS_{u.upper()}_PASSWORD": "a" * 32 for u in (*USERS, OPERATOR)}}


@contextmanager
def _server(kind: str, port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "stack", "serve", kind, "--port", str(port)),
            *("--listen", "127.0.0.1", *options),
        ],
        env=_WORLD,
        stdout=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_successor_of_a_deleted_pod_waits_until_the_volume_is_free(tmp_path: Path) -> None:
    """A Deployment starts the successor while the old pod is still stopping. Two servers would destroy the data."""
    first, second = free_port(), free_port()
    with ExitStack() as successor:
        with _server("nats", first, "--data", str(tmp_path)):
            until(lambda: answers(first), "the first server answers")
            waiting = successor.enter_context(_server("nats", second, "--data", str(tmp_path)))
            assert waiting.stdout is not None
            assert b"waiting until it has ended" in waiting.stdout.readline()
            assert not answers(second)
        until(lambda: answers(second), "its successor answers")


def test_postgresql_starts_again_on_a_volume_that_the_kubelet_opened_to_its_group(
    tmp_path: Path,
) -> None:
    """With `fsGroup`, a kubelet makes each folder of a volume accessible to the group at each mount."""
    data, passwords = tmp_path / "data", tmp_path / "passwords"
    data.mkdir()
    tmp_path.chmod(0o755)
    (secret,) = [d for d in cluster_secrets.documents() if d["metadata"]["name"] == "ruta-postgres"]
    for name, text in secret["stringData"].items():
        write_private(passwords / name, text)
    options = ("--data", str(data), "--secrets", str(passwords))
    for _ in range(2):
        port = free_port()
        with _server("postgres", port, *options):
            until(lambda port=port: answers(port), "PostgreSQL answers")  # type: ignore[misc]
        (data / "cluster").chmod(0o2770)


def test_postgresql_refuses_to_start_on_half_a_restore(tmp_path: Path) -> None:
    """PostgreSQL refuses to start on an incomplete restore, because erasures and withdrawals are not applied yet."""
    (tmp_path / "restore-incomplete").write_text("the restore did not finish. Repeat it\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "stack", "serve", "postgres", "--data", str(tmp_path)),
            *("--secrets", str(tmp_path / "none"), "--port", str(free_port())),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == "ruta: the restore did not finish. Repeat it\n"
