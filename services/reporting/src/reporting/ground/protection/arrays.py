"""NumPy and SciPy, loaded on first use, so that an idle service does not load them."""

from typing import TYPE_CHECKING, Any

from common.process.lazily import lazily

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy import special  # type: ignore[import-untyped]  # scipy ships no types

    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]
    Bools = NDArray[np.bool_]
else:
    np = lazily("numpy")
    special = lazily("scipy.special")
    Floats = Whole = Bools = Any

__all__ = ["Bools", "Floats", "Whole", "np", "special"]
