"""`./ruta faults` runs every row of the fault table over many seeds, with a table at the end."""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from stack.commands.bench import machine_facts

from drills.faults.checker import Finding, Summary, Verdict
from drills.faults.field import FAULTS
from drills.faults.seeds import FaultResult, Plan, Seed, SeedResult

_terminal = Console(highlight=False, soft_wrap=True)


def main() -> int:
    # If stopped by request, still shut down the stack and release its file system.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _options()
    names = options.fault or list(FAULTS)
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        sys.stderr.write(f"no fault {', '.join(unknown)}: {', '.join(FAULTS)}\n")
        return 2
    plan = Plan(
        options.commands,
        names,
        options.disk_mib,
        every=options.every or bool(options.fault),
        workers=options.workers,
    )
    seeds = options.seed or list(range(options.first, options.first + options.seeds))
    _terminal.print(json.dumps(machine_facts()))
    _terminal.print(f"seeds {seeds}; rerun one with --seed N")
    kept = _read(options.json) if options.resume else []
    results = [result for result in kept if result.seed in seeds and result.is_clean]
    for result in results:
        _terminal.print(f"seed {result.seed}: kept from {options.json}")
    seeds = [seed for seed in seeds if seed not in {result.seed for result in results}]
    with tempfile.TemporaryDirectory(prefix="ruta-faults-") as folder:
        Path(folder).chmod(0o755)
        for seed in seeds:
            _terminal.rule(f"seed {seed}", align="left")
            results.append(asyncio.run(Seed(seed, plan, Path(folder)).run()))
            if options.json:
                _write(options.json, results)
    return _report(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ruta faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--seed", type=int, action="append", help="this seed only (repeatable)")
    parser.add_argument("--fault", action="append", help="this fault only (repeatable)")
    parser.add_argument("--every", action="store_true", help="long faults in each seed, too")
    parser.add_argument(
        "--resume", action="store_true", help="keep what ended well in the file of --json"
    )
    parser.add_argument("--commands", type=int, default=10_000, help="at least so many per seed")
    parser.add_argument("--workers", type=int, default=2, help="pairs of clients per organisation")
    parser.add_argument("--disk-mib", type=int, default=3072, help="file system of a seed")
    parser.add_argument("--json", type=Path, help="also write the results here, after each seed")
    options = parser.parse_args()
    if options.resume and options.json is None:
        parser.error("--resume needs --json FILE, where the earlier results are")
    return options


def _write(file: Path, results: list[SeedResult]) -> None:
    shown = [
        {
            "seed": result.seed,
            "commands": result.commands,
            "outcomes": result.outcomes,
            "statuses": result.statuses,
            "kinds": result.kinds,
            "seconds": round(result.seconds, 1),
            "faults": [
                {
                    "name": each.fault.name,
                    "commands": each.commands,
                    "recovery": round(each.recovery, 1),
                    "unmet": each.unmet,
                    "notes": each.notes,
                }
                for each in result.results
            ],
            "findings": [asdict(finding) for finding in result.findings],
        }
        for result in results
    ]
    file.write_text(json.dumps({"machine": machine_facts(), "seeds": shown}, indent=1) + "\n")


def _read(file: Path) -> list[SeedResult]:
    """Read what `_write` wrote."""
    if not file.exists():
        return []
    return [
        SeedResult(
            seed=each["seed"],
            results=[
                FaultResult(
                    FAULTS[one["name"]],
                    one["commands"],
                    recovery=one["recovery"],
                    unmet=one["unmet"],
                    notes=one["notes"],
                )
                for one in each["faults"]
                if one["name"] in FAULTS
            ],
            findings=[
                Finding(Verdict(one["verdict"]), one["fault"], one["what"])
                for one in each["findings"]
            ],
            outcomes=Counter(each["outcomes"]),
            statuses=Counter(each["statuses"]),
            seconds=each["seconds"],
            commands=each["commands"],
            kinds=Counter(each["kinds"]),
        )
        for each in json.loads(file.read_text())["seeds"]
    ]


def _report(results: list[SeedResult]) -> int:
    seconds = sum(result.seconds for result in results)
    summary = Summary([finding for result in results for finding in result.findings])
    by_fault = summary.by_fault()
    runs: dict[str, list[FaultResult]] = defaultdict(list)
    for result in results:
        for each in result.results:
            runs[each.fault.name].append(each)
    table = Table(
        "fault", "runs", "commands", "lost", "duplicated", "unmet", "recovery s (median, longest)"
    )
    for name, done in runs.items():
        verdicts = by_fault.get(name, Counter())
        lost = sum(verdicts[v] for v in (Verdict.LOST, Verdict.TORN, Verdict.STUCK))
        recovery = sorted(run.recovery for run in done)
        table.add_row(
            FAULTS[name].row,
            str(len(done)),
            str(sum(run.commands for run in done)),
            str(lost),
            str(verdicts[Verdict.DUPLICATED] + verdicts[Verdict.GHOST]),
            str(sum(len(run.unmet) for run in done)),
            f"{recovery[len(recovery) // 2]:.1f}, {recovery[-1]:.1f}",
        )
    _terminal.print(table)
    commands = sum(result.commands for result in results)
    outcomes: Counter[str] = sum((result.outcomes for result in results), Counter())
    _terminal.print(
        f"{len(results)} seeds, {commands} commands {dict(outcomes)} in {seconds:.0f} s"
        f" ({commands / max(seconds, 1):.0f}/s); lost {summary.lost}, duplicated {summary.duplicated}"
    )
    missing = [fault.row for name, fault in FAULTS.items() if name not in runs]
    if missing:
        _terminal.print(f"not exercised by these seeds: {'; '.join(missing)}")
    unmet: list[Any] = [u for result in results for each in result.results for u in each.unmet]
    for text in dict.fromkeys(unmet):
        _terminal.print(f"unmet: {text}")
    return 1 if summary.findings or unmet else 0


if __name__ == "__main__":
    sys.exit(main())
