"""deploy/run-small with a fake podman that records commands: their order, and the cases it refuses.

drills/restarts/test_small.py runs its containers.
"""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.support.leaving_out import left_out
from tests.support.reference import ROOT

_SCRIPT = ROOT / "deploy" / "run-small"
# `images` and `volume exists` only query; podman's other commands change what runs or is stored.
_PODMAN = r"""#!/bin/sh
case "$*" in
  "volume exists"*) test -e "$WORLD/volumes"; exit ;;
  images*) printf '%s' "${CONTAINERS_CONF_OVERRIDE:-}" >"$WORLD/settings"; cat "$WORLD/images"; exit ;;
  "image exists"*) exit 0 ;;
esac
printf '%s\n' "$*" >>"$WORLD/told"
test ! -e "$WORLD/fails-$1" || exit 1
case "$*" in
  "kube play"*) touch "$WORLD/ready" "$WORLD/volumes" ;;
  "kube down"*) rm -f "$WORLD/ready" ;;
  *" stack backup "*)
    mkdir "$DATA/exchange/backup"
    echo sealed | tee "$DATA/exchange/backup/data.ruta" >"$DATA/exchange/backup/keys.ruta"
    test -f "$DATA/exchange/key" || echo made >"$DATA/exchange/key" ;;
esac
"""
_KUSTOMIZE = "#!/bin/sh\necho kind: Deployment\n"  # test_small.py checks the real manifests.
# At the first request, one part does not respond yet.
_CURL = """#!/bin/sh
test -e "$WORLD/ready" || { echo 000; exit; }
case "$*" in
  *http_code*) echo 200 ;;
  *) echo asked >>"$WORLD/asked"
     test "$(wc -l <"$WORLD/asked")" = 1 && echo '{"status":"degraded"}' || echo '{"status":"ok"}' ;;
esac
"""


class Server:
    """A machine on which an operator types `deploy/run-small`."""

    def __init__(self, folder: Path) -> None:
        self.data, self.world = folder / "data", folder / "world"
        programs = folder / "bin"
        for made in (self.data, self.world, programs):
            made.mkdir()
        for name, text in (("podman", _PODMAN), ("curl", _CURL), ("kustomize", _KUSTOMIZE)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self.image("first")
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "DATA": str(self.data),
            "WORLD": str(self.world),
        }

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(_SCRIPT), *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self) -> list[str]:
        """Return podman's commands since the last call, grouped by kind."""
        file = self.world / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        verbs = (re.search(r"^(build|kube \w+)| stack (\w+)", line) for line in lines)
        return [found[1] or found[2] for found in verbs if found]

    def image(self, identifier: str) -> None:
        (self.world / "images").write_text(f"# localhost/ruta/ruta:0.1.0 {identifier}\n")

    def kept(self) -> dict[str, bytes]:
        """Return the data that every command must preserve; manifests are generated each time."""
        made = {"overlay.yaml"}
        return {p.name: p.read_bytes() for p in self.data.iterdir() if p.name not in made}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    if os.geteuid() != 0:
        left_out("deploy/run-small is run as root")
    return Server(tmp_path)


def _installed(server: Server) -> Server:
    (server.data / "secrets.yaml").write_text("kind: Secret\n")
    assert server.types("up").returncode == 0
    server.told()
    return server


def test_a_second_up_plays_nothing_and_a_change_is_played(server: Server) -> None:
    _installed(server)
    before = server.kept()
    again = server.types("up")
    assert "nothing has changed" in again.stdout
    assert (server.told(), server.kept()) == ([], before)
    server.image("second")
    assert server.types("up").returncode == 0
    assert server.told() == ["kube play"]
    (server.world / "ready").unlink()  # The machine was restarted.
    assert server.types("up").returncode == 0
    assert server.told() == ["kube play"]


def test_it_is_ready_when_all_of_it_is(server: Server) -> None:
    """run-small waits for all parts. The front returns 200 earlier, when `doctor` would still report a part as down."""
    (server.data / "secrets.yaml").write_text("kind: Secret\n")
    done = server.types("up")
    assert (done.returncode, "ready at" in done.stdout) == (0, True)
    assert (server.world / "asked").read_text() == "asked\n" * 2
    (server.world / "asked").unlink()  # Make one of its parts report that it is down.
    again = server.types("up")
    assert (again.returncode, "not whole" in again.stderr) == (1, True)


