"""A coarser public tier of a cube, computed from the protected tier and never from counts.

Two tiers rounded independently from the same counts can be combined to reveal people (k = 3 and 6 already fail). A
function of one protected cube reveals nothing beyond that cube.
"""

from collections.abc import Mapping

from reporting.ground.protection.rounding import Coordinates, Tilt, Weights, protect


def public_tier(
    internal: Mapping[Coordinates, int],
    *,
    finer: int,
    k: int,
    weights: Weights,
    seed: bytes,
    tilt: Tilt = tuple,
) -> dict[Coordinates, int]:
    """Return the same cube at a larger ``k``, by rounding the protected cells once more. Raises ValueError unless ``k``
    is a larger multiple of the ``finer`` one: another k would show both lattices at once."""
    if k <= finer or k % finer:
        raise ValueError(f"k of a public tier is a larger multiple of {finer}")
    return protect(internal, k=k, weights=weights, seed=seed, tilt=tilt)
