"""The law of a published count: from what is known of it to the interval that holds nine tenths of it.

A union of cells has a least and a most count, a mean and a variance. What is expected of it may be off
in the same direction in every period that is added (an effect): then what is shown is believed, as far as
the shown cells of all those periods bear it. The interval holds nine tenths of the beta law with these
moments, in whole persons, and always the figure that is shown.
"""

from dataclasses import dataclass
from itertools import zip_longest

from reporting.ground.protection.arrays import Floats, Whole, np, special

CERTAIN, OF_ONE_CELL = 0.94, 0.92
"""Of the law of many cells, which is narrower than the truth: nine tenths of true counts, as measured. That of a
single cell, whose bounds are certain, is less so."""


@dataclass(frozen=True)
class Moments:
    """Mean and variance of the true counts of several unions of cells, one place each."""

    mean: Floats
    variance: Floats
    least: Floats
    """Fewer there are not: a cell that shows r holds more than r − k."""
    most: Floats
    """More are next to impossible: a cell that shows r holds fewer than r + k, and hidden ones few."""
    effects: tuple["Effect", ...] = ()
    """What a union holds more or less of than is expected, the same in all cubes that were added: of those
    who come, and of those who leave."""
    of_one_cell: float = OF_ONE_CELL
    """What the law of a single cell is asked for; of what was computed before it was told apart, as all (`CERTAIN`)."""

    @classmethod
    def none(cls, unions: int) -> "Moments":
        nothing = np.zeros(unions)
        return cls(nothing, nothing, nothing, nothing)

    def plus(self, other: "Moments") -> "Moments":
        both = zip_longest(self.effects, other.effects)
        return Moments(
            self.mean + other.mean,
            self.variance + other.variance,
            self.least + other.least,
            self.most + other.most,
            tuple((a or Effect.none(b)).plus(b or Effect.none(a)) for a, b in both),
            max(self.of_one_cell, other.of_one_cell),
        )

    @property
    def _middle(self) -> Floats:
        signed = (each.more if each.adds else -each.more for each in self.effects)
        return sum(signed, self.mean)

    def _spread(self, k: int) -> Floats:
        spread = self.variance
        for each in self.effects:
            # What is shown of those who come takes the place of what was known of them.
            spread = spread * (1 - each.believed if each.adds else 1.0) + each.variance(k)
        return spread

    def _certain(self, k: int) -> Floats:
        """The less, the nearer the bounds of a union are to those of a single cell."""
        alone = np.minimum((2 * k - 1) / np.maximum(self.most - self.least + 1, 1), 1)
        found: Floats = CERTAIN - (CERTAIN - self.of_one_cell) * alone
        return found

    def intervals(self, shown: Whole, k: int) -> list[tuple[int, int]]:
        """Low and high of nine in ten, in whole persons, the figure itself included. What shows 0 is "0 to
        k−1" at least."""
        least = np.maximum(self.least, np.where(shown > 0, 1, 0))
        # A whole number is taken for the part of the line that it is the lower end of.
        mean = np.maximum(self._middle - least, 0.0) + 0.5
        variance = np.maximum(self._spread(k), 0.1)
        room = np.maximum(self.most - least + 1, mean + 5 * np.sqrt(variance))
        share = mean / room
        tight = np.maximum(share * (1 - share) * room**2 / variance - 1, 1e-3)
        low, high = _held_by(share * tight, (1 - share) * tight, room, self._certain(k))
        low = np.minimum(least + low, shown)
        high = np.maximum(least + high, np.where(shown > 0, shown, k - 1))
        return [(int(a), int(b)) for a, b in zip(low, high, strict=True)]


def _held_by(a: Floats, b: Floats, room: Floats, certain: Floats) -> tuple[Floats, Floats]:
    """From where to where, both included, these beta laws hold as much as is asked for."""

    def chance_of(count: Floats) -> Floats:
        found: Floats = special.betainc(a, b, np.clip(count / room, 0.0, 1.0))
        return found

    def nearest(chance: Floats) -> Floats:
        """The whole number of persons whose chance, of up to that, is nearest to the wanted one."""
        below = np.floor(special.betaincinv(a, b, np.minimum(chance, 1.0)) * room)
        closer = np.abs(chance_of(below + 1) - chance) < np.abs(chance_of(below) - chance)
        found: Floats = below + closer
        return found

    low = nearest((1 - certain) / 2)
    high = np.maximum(nearest(chance_of(low) + certain) - 1, low)
    return low, high


@dataclass(frozen=True)
class Effect:
    """By how much what is expected of a union is off, the same in all cubes that were added."""

    adds: bool
    """Those who come; otherwise those who leave."""
    apart: Floats
    """The variance of its logarithm beforehand, summed over so many `cubes`."""
    cubes: int
    told: Floats
    """The information that the shown cells give about it."""
    shown: Floats
    mean: Floats
    """Of the true count, as if there were no effect."""

    @classmethod
    def none(cls, like: "Effect") -> "Effect":
        nothing = np.zeros_like(like.told)
        return cls(like.adds, nothing, 0, nothing, nothing, nothing)

    def plus(self, other: "Effect") -> "Effect":
        return Effect(
            self.adds,
            self.apart + other.apart,
            self.cubes + other.cubes,
            self.told + other.told,
            self.shown + other.shown,
            self.mean + other.mean,
        )

    @property
    def believed(self) -> Floats:
        """How far what is shown is believed, against what is expected."""
        apart = self.apart / max(self.cubes, 1)
        found: Floats = apart * self.told / (1 + apart * self.told)
        return found

    @property
    def more(self) -> Floats:
        found: Floats = self.believed * (self.shown - self.mean)
        return found

    def variance(self, k: int) -> Floats:
        """Of what is shown, as far as it is believed."""
        times = np.maximum(self.mean + self.more, 0.0) / np.maximum(self.mean, 1e-9)
        found: Floats = self.believed * k**2 * self.told * np.minimum(times, k)
        return found
