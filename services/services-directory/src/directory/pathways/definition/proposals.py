"""The pathways that ship with Ruta: one proposal per AoR, in force until a coordinator publishes a pathway. Proposals
belong to no country; each applies to any area."""

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
    """Return the shipped proposal of one AoR for `area`. Raise KeyError for an unknown AoR."""
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
    """Return the shortest urgency of each need. Fallbacks and steps for a specific situation do not count."""
    soonest, found = list(Urgency), dict[str, Urgency]()
    for aor in AORS:
        for step in _shipped(aor).steps:
            if step.fallback_of is None and not step.condition.must_be_told:
                known = found.get(step.need, step.urgency)
                found[step.need] = min(known, step.urgency, key=soonest.index)
    return found


@cache
def situations() -> dict[str, Bilingual]:
    """Return the situations that a profile can name, as a map from code to label."""
    source = files(__package__) / "seeds" / "situations.toml"
    entries = completed("directory", tomllib.loads(source.read_text(encoding="utf-8")))
    return {code: Bilingual(**labels) for code, labels in entries.items()}


@cache
def confidential_needs() -> frozenset[str]:
    """Return the needs whose services are confidential (safe houses, alternative care)."""
    return frozenset(codelists.confidential_needs())


@cache
def intermediary_for(need: str) -> Bilingual | None:
    """Return the intermediary for a confidential need that no pathway contains."""
    entry = codelists.confidential_needs().get(need)
    return None if entry is None else Bilingual(**entry.labels)
