"""What a client wants to be answered with, by its Accept header (RFC 9110 §12.5.1). Pure."""

from functools import lru_cache

_JSON = ("application/json", "application/problem+json")


@lru_cache(maxsize=64)
def prefers_html(accept: bytes) -> bool:
    """Whether it names HTML, and nothing that programs read before it. `*/*` names nothing."""
    weights: dict[str, float] = {}
    for part in accept.decode("latin-1").lower().split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        weights[kind] = min((_weight(each) for each in parameters), default=1.0)
    html = weights.get("text/html", 0)
    return html > 0 and html >= max(weights.get(kind, 0) for kind in _JSON)


def _weight(parameter: str) -> float:
    """1 for what is no weight; 0 for a weight that cannot be read."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
