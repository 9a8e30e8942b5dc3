"""Any sequence of closings and queries returns A·r. Closing a period again gives the first result."""

from collections import Counter
from itertools import product

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from reporting.ground.protection.protected import Coordinates, Dimension, ProtectedCube, summed
from reporting.ground.protection.rounding import PROFILES, protect, seed
from reporting.protect.releases.answers import answer, question

DIMENSIONS = (
    Dimension("area", ("N", "S"), {"all": ("N", "S")}),
    Dimension("age", ("0-11", "12-17", "18+"), {"children": ("0-11", "12-17")}),
)
CELLS: list[Coordinates] = list(product(*(each.codes for each in DIMENSIONS)))
CODES = {each.name: (*each.codes, *each.groups) for each in DIMENSIONS}
K = 11


class Releases(RuleBasedStateMachine):
    """Random closings: facts arrive late, periods close once, and anybody queries anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[int, Counter[Coordinates]] = {period: Counter() for period in range(3)}
        self.closed: dict[int, ProtectedCube] = {}

    @rule(period=st.integers(0, 2), cell=st.sampled_from(CELLS), persons=st.integers(1, 30))
    def arrive(self, period: int, cell: Coordinates, persons: int) -> None:
        while period in self.closed and period < 2:
            period += 1  # A late fact counts in the current period (R4).
        if period not in self.closed:
            self.facts[period][cell] += persons

    @rule(period=st.integers(0, 1))
    def close(self, period: int) -> None:
        cells = protect(
            dict(self.facts[period]),
            k=K,
            weights=PROFILES["S"],
            seed=seed(b"k" * 32, "programme", str(period), b"schema"),
        )
        cube = ProtectedCube("programme", str(period), K, "S", DIMENSIONS, cells)
        assert self.closed.setdefault(period, cube) == cube, "replay is identical"

    @rule(
        by=st.lists(st.sampled_from(["area", "age"]), unique=True),
        area=st.lists(st.sampled_from(CODES["area"]), max_size=2),
        age=st.lists(st.sampled_from(CODES["age"]), max_size=2),
    )
    def ask(self, by: list[str], area: list[str], age: list[str]) -> None:
        if not self.closed:
            return
        cube = summed(self.closed.values(), "all")
        chosen = {name: codes for name, codes in (("area", area), ("age", age)) if codes}
        parameters = [("by", ",".join(by)), *((n, ",".join(c)) for n, c in chosen.items())]
        given = answer(cube, question(parameters, cube.names))
        expected: Counter[Coordinates] = Counter()
        for one in self.closed.values():
            for at, r in one.cells.items():
                if all(
                    at[i] in d.expand(chosen.get(d.name, d.codes)) for i, d in enumerate(DIMENSIONS)
                ):
                    expected[tuple(at[cube.names.index(name)] for name in by)] += r
        if by:
            assert {tuple(row.coordinates.values()): row.count for row, _ in given.rows} == expected
        assert given.total.count == sum(expected.values())
        for row, share in given.rows:
            assert row.count % K == 0
            assert share.value is None or given.total.count >= 2 * K

    @invariant()
    def closed_periods_never_change(self) -> None:
        for period, cube in self.closed.items():
            assert set(cube.cells) <= set(self.facts[period])


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
