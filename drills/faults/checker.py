"""Compares what the clients were told with what the stack contains, in the manner of Jepsen.

Pure: no I/O. It checks two things. Each acknowledged command appears exactly once, and nothing appears that nobody
requested. All traces of one change agree: history, audit, events, notices, webhooks and projection.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drills.faults.history import Command, History, Outcome

SYSTEM = "ruta"
_WITHDRAWALS = ("consent.withdraw", "referral.withdraw")


class Verdict(StrEnum):
    """A finding's kind. `LOST`: acknowledged but missing. `DUPLICATED`: present more than once. `GHOST`: present, but
    refused or never requested. `TORN`: one of its traces is missing, or a trace has no change. `STUCK`: still waiting
    at the end."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    GHOST = "ghost"
    TORN = "torn"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the record, caused by a command: `kind` changed `target` to `version`."""

    kind: str
    target: str
    version: int
    client: str


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    fault: str
    what: str


@dataclass
class Layer:
    """One kind of trace. Keys are arbitrary, and each expected key must exist exactly once."""

    name: str
    expected: Counter[tuple[object, ...]] = field(default_factory=Counter)
    found: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def expect(self, *key: object) -> None:
        self.expected[key] += 1

    def see(self, *key: object) -> None:
        self.found[key] += 1


def check_commands(history: History, changes: Iterable[Change]) -> list[Finding]:
    """Match each acknowledged command with one change. Every other change needs an explanation."""
    left: Counter[Change] = Counter(changes)
    by_place: dict[tuple[str, str, int], Change] = {}
    for change in left:
        by_place[(change.kind, change.target, change.version)] = change
    findings = []
    for command in history.commands:
        if command.outcome is Outcome.ACKNOWLEDGED:
            findings += _claim(command, by_place, left)
    findings += _unexplained(history, [c for c, n in left.items() for _ in range(n)])
    findings += [Finding(Verdict.GHOST, "-", answer) for answer in history.wrong_answers]
    findings += [Finding(Verdict.TORN, "-", what) for what in history.misread]
    return findings


def _claim(
    command: Command, by_place: Mapping[tuple[str, str, int], Change], left: Counter[Change]
) -> list[Finding]:
    """Remove the command's change from the unexplained changes; report LOST if it is missing."""
    found = []
    change = by_place.get((command.kind, command.made or "", command.version or 0))
    if change is None or left[change] == 0:
        found.append(Finding(Verdict.LOST, command.fault, _told(command)))
    else:
        left[change] -= 1
    return found


def _unexplained(history: History, extra: list[Change]) -> list[Finding]:
    """Return findings for changes without an acknowledged command, except the system's own, withdrawals and commands
    with an unknown outcome."""
    # A withdrawn consent ends its referral, and a withdrawn referral ends its consent, each once.
    withdrawing = {
        (command.client, ended)
        for command in history.commands
        if command.kind in _WITHDRAWALS and command.outcome is not Outcome.REFUSED
        for ended in command.ends
    }
    unknown: Counter[tuple[str, str, str | None]] = Counter(
        (command.client, command.kind, command.target)
        for command in history.commands
        if command.outcome is Outcome.UNKNOWN
    )
    faults: dict[tuple[str, str], str] = {}
    acknowledged: set[tuple[str, str]] = set()
    for command in history.commands:
        target = command.made or command.target or ""
        faults.setdefault((command.kind, target), command.fault)
        if command.outcome is Outcome.ACKNOWLEDGED:
            acknowledged.add((command.kind, target))
    findings = []
    for change in extra:
        if change.client == SYSTEM:
            continue
        if change.kind in _WITHDRAWALS and (change.client, change.target) in withdrawing:
            withdrawing.discard((change.client, change.target))  # It ends once.
            continue
        if _explain(unknown, change):
            continue
        repeated = (change.kind, change.target) in acknowledged
        verdict = Verdict.DUPLICATED if repeated else Verdict.GHOST
        fault = faults.get((change.kind, change.target), "-")
        findings.append(Finding(verdict, fault, f"{change}"))
    return findings


def _explain(unknown: Counter[tuple[str, str, str | None]], change: Change) -> bool:
    """Return whether a command with an unknown outcome explains the change. Each command explains only one."""
    for target in (change.target, None):
        if unknown[(change.client, change.kind, target)] > 0:
            unknown[(change.client, change.kind, target)] -= 1
            return True
    return False


def _told(command: Command) -> str:
    return f"{command.kind} of {command.client}: {command.made} version {command.version}"


def check_layer(layer: Layer, faults: Mapping[str, str]) -> list[Finding]:
    """Check that each expected trace exists once, and no others. `faults` maps a target to the fault during its
    change."""
    findings = []
    for key in layer.expected.keys() | layer.found.keys():
        wanted, there = layer.expected[key], layer.found[key]
        if wanted == there:
            continue
        target = next((str(part) for part in key if str(part) in faults), "")
        verdict = Verdict.TORN
        if there > wanted:
            verdict = Verdict.DUPLICATED if wanted else Verdict.GHOST
        elif there == 0:
            verdict = Verdict.LOST
        what = f"{layer.name} {key}: {there} instead of {wanted}"
        findings.append(Finding(verdict, faults.get(target, "-"), what))
    return findings


def check_waiting(waiting: Mapping[str, int]) -> list[Finding]:
    """Report everything that still waits after the stack has had time to finish."""
    return [
        Finding(Verdict.STUCK, "-", f"{count} in {name}")
        for name, count in waiting.items()
        if count
    ]


def check_proofs(history: History) -> list[Finding]:
    """Report checks that never ran, because an attempt that never happened proves nothing."""
    return [
        Finding(Verdict.STUCK, "-", f"nothing was {name}: not exercised")
        for name, count in history.proofs.items()
        if not count
    ]


def faults_of(history: History) -> dict[str, str]:
    """Return, for each target, the fault during its last acknowledged change."""
    found: dict[str, str] = {}
    for command in history.commands:
        for target in (command.target, command.made, *command.ends):
            if target is not None:
                found[target] = command.fault
    return found


@dataclass
class Summary:
    """A run's findings by fault."""

    findings: list[Finding]

    def by_fault(self) -> dict[str, Counter[Verdict]]:
        counted: dict[str, Counter[Verdict]] = defaultdict(Counter)
        for finding in self.findings:
            counted[finding.fault][finding.verdict] += 1
        return counted

    @property
    def lost(self) -> int:
        return self._count(Verdict.LOST, Verdict.TORN, Verdict.STUCK)

    @property
    def duplicated(self) -> int:
        return self._count(Verdict.DUPLICATED, Verdict.GHOST)

    def _count(self, *verdicts: Verdict) -> int:
        return sum(finding.verdict in verdicts for finding in self.findings)
