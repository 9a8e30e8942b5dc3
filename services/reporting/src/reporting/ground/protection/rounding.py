"""KTR, keyed tilted rounding: how true counts become a protected base cube.

Each cell goes to one of the two neighbouring multiples of k; empty cells and multiples of k stay.
The choice is a draw from

    P(z)  ∝  ∏ Bernoulli(f_i / k) · exp(− Σ_m η_m |e_m|),        f = n mod k,

where e_m is what rounding adds to margin m (the total, or one code of one dimension), so that
margins are tilted towards small errors while every combination of roundings stays possible. The
draw depends on a secret key, the programme and the closed period only. Proofs and limits:
docs/reporting.md.

All arithmetic is on integers (probabilities as 53-bit thresholds, log-odds and weights in
milli-nats) or on `decimal`, whose logarithm and exponential are correctly rounded: the same key
gives the same release on every platform.
"""

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache, lru_cache

Coordinates = tuple[str, ...]
Margin = tuple[int, str]
"""A dimension's position and one of its codes; position −1 is the total."""

SWEEPS = 100
WARM_UP_SWEEPS = 40
LEAST_KEY_BYTES = 32
WEIGHT_CAP = Decimal(25)
MILLI = Decimal(1000)

_ONE = 1 << 53
_DECIMAL = Context(prec=40, rounding=ROUND_HALF_EVEN)
_BLOCK = 1024
_UNPACK = struct.Struct(f">{_BLOCK}Q")
_TOTAL: Margin = (-1, "")


@dataclass(frozen=True)
class Weights:
    """The weights η in milli-nats per unit of error, for the grand total and for each one-way margin."""

    total: int
    one_way: int

    def on_a_cell(self, dimensions: int) -> int:
        """Return W, the summed weight of all margins that contain a given cell, in milli-nats."""
        return self.total + self.one_way * dimensions


PROFILES: Mapping[str, Weights] = {
    "S": Weights(total=50, one_way=50),
    "L": Weights(total=0, one_way=160),
    "J": Weights(total=140, one_way=140),
    "F": Weights(total=280, one_way=140),
}
"""S: below 1,000 expected persons per closed period. L: otherwise. J: joint cubes, with seven tilted
margins (ln-odds of one person against none: 3.1; S with five dimensions 0.8, L 2.2). F: cubes with
few tilted margins, which keep the total less close to the truth. Fixed before the period."""
FEW_MARGINS = 3


def profile_of(tilted: int) -> str:
    """Return the profile of a population's cube with so many tilted margins; intervals are measured with both."""
    return "F" if tilted <= FEW_MARGINS else "J"


def seed(key: bytes, programme: str, period: str, schema: bytes, draw: int = 0) -> bytes:
    """Return HMAC-SHA256(key, "KTR1" ‖ programme ‖ period ‖ schema), with the fields separated by NUL. ``draw`` is
    above 0 only if an audit of linked cubes rejected the earlier draws (R1). Raise ValueError for a key below 256 bits
    or an id that contains a NUL."""
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"the rounding key must have at least {LEAST_KEY_BYTES} bytes")
    if "\0" in programme + period:
        raise ValueError("programme and period ids hold no NUL")
    fields = [b"KTR1", programme.encode(), period.encode(), schema]
    if draw:
        fields.append(b"draw %d" % draw)
    return hmac.new(key, b"\0".join(fields), hashlib.sha256).digest()


def check_weight(k: int, weights: Weights, dimensions: int) -> None:
    """Raise ValueError unless W·k + ln(k−1) ≤ 25, so that no threshold vanishes in 53 bits and every rounding stays
    possible."""
    if k < 2:
        raise ValueError("k must be at least 2")
    tilt = _DECIMAL.divide(Decimal(weights.on_a_cell(dimensions) * k), MILLI)
    weight = _DECIMAL.add(tilt, _DECIMAL.ln(Decimal(k - 1)))
    if weight > WEIGHT_CAP:
        raise ValueError(f"W·k + ln(k−1) = {weight:.1f} is above {WEIGHT_CAP}")


Tilt = Callable[[Coordinates], Coordinates]
"""Maps a cell to the codes whose margins the tilt prefers, always the same number."""


