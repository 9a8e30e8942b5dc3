"""A coarser public tier of a release: computed from the protected tier, never from counts.

Two tiers rounded independently from the same counts can be played against each other (k = 3 and 6
already fail). What is a function of one protected cube adds nothing to what that cube says.
"""

from dataclasses import replace

from reporting.releases.protected import ProtectedCube
from reporting.releases.rounding import PROFILES, protect, seed


def public_tier(internal: ProtectedCube, k: int, key: bytes, schema: bytes) -> ProtectedCube:
    """The same release at a larger ``k``, by rounding the protected cells once more.

    Raises ValueError unless ``k`` is a larger multiple of the internal one: another k would show
    both lattices at once.
    """
    if k <= internal.k or k % internal.k:
        raise ValueError(f"k of a public tier is a larger multiple of {internal.k}")
    fresh = seed(key, internal.programme, internal.period, schema + b"public" + str(k).encode())
    cells = protect(internal.cells, k=k, weights=PROFILES[internal.profile], seed=fresh)
    return replace(internal, k=k, cells=cells, expected_errors=())
