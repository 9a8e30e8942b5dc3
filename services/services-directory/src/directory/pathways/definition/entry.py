"""Decides which pathways a person enters, by age, situation and population. A person can be on several pathways in
parallel. General protection applies to a person on no other pathway."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from directory.pathways.definition.conditions import Verdict, judge
from directory.pathways.definition.graph import Pathway
from directory.pathways.definition.profile import Profile

GENERAL = "GP"


@dataclass(frozen=True, slots=True)
class Entry:
    """One pathway that the person is on, and the reason: asked_for, need, entry or general."""

    pathway: Pathway
    because: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pathway that would apply if the unknown facts listed here are true."""

    aor: str
    to_check: tuple[str, ...]


def enter(
    pathways: Iterable[Pathway], profile: Profile, need_aors: Mapping[str, str]
) -> tuple[tuple[Entry, ...], tuple[Doubt, ...]]:
    """Return the entries and the doubts, both in AoR order. `need_aors` maps a category to its AoR."""
    entries: list[Entry] = []
    doubts: list[Doubt] = []
    general: Pathway | None = None
    wanted = {need_aors[need] for need in profile.needs if need in need_aors}
    for pathway in sorted(pathways, key=lambda each: each.aor):
        verdict, criteria = _verdict(pathway, profile)
        if pathway.aor == GENERAL:
            general = pathway
        if pathway.aor in profile.aors:
            entries.append(Entry(pathway, "asked_for"))
        elif pathway.aor in wanted and verdict is not Verdict.NOT_MET:
            entries.append(Entry(pathway, "need"))
        elif verdict is Verdict.MET and pathway.aor != GENERAL:
            entries.append(Entry(pathway, "entry"))
        elif verdict is Verdict.UNKNOWN and pathway.aor != GENERAL:
            doubts.append(Doubt(pathway.aor, criteria))
    if not entries and general is not None:
        entries.append(Entry(general, "general"))
    return tuple(entries), tuple(doubts)


def _verdict(pathway: Pathway, profile: Profile) -> tuple[Verdict, tuple[str, ...]]:
    """Return the best verdict, because one met alternative is enough."""
    if not pathway.entry:
        return Verdict.MET, ()
    judged = [judge(condition, profile) for condition in pathway.entry]
    for wanted in (Verdict.MET, Verdict.UNKNOWN):
        of_that = [criteria for verdict, criteria in judged if verdict is wanted]
        if of_that:
            return wanted, tuple(dict.fromkeys(name for names in of_that for name in names))
    return Verdict.NOT_MET, judged[0][1]
