"""How the pathway of a municipality extends that of its state, and the state's that of its country."""

from collections.abc import Sequence

from directory.pathways.definition.graph import Pathway, Step
from directory.pathways.texts.findings import Finding


def inherit(chain: Sequence[Pathway]) -> Pathway:
    """The effective pathway of the last (most exact) area in `chain`, which is ordered widest first.

    A step with an inherited key replaces it in place, others are added at the end, `omits` removes.
    References to an omitted step go with it. The narrower text wins where it is given.
    """
    effective, *narrower = chain
    for layer in narrower:
        effective = _extended(effective, layer)
    return effective


def _extended(wider: Pathway, narrower: Pathway) -> Pathway:
    replaced = {step.key: step for step in narrower.steps}
    kept = [replaced.pop(step.key, step) for step in wider.steps if step.key not in narrower.omits]
    steps = _without_omitted([*kept, *replaced.values()], narrower)
    return Pathway(
        aor=wider.aor,
        area=narrower.area,
        title=narrower.title,
        proposal=narrower.proposal or wider.proposal,
        entry=narrower.entry or wider.entry,
        focal_point=narrower.focal_point or wider.focal_point,
        steps=tuple(steps),
    )


def _without_omitted(steps: list[Step], narrower: Pathway) -> list[Step]:
    """Inherited steps forget an omitted predecessor; a fallback of an omitted step becomes primary.

    The narrower area's own steps keep what they say, so that validation can name the mistake.
    """
    own = {step.key for step in narrower.steps}
    gone = set(narrower.omits)
    return [
        step
        if step.key in own
        else step.model_copy(
            update={
                "after": tuple(key for key in step.after if key not in gone),
                "fallback_of": None if step.fallback_of in gone else step.fallback_of,
            }
        )
        for step in steps
    ]


def inheritance_findings(wider: Pathway | None, narrower: Pathway) -> list[Finding]:
    """`omits` must name inherited steps, and a safety step cannot be omitted without replacement."""
    inherited = {step.key: step for step in wider.steps} if wider else {}
    found = []
    for at, key in enumerate(narrower.omits):
        if key not in inherited:
            found.append(Finding("omits_unknown_step", key, f"/omits/{at}"))
        elif inherited[key].safety and not any(step.safety for step in narrower.steps):
            found.append(Finding("safety_step_omitted", key, f"/omits/{at}"))
    return found
