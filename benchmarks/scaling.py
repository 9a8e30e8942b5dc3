"""The embedded stack with 1, 2 and 4 replicas of each service under the same mixed load.

    python benchmarks/scaling.py [--seconds 15] [--replicas 1 2 4] [--connections 16] [--limit 0.2]

Four fifths of the requests read (a search, a service, the inbox), one fifth registers a case with its
own Idempotency-Key; all through the gateway with a real token, sent by wrk. Beside throughput and
latency it shows where the processors' time goes, because everything, load and databases included,
shares this machine: what grows first is what saturates first. docs/scaling.md reasons from these figures.
`--limit` gives each replica of a service at most that share of a core, by a control group, as a
container's limit does: on a machine with few cores the only way to see replicas add up. Needs root.
Needs wrk (a Debian package of that name); says so and ends with 0 where it is missing.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
# This file's folder holds a `gateway.py`, which must not hide the package of that name.
sys.path[0] = str(ROOT)

from stack.demo_data import load_demo_data  # noqa: E402 - after the path
from stack.layout import Layout, StackState  # noqa: E402 - as above
from stack.plan import Choices  # noqa: E402 - as above
from stack.ports import free_port  # noqa: E402 - as above
from stack.running import RunningStack  # noqa: E402 - as above
from stack.supervisor import supervise  # noqa: E402 - as above

UP_SECONDS = 240
_LOAD = """
local token, service, run = "{token}", "{service}", "{run}"
local case = '{{"identity":{{"name":"Ana Ficticia","age":27}},"attributes":{{"sex":"female"}},' ..
  '"area":"VE2313","caregiver":"unknown"}}'
local headers = {{["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}}
local count = 0
request = function()
  count = count + 1
  local turn = count % 5
  if turn == 0 then
    headers["Idempotency-Key"] = run .. "-" .. count
    return wrk.format("POST", "/referrals/v1/cases", headers, case)
  end
  headers["Idempotency-Key"] = nil
  if turn == 1 then return wrk.format("GET", "/referrals/v1/referrals/inbox", headers) end
  if turn == 2 then return wrk.format("GET", "/directory/v1/services/" .. service, headers) end
  return wrk.format("GET", "/directory/v1/services?search=psicologica&per_page=10", headers)
end
"""


def serve(data: Path, replicas: int) -> None:
    """Run the stack in this process until it is told to end."""

    async def ready(state: StackState) -> None:
        await load_demo_data(Layout(data), state.url)
        (data / "loaded").touch()

    unlimited = {"RUTA_RATE_PER_CLIENT": "100000000/minute"}
    choices = Choices(port=free_port(), replicas=replicas, extra=unlimited)
    supervise(Layout(data), choices, ready, quiet=True)


@contextmanager
def stack(data: Path, replicas: int) -> Iterator[RunningStack]:
    """A running stack with the demo's data."""
    arguments = [sys.executable, __file__, "--serve", str(data), "--replicas", str(replicas)]
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        layout, deadline = Layout(data), time.monotonic() + UP_SECONDS
        while not (data / "loaded").exists() or (state := StackState.read(layout)) is None:
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("the stack did not start")
            time.sleep(0.2)
        running = RunningStack(state.url, layout)
        yield running
        running.http.close()
    finally:
        child.terminate()
        child.wait()


CPU_GROUPS = Path("/sys/fs/cgroup/cpu")
_PERIOD_MICROSECONDS = 100_000  # as Kubernetes does


@contextmanager
def limited(layout: Layout, cores: float | None) -> Iterator[None]:
    """Each replica of the three services may use `cores` of one core (control groups, version 1)."""
    state = StackState.read(layout)
    if cores is None or state is None:
        yield
        return
    if not os.access(CPU_GROUPS, os.W_OK):
        raise SystemExit(f"--limit needs root and control groups of version 1 at {CPU_GROUPS}")
    made = []
    for name, pid in state.processes.items():
        if re.sub(r"-\d+$", "", name) in {"directory", "referrals", "reporting"}:
            group = CPU_GROUPS / f"ruta-scaling-{pid}"
            group.mkdir()
            made.append((group, pid))
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(int(cores * _PERIOD_MICROSECONDS)))
            (group / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        for group, pid in made:
            with suppress(OSError):  # a process that has ended has left already
                (CPU_GROUPS / "cgroup.procs").write_text(str(pid))
            group.rmdir()


def processor_seconds(layout: Layout) -> dict[str, float]:
    """User and system time so far, by what a process is: gateway, a service, postgres, nats, load."""
    state = StackState.read(layout)
    names = (
        {pid: re.sub(r"-\d+$", "", name) for name, pid in state.processes.items()} if state else {}
    )
    spent: dict[str, float] = defaultdict(float)
    for process in psutil.process_iter(["pid", "name"]):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        own = names.get(process.pid) or {"postgres": "postgres", "nats-server": "nats"}.get(
            process.name()
        )
        if own:
            spent[own] += times.user + times.system
    return spent


def measure(running: RunningStack, options: argparse.Namespace, run: str) -> dict[str, Any]:
    found = running.request("ngo-salud", "GET", "/directory/v1/services?per_page=1").json()
    script = running.layout.root / "load.lua"
    script.write_text(
        _LOAD.format(token=running.token("ngo-salud"), service=found["contents"][0]["id"], run=run)
    )
    before, load_before = processor_seconds(running.layout), _children_seconds()
    done = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{options.connections}",
            f"-d{options.seconds}s",
            "--latency",
            "-s",
            str(script),
            running.url,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    after = processor_seconds(running.layout)
    spent = {name: after[name] - before.get(name, 0.0) for name in after}
    spent["load"] = _children_seconds() - load_before
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    latency = dict(re.findall(r"(50|99)%\s+([\d.]+m?u?s)", done.stdout))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert rate, done.stdout
    return {
        "rate": float(rate[1]),
        "p50": latency["50"],
        "p99": latency["99"],
        "failed": int(failed[1]) if failed else 0,
        "cores": {name: used / options.seconds for name, used in sorted(spent.items())},
    }


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--limit", type=float, help="cores that one replica may use")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve, options.replicas[0])
        return 0
    if shutil.which("wrk") is None:
        print("skipped: wrk not installed (apt-get install wrk)")
        return 0
    results = {}
    for replicas in options.replicas:
        with (
            tempfile.TemporaryDirectory(prefix="ruta-scaling-") as folder,
            stack(Path(folder) / "data", replicas) as running,
            limited(running.layout, options.limit),
        ):
            measure(running, argparse.Namespace(connections=4, seconds=3), "warm")
            results[replicas] = measure(running, options, "run")
        found = results[replicas]
        print(
            f"{replicas} replicas: {found['rate']:,.0f} requests/s, median {found['p50']}, "
            f"99 % within {found['p99']}, {found['failed']} failed"
        )
        cores = "  ".join(f"{name} {used:.2f}" for name, used in found["cores"].items())
        print(f"   cores used: {cores}")
    first = results[options.replicas[0]]["rate"]
    for replicas, found in results.items():
        print(f"{replicas} against {options.replicas[0]}: {found['rate'] / first:.2f}")
    print(json.dumps({"cpus": os.cpu_count(), "results": results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
