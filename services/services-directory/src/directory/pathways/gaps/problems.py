"""How gaps say no."""

from common.errors import ProblemType

TOO_MANY_CELLS = ProblemType(
    "too_many_cells", 422, "The matrix would be too large", "Ask for one state or fewer needs."
)