def test_where_crun_refuses_every_container_runc_is_asked_for(server: Server) -> None:
    """The choice of runtime depends on this machine; the message names the file that records it."""
    _installed(server)
    named = (server.world / "settings").read_text()
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    assert bool(named) == (not unified and shutil.which("runc") is not None)
    settings = ROOT / "deploy" / "runc.conf"
    assert named in ("", str(settings))
    assert tomllib.loads(settings.read_text())["engine"]["runtime"] == "runc"


def test_an_upgrade_takes_a_backup_then_builds_then_starts(server: Server, tmp_path: Path) -> None:
    _installed(server)
    folder, key = tmp_path / "backup", tmp_path / "backup.key"
    (server.world / "ready").unlink()
    done = server.types("upgrade", str(folder), str(key))
    assert done.returncode == 0, done.stderr
    assert server.told() == ["backup", *["build"] * 7, "kube play"]
    assert {path.name for path in folder.iterdir()} == {"data.ruta", "keys.ruta"}
    assert key.read_text() == "made\n"
    assert key.stat().st_mode & 0o777 == 0o400
    assert not (server.data / "exchange").exists()  # A key was there.


@pytest.mark.parametrize(
    ("broken", "reached"), [("run", ["backup"]), ("build", ["backup", "build"])]
)
def test_an_upgrade_that_cannot_back_up_or_build_leaves_what_runs(
    server: Server, tmp_path: Path, broken: str, reached: list[str]
) -> None:
    _installed(server)
    (server.world / f"fails-{broken}").touch()
    done = server.types("upgrade", str(tmp_path / "backup"), str(tmp_path / "backup.key"))
    assert done.returncode != 0
    assert server.told() == reached
    assert (server.world / "ready").exists()
    assert not (server.data / "exchange").exists()


def test_the_key_of_a_backup_that_does_not_fit_its_folder_is_kept(
    server: Server, tmp_path: Path
) -> None:
    """The next backup needs this key, because the stack knows which key it sealed with."""
    _installed(server)
    (tmp_path / "file").touch()
    done = server.types("backup", str(tmp_path / "file"), str(tmp_path / "backup.key"))
    assert done.returncode != 0
    assert (tmp_path / "backup.key").read_text() == "made\n"


# The refused situations: the machine's state, the operator's arguments, and the error message.
_REFUSED = {
    "a key file that is not there": ((), ("restore", "BACKUP", "NOWHERE"), "no key file"),
    "a folder without a backup": ((), ("restore", "NOWHERE", "KEY"), "no backup in"),
    "a restore into what runs": (
        ("ready",),
        ("restore", "BACKUP", "KEY"),
        "it runs: deploy/run-small down first",
    ),
    "a start after a restore that broke off": (
        ("restore-incomplete",),
        ("up",),
        "did not end: repeat it",
    ),
    "new keys for a record that is there": (
        ("volumes", "no secrets"),
        ("up",),
        "secrets.yaml is gone",
    ),
    "an upgrade without a backup before it": ((), ("upgrade",), "where the backup before it goes"),
    "a verb that it does not know": ((), ("updown",), "no updown"),
}


def _situation(server: Server, situation: tuple[str, ...], folder: Path) -> dict[str, str]:
    (folder / "backup").mkdir()
    for file in ("backup/data.ruta", "backup/keys.ruta", "key"):
        (folder / file).write_text("sealed\n")
    if "no secrets" not in situation:
        (server.data / "secrets.yaml").write_text("kind: Secret\n")
    for name in {"ready", "volumes"} & {*situation}:
        (server.world / name).touch()
    if "restore-incomplete" in situation:
        (server.data / "restore-incomplete").write_text("the restore did not end: repeat it\n")
    names = {"BACKUP": "backup", "KEY": "key", "NOWHERE": "nowhere"}
    return {name: str(folder / file) for name, file in names.items()}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_it_refuses_changes_nothing(server: Server, tmp_path: Path, case: str) -> None:
    situation, typed, told = _REFUSED[case]
    names = _situation(server, situation, tmp_path)
    before = server.kept()
    done = server.types(*(names.get(word, word) for word in typed))
    assert done.returncode == 1, done.stdout
    assert told in done.stderr
    assert (server.told(), server.kept()) == ([], before)


def test_the_boot_unit_is_one_that_systemd_takes(server: Server, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        left_out("no systemd-analyze here (Debian: systemd)")
    unit = tmp_path / "ruta-small.service"
    unit.write_text(server.types("boot-unit").stdout)
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")
    # The unit starts and stops the deployment with this script and this data folder.
    assert f'ExecStart="{_SCRIPT}" up\nExecStop="{_SCRIPT}" down\n' in unit.read_text()
    assert f'"DATA={server.data}"' in unit.read_text()
