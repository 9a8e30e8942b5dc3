"""What a release says about its own accuracy is close to the truth, and made of published values."""

from collections import Counter

import pytest
from reporting.releases.accuracy import expected_errors
from reporting.releases.rounding import PROFILES, Coordinates, protect, seed

from tests.services.reporting.releases.populations import persons_of_ctdc, small_programme

K, KEYS = 11, 30


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), [("ctdc", "L"), ("ctdc", "S"), ("small", "S")])
def test_stated_errors_per_margin_are_near_the_true_ones(name: str, profile: str) -> None:
    counts = persons_of_ctdc() if name == "ctdc" else small_programme()
    names = [str(place) for place in range(len(next(iter(counts))))]
    weights = PROFILES[profile]
    true: Counter[str] = Counter()
    margins: Counter[str] = Counter()
    stated: dict[str, float] = dict.fromkeys((*names, "total", "cell"), 0.0)
    for key in range(KEYS):
        fresh = seed(key.to_bytes(32, "big"), name, profile, b"schema")
        cells = protect(counts, k=K, weights=weights, seed=fresh)
        add_errors(true, margins, counts, cells)
        if key < 5:
            for each in expected_errors(cells, names, K, weights):
                stated[each.margin] += float(each.mean_absolute) / 5
    for margin in (*names, "total"):
        actual = true[margin] / margins[margin]
        assert actual / 2.5 < stated[margin] < actual * 2.5, (margin, actual, stated[margin])


def add_errors(
    true: Counter[str],
    margins: Counter[str],
    counts: dict[Coordinates, int],
    cells: dict[Coordinates, int],
) -> None:
    errors: dict[str, Counter[str]] = {}
    for at, n in counts.items():
        for margin, code in (("total", ""), *((str(p), c) for p, c in enumerate(at))):
            errors.setdefault(margin, Counter())[code] += cells.get(at, 0) - n
    for margin, by_code in errors.items():
        true[margin] += sum(abs(e) for e in by_code.values())
        margins[margin] += len(by_code)


def test_stated_errors_depend_on_published_cells_only() -> None:
    cells: dict[Coordinates, int] = {("a",): 11, ("b",): 33}
    assert expected_errors(cells, ["x"], K, PROFILES["S"]) == expected_errors(
        dict(reversed(cells.items())), ["x"], K, PROFILES["S"]
    )
    assert expected_errors({}, ["x"], K, PROFILES["S"]) == ()
