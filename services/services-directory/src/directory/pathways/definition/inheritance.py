"""Inheritance: a municipality's pathway extends its state's pathway, which extends its country's pathway."""

from collections.abc import Sequence

from directory.pathways.definition.graph import Pathway, Step
from directory.pathways.texts.findings import Finding


def inherit(chain: Sequence[Pathway]) -> Pathway:
    """Return the effective pathway of the last area in `chain`, which begins with the widest area. A step with an
    inherited key replaces that step in place; other steps are added at the end. `omits` removes steps and the
    references to them. The text of the narrower area takes precedence."""
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
    """Remove omitted steps, and the references to them from inherited steps. A fallback of an omitted step becomes
    primary. The narrower area's own steps keep their references, so that validation can report the mistake."""
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
    """Check that `omits` names only inherited steps, and that each omitted safety step has a replacement."""
    inherited = {step.key: step for step in wider.steps} if wider else {}
    found = []
    for at, key in enumerate(narrower.omits):
        if key not in inherited:
            found.append(Finding("omits_unknown_step", key, f"/omits/{at}"))
        elif inherited[key].safety and not any(step.safety for step in narrower.steps):
            found.append(Finding("safety_step_omitted", key, f"/omits/{at}"))
    return found