def protect(
    counts: Mapping[Coordinates, int],
    *,
    k: int,
    weights: Weights,
    seed: bytes,
    tilt: Tilt = tuple,
) -> dict[Coordinates, int]:
    """Return the protected cells r of the true cells n; both omit zeros. ``counts`` are integers ≥ 0 with coordinates
    of one length. The tilted margins are the one-way margins of ``tilt``, by default those of the cells themselves.
    Raise ValueError for invalid counts, or if the weights exceed the cap."""
    lengths = {len(at) for at in counts}
    if len(lengths) > 1 or any(n < 0 for n in counts.values()):
        raise ValueError("counts are whole numbers from 0, over cells of one length")
    open_cells = sorted(at for at, n in counts.items() if n % k)
    tilted = [tilt(at) for at in open_cells]
    check_weight(k, weights, max((len(at) for at in tilted), default=0))
    draw = _Draw(tilted, [counts[at] % k for at in open_cells], k, weights, seed)
    up = dict(zip(open_cells, draw.run(), strict=True))
    protected = {at: k * (n // k) + k * up.get(at, 0) for at, n in counts.items()}
    return {at: r for at, r in protected.items() if r}


class _Draw:
    """One run of the chain over the cells that are not multiples of k (J in the specification)."""

    def __init__(
        self, cells: Sequence[Coordinates], f: Sequence[int], k: int, weights: Weights, seed: bytes
    ) -> None:
        self.k = k
        self.stream = numbers(seed)
        self.log_odds = [_log_odds(each, k) for each in f]
        self.f = f
        margins: dict[Margin, int] = {}
        self.margins_of = [
            tuple(margins.setdefault(m, len(margins)) for m in _margins(at, weights))
            for at in cells
        ]
        self.eta = [weights.total if m == _TOTAL else weights.one_way for m in margins]
        self.error = [0] * len(margins)
        self.z: list[int] = []

    def run(self) -> list[int]:
        """Return z: 1 for each cell that is rounded up."""
        self._start()
        everywhere = range(len(self.f))
        for sweep in range(1, SWEEPS + 1):
            if sweep < SWEEPS:
                for a in everywhere:
                    self._swap(a, sweep)
            for a in everywhere:
                self._flip(a, sweep)
        return self.z

    def _start(self) -> None:
        for a, f in enumerate(self.f):
            self.z.append(int(next(self.stream) * self.k < f * _ONE))
            for m in self.margins_of[a]:
                self.error[m] += self.k * self.z[a] - f

    def _flip(self, a: int, sweep: int) -> None:
        """Draw z_a given all others."""
        error, eta, k, margins = self.error, self.eta, self.k, self.margins_of[a]
        if self.z[a]:
            for m in margins:
                error[m] -= k
        rise = 0
        for m in margins:  # plain loops, because a release spends most of its time here
            e = error[m]
            rise += eta[m] * (k if e >= 0 else -k if e <= -k else k + 2 * e)
        up = next(self.stream) < _threshold(self.log_odds[a] + _warmed(rise, sweep))
        if up:
            for m in margins:
                error[m] += k
        self.z[a] = int(up)

    def _swap(self, a: int, sweep: int) -> None:
        """If a and a random partner differ, draw which of the two is rounded up."""
        b = next(self.stream) * len(self.z) >> 53
        if self.z[a] == self.z[b]:
            return
        up, down = (b, a) if self.z[a] else (a, b)
        error, eta, k = self.error, self.eta, self.k
        gains, losses, rise = [], [], 0
        for m, n in zip(self.margins_of[up], self.margins_of[down], strict=True):
            if m != n:  # in each dimension, both cells share a margin or each has its own
                gains.append(m)
                losses.append(n)
                e = error[m]
                rise += eta[m] * (k if e >= 0 else -k if e <= -k else k + 2 * e)
                e = error[n]
                rise += eta[n] * (k if e <= 0 else -k if e >= k else k - 2 * e)
        odds = self.log_odds[up] - self.log_odds[down] + _warmed(rise, sweep)
        if next(self.stream) < _threshold(odds):
            self.z[up], self.z[down] = 1, 0
            for m in gains:
                error[m] += k
            for m in losses:
                error[m] -= k


def _margins(at: Coordinates, weights: Weights) -> Iterator[Margin]:
    """Return the margins that tilt this cell; margins of weight 0 would change nothing."""
    if weights.total:
        yield _TOTAL
    if weights.one_way:
        yield from enumerate(at)


def _warmed(rise: int, sweep: int) -> int:
    """Return β·ΔE with β = min(1, sweep/40), in integer milli-nats."""
    return rise if sweep >= WARM_UP_SWEEPS else rise * sweep // WARM_UP_SWEEPS


@cache
def _log_odds(f: int, k: int) -> int:
    """Return ln((k−f)/f) in milli-nats: the log-odds against rounding up before any tilt."""
    odds = _DECIMAL.divide(Decimal(k - f), Decimal(f))
    return _whole(_DECIMAL.multiply(_DECIMAL.ln(odds), MILLI))


@lru_cache(maxsize=1 << 17)
def _threshold(milli_nats: int) -> int:
    """Return 1/(1+e^x) as a threshold for a 53-bit integer, never 0 and never certain."""
    power = _DECIMAL.exp(_DECIMAL.divide(Decimal(milli_nats), MILLI))
    chance = _whole(_DECIMAL.divide(Decimal(_ONE), _DECIMAL.add(Decimal(1), power)))
    return min(max(chance, 1), _ONE - 1)


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_HALF_EVEN))


def numbers(seed: bytes) -> Iterator[int]:
    """Yield 53-bit integers: blocks of 1,024 from SHAKE-256(seed ‖ counter), big-endian."""
    counter = 0
    while True:
        block = hashlib.shake_256(seed + counter.to_bytes(8, "big")).digest(8 * _BLOCK)
        for word in _UNPACK.unpack(block):
            yield word >> 11
        counter += 1
