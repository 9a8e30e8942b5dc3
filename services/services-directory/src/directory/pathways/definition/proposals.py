"""The pathways that ship with Ruta: proposals per AoR, in force only until a coordinator publishes.

They belong to no country; they are read for whichever area is asked about.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from common.words import codelists
from common.words.tables import completed

from directory.pathways.definition.graph import Bilingual, Pathway, Urgency

AORS = ("CP", "GBV", "TIP", "GP")
_ANYWHERE = "XX"


@cache
def proposal(aor: str, area: str) -> Pathway:
    """The shipped proposal of one AoR, placed in `area`; raises KeyError for an unknown AoR."""
    return _shipped(aor).model_copy(update={"area": area})


@cache
def _shipped(aor: str) -> Pathway:
    if aor not in AORS:
        raise KeyError(aor)
    source = files(__package__) / "seeds" / f"{aor}.toml"
    body = completed("directory", tomllib.loads(source.read_text(encoding="utf-8")))
    return Pathway.model_validate({**body, "area": _ANYWHERE, "proposal": True})


@cache
def urgencies() -> Mapping[str, Urgency]:
    """How soon each need is wanted where it is wanted soonest, fallbacks and
    what must be told aside."""
    soonest, found = list(Urgency), dict[str, Urgency]()
    for aor in AORS:
        for step in _shipped(aor).steps:
            if step.fallback_of is None and not step.condition.must_be_told:
                known = found.get(step.need, step.urgency)
                found[step.need] = min(known, step.urgency, key=soonest.index)
    return found


@cache
def situations() -> dict[str, Bilingual]:
    """What a profile can say of what happened: code → label."""
    source = files(__package__) / "seeds" / "situations.toml"
    entries = completed("directory", tomllib.loads(source.read_text(encoding="utf-8")))
    return {code: Bilingual(**labels) for code, labels in entries.items()}


@cache
def confidential_needs() -> frozenset[str]:
    """Needs whose services are never shown to everybody (safe houses, alternative care)."""
    return frozenset(codelists.confidential_needs())


@cache
def intermediary_for(need: str) -> Bilingual | None:
    """Through whom a confidential need is reached where no pathway says it."""
    entry = codelists.confidential_needs().get(need)
    return None if entry is None else Bilingual(**entry.labels)
