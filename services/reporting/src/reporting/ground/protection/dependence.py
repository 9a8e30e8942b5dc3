"""Which codes go together, as far as it stands out of the rounding. Computed from protected cells only."""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations

from reporting.ground.protection.arrays import Floats, Whole, np

UNSEEN, UNSEEN_SHARE = 0.5, 0.1
"""Persons that a code which shows 0 is taken to hide, before anything else is known; and at most
which share of all hides so, over the codes of a dimension."""
STANDS_OUT = 3.0
"""By how many standard deviations of chance two dimensions go together before it is believed."""
APART, BELIEF = 0.05, 10.0
"""How far codes of two dimensions meet more or less often than expected, as a variance of the logarithm,
before anything is seen of it; and how much must be told of it to weigh as much."""
MOVING = 0.3
"""The same of what is known of somebody before and how far she comes now: who moves on and who stays is a rule of
the work, not chance, and few people never show it in one period."""
SELDOM, ROUNDS = 0.02, 3
"""What shows nothing is so rare, against chance; and how often classes and margins are fitted in turn."""


def share_of(codes: Whole, shown: Whole, size: int) -> Floats:
    seen: Floats = np.bincount(codes, shown, size).astype(float)
    silent = int((seen <= 0).sum())
    filled = np.where(seen > 0, seen, min(UNSEEN, UNSEEN_SHARE * seen.sum() / max(silent, 1)))
    whole = filled.sum()
    share: Floats = filled / whole if whole else np.full(size, 1 / size)
    return share


def dependencies(
    at: Whole, shown: Whole, shares: Sequence[Floats], joined: tuple[int, ...], k: int
) -> dict[tuple[int, ...], Floats]:
    """By which factor two codes meet more often than by chance, for pairs of dimensions that make up a
    tree, so that none counts twice and margins stay (Chow and Liu)."""
    found = []
    for a, b in combinations(range(len(shares)), 2):
        chance = np.outer(shares[a], shares[b])
        places = at[:, a] * len(shares[b]) + at[:, b]
        pair = np.bincount(places, shown, chance.size).reshape(chance.shape)
        rows, columns = (pair.any(axis=axis) for axis in (1, 0))
        known = np.outer(rows, columns)
        expected = np.where(known, pair.sum() * chance, 1.0)
        # A count is made of steps of k: so far from chance do they come by themselves.
        distance = float(((pair - expected)[known] ** 2 / (expected[known] * k)).sum())
        freedom = (rows.sum() - 1) * (columns.sum() - 1)
        noise = float(freedom + STANDS_OUT * np.sqrt(2 * freedom))
        if distance > noise:
            told = 1 - noise / distance
            ratio = np.where(known, 1 - told + told * pair / expected, 1.0)
            found.append((distance - noise, (a, b), ratio))
    tree: dict[tuple[int, ...], Floats] = {}
    group = [joined[0] if d in joined else d for d in range(len(shares))]
    for _, (a, b), ratio in sorted(found, key=lambda each: (-each[0], each[1])):
        if group[a] != group[b]:
            tree[a, b] = ratio
            group = [group[a] if of == group[b] else of for of in group]
    return tree


def raked(
    at: Whole,
    shown: Whole,
    shares: Sequence[Floats],
    joined: tuple[int, ...],
    classes: Sequence[Sequence[Whole]],
    k: int,
) -> Floats:
    """By which factor the codes of the joined dimensions meet more often than by chance, so that each
    class is as often as it shows, as far as that stands out of the rounding, and margins stay."""
    own = [shares[d] for d in joined]
    chance = reduce(np.multiply.outer, own)
    places = tuple(at[:, d] for d in joined)
    met = chance.copy()
    wanted: list[tuple[Whole, Floats]] = []
    for level in classes:
        for labels in level:
            expected = np.bincount(labels.ravel(), met.ravel())[1:]
            # NumPy 2.3, the newest for Python 3.11, calls weighted counts whole numbers.
            seen = np.bincount(labels[places], shown, len(expected) + 1)[1:].astype(
                float, copy=False
            )
            aim = _believed(seen, expected * seen.sum() / expected.sum(), k)
            if seen.any():
                wanted.append((labels, aim / aim.sum()))
        for _ in range(ROUNDS):
            for labels, aim in wanted:
                now = np.bincount(labels.ravel(), met.ravel())[1:]
                factor = np.where(now > 0, aim * now.sum() / np.maximum(now, 1e-300), 1.0)
                met *= np.concatenate([[1.0], factor])[labels]
            for axis, share in enumerate(own):
                others = tuple(each for each in range(len(own)) if each != axis)
                shape = [-1 if each == axis else 1 for each in range(len(own))]
                met *= (share / met.sum(axis=others)).reshape(shape)
    ratio: Floats = np.maximum(met / chance, SELDOM)
    return ratio


def _believed(seen: Floats, expected: Floats, k: int) -> Floats:
    """Between what is expected and what is seen, by how far that stands out of the rounding."""
    distance = float(((seen - expected) ** 2 / np.maximum(expected * k, 1e-9)).sum())
    freedom = (expected > 0).sum() - 1
    told = max(0.0, 1 - freedom / distance) if distance else 0.0
    believed: Floats = np.maximum(expected + told * (seen - expected), SELDOM * expected)
    return believed


def dispersions(
    at: Whole, sizes: Sequence[int], score: Floats, told: Floats, moving: tuple[int, ...] = ()
) -> Floats:
    """For each pair of dimensions, how far its codes meet otherwise than expected: a variance of the
    logarithm, from the score and the information of each row of cells about it. Those that are both in `moving`
    say who moved on."""
    found = np.zeros((len(sizes), len(sizes)))
    for a, b in combinations(range(len(sizes)), 2):
        places = at[:, a] * sizes[b] + at[:, b]
        own, known = (
            np.bincount(places, each, sizes[a] * sizes[b]).reshape(sizes[a], sizes[b])
            for each in (score, told)
        )
        whole = max(float(known.sum()), 1e-9)
        rows, columns = (known.sum(axis=axis, keepdims=True) / whole for axis in (1, 0))
        # What a code has too many of in all is no matter of the pair.
        for axis, share in ((1, rows), (0, columns)):
            own = own - known * own.sum(axis=axis, keepdims=True) / np.maximum(share * whole, 1e-9)
        known = known * (1 - rows) * (1 - columns)
        before = MOVING if {a, b} <= set(moving) else APART
        more = before * BELIEF + float((own**2 - known).sum())
        found[a, b] = max(more, 0.0) / (BELIEF + float((known**2).sum()))
    return found
