"""A data directory has only one stack, and one line reports an obstacle."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from stack.embedded import lock as module
from stack.embedded.layout import Layout, StackState
from stack.embedded.lock import check_port, check_room, end_leftovers, exclusive, is_locked
from stack.embedded.ports import LOOPBACK, answers, free_port, free_ports, is_taken
from stack.errors import StackError


def state(**processes: int) -> StackState:
    return StackState(
        pid=os.getpid(),
        started=0.0,
        url="http://127.0.0.1:1",
        port=1,
        ready=True,
        processes=processes,
        ports={},
    )


def test_a_second_stack_on_the_same_data_is_refused_and_told_where_the_first_is(
    tmp_path: Path,
) -> None:
    layout = Layout(tmp_path)
    with exclusive(layout):
        state().write(layout)
        assert is_locked(layout)
        refused = pytest.raises(StackError, match=r"already running on .* at http://127.0.0.1:1")
        with refused, exclusive(layout):
            pytest.fail("two stacks held one data directory")
    assert not is_locked(layout)


def test_the_lock_of_a_killed_stack_is_free(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from stack.embedded.lock import exclusive\nfrom stack.embedded.layout import Layout\n"
        "with exclusive(Layout(pathlib.Path(sys.argv[1]))):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_locked(Layout(tmp_path))
        holder.kill()
        holder.wait()
        with exclusive(Layout(tmp_path)):
            assert is_locked(Layout(tmp_path))


def test_a_taken_port_names_who_has_it() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert is_taken(port)
        with pytest.raises(StackError, match=rf"port {port} is in use by \S+ \(process \d+\)"):
            check_port(port, LOOPBACK)
    assert not is_taken(port)


def test_a_full_disk_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(Layout(tmp_path))
    # This is more than any machine has, so the check finds the real disk too small.
    monkeypatch.setattr(module, "_NEEDED_BYTES", 2**70)
    with pytest.raises(StackError, match="the disk is full"):
        check_room(Layout(tmp_path))


def test_services_that_a_killed_stack_left_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = subprocess.Popen(sleeper, env={"RUTA_CLOCK_FILE": str(layout.clock_file)})
    stranger = subprocess.Popen(sleeper)
    with ours, stranger:
        try:
            _until_started(ours)
            state(ours=ours.pid, stranger=stranger.pid).write(layout)
            assert end_leftovers(layout) == ["ours"]
            ours.wait(5)
            assert stranger.poll() is None
            assert StackState.read(layout) is None
        finally:
            ours.kill()
            stranger.kill()


def test_free_ports_are_distinct_and_nobody_answers_there() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert max(ports) < 32768, "a connection that leaves would take one before a server binds it"
    assert not answers(free_port())


def test_a_port_is_kept_for_the_server_that_will_be_told_of_it() -> None:
    """A port stays reserved for its server, which binds it seconds later while other stacks start."""
    port = free_port()
    with socket.socket() as another, pytest.raises(OSError, match="in use"):
        another.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        assert answers(port)
    with socket.create_server(("127.0.0.1", port)):
        assert answers(port), "a server that was started again"


def _until_started(process: subprocess.Popen[bytes]) -> None:
    """Wait until the child has started. Between fork and exec it still shows its parent's environment."""
    while "RUTA_CLOCK_FILE" not in psutil.Process(process.pid).environ():
        time.sleep(0.01)
