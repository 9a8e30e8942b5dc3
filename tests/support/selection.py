"""Chooses the tests of a run, and keeps tests that belong together on one worker.

`./ruta test` skips the drills, except mutations of changed code (`touched`). `--quick` also skips tests that start
servers. `--drills` runs only drills. A drill always runs if you name its file. The run prints what it skipped.

Each worker has its own servers. Tests that share an expensive fixture stay on one worker, and the longest groups start
first.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # ships no types

from tests.support import touched
from tests.support.reference import ROOT

SLOW = "slow"
LABORIOUS = "laborious"
_SERVERS = ("system", "gateway", "postgres", "nats_server")
_SHARED_BY_A_FOLDER = 'scope="package"'
"""In a folder's conftest: its tests share what is made once, and is dear."""
_LEFT_OUT = pytest.StashKey[Counter[str]]()
_TAKEN = "ruta/seconds"
"""Where the cache of pytest keeps what each group took when it last ran."""
_WITHOUT_SERVER, _WITH_SERVER, _DRAWN, _DRILL = 0.03, 0.3, 1.5, 20.0
"""Guessed seconds of a test whose group has not run here: what it needs, what it draws, how it is marked."""


def pytest_addoption(parser: pytest.Parser) -> None:
    chosen = parser.getgroup("ruta")
    chosen.addoption("--drills", action="store_true", help="drills only")
    chosen.addoption("--quick", action="store_true", help="only what needs no server")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_LEFT_OUT] = Counter()
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        config.pluginmanager.register(_ToldAtOnce(config))
        config.pluginmanager.register(_Remembered(config))


class _ToldAtOnce:
    """Prints each failure at once, so that an interrupted run still shows it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and reporter is not None:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = crash.message if crash else str(report.longrepr or "")
            reporter.write_line(f"\nFAILED {report.nodeid} ({report.when}): {reason[:2000]}")


class _Remembered:
    """Stores the duration of each group, so that the next run starts the longest ones first."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._taken: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._taken[group_of(report.nodeid, self._config.rootpath)] += report.duration

    def pytest_sessionfinish(self) -> None:
        parallel = self._config.pluginmanager.hasplugin("dsession")
        # The duration of a part is not that of the group.
        if parallel and not self._config.getoption("--quick"):
            _remember(self._config, remembered(self._config) | self._taken)


def remembered(config: pytest.Config) -> dict[str, float]:
    cache = getattr(config, "cache", None)
    return dict(cache.get(_TAKEN, {})) if cache else {}


def _remember(config: pytest.Config, taken: Mapping[str, float]) -> None:
    cache = getattr(config, "cache", None)
    if cache:
        here = {
            name: round(s, 1)
            for name, s in taken.items()
            if (config.rootpath / name.partition("::")[0]).exists()
        }
        cache.set(_TAKEN, here)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {item: _left_out(config, item) for item in items}
    left_out = [item for item in items if reasons[item]]
    told = Counter(reason for reason in reasons.values() if reason)
    config.stash[_LEFT_OUT] = told
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not reasons[item]]
    if os.environ.get("PYTEST_XDIST_WORKER"):
        _longest_first(config, items)
        config.workeroutput["left_out"] = dict(told)  # type: ignore[attr-defined]  # xdist's


def _left_out(config: pytest.Config, item: pytest.Item) -> str | None:
    drill = item.get_closest_marker(SLOW) or item.path.is_relative_to(ROOT / "drills")
    if config.getoption("--drills"):
        return None if drill else "that are no drills (./ruta test)"
    if config.getoption("--quick"):
        fixtures = getattr(item, "fixturenames", ())
        long = drill or item.get_closest_marker(LABORIOUS)
        if long or any(name in _SERVERS for name in fixtures):
            return "that need servers or long (./ruta test)"
        return None
    by_name = any(item.path.name in argument for argument in config.args)
    mark = item.get_closest_marker(touched.MARK)
    due = mark is not None and touched.concerns(mark.args, touched.touched())
    if drill and not by_name and not due:
        return "drills (./ruta drills)"
    return None


def _longest_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Return the groups in start order. The group that starts last must be short."""
    group = {item: group_of(item.nodeid, config.rootpath) for item in items}
    takes: dict[str, float] = defaultdict(float)
    for item in items:
        takes[group[item]] += _guessed(item)
    takes |= {name: taken for name, taken in remembered(config).items() if name in takes}
    items.sort(key=lambda item: (-takes[group[item]], group[item]))


def _guessed(item: pytest.Item) -> float:
    if item.get_closest_marker(SLOW):
        return _DRILL
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return _DRAWN
    fixtures = getattr(item, "fixturenames", ())
    return _WITH_SERVER if any(name in _SERVERS for name in fixtures) else _WITHOUT_SERVER


def group_of(nodeid: str, root: Path) -> str:
    """Return the group that stays on one worker: a folder with a shared fixture and everything in it, or a file. Each
    mutation is its own group."""
    if nodeid.startswith("drills/mutations/"):
        return nodeid
    file = Path(nodeid.partition("::")[0])
    sharing = [folder for folder in file.parents if _shares(root / folder)]
    return str(sharing[-1] if sharing else file)


@cache
def _shares(folder: Path) -> bool:
    conftest = folder / "conftest.py"
    return conftest.exists() and _SHARED_BY_A_FOLDER in conftest.read_text(encoding="utf-8")


class _Together(LoadScopeScheduling):  # type: ignore[misc]  # of an untyped class
    """Replaces xdist's own groups, because xdist writes them into a name that pytest no longer reads."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid, self.config.rootpath)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Together(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    told: dict[str, int] = getattr(node, "workeroutput", {}).get("left_out", {})
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # an xdist node
    # Every worker must collect and skip the same tests.
    config.stash[_LEFT_OUT] = Counter(told)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for reason, count in sorted(config.stash[_LEFT_OUT].items()):
        terminalreporter.write_line(f"left out: {count} {reason}")
