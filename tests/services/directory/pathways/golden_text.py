"""Writes a resolve response as a page that a coordinator can read and judge."""

from collections.abc import Iterator
from typing import Any

HEADINGS = {
    "es": {"services": "Servicios", "gap": "Qué falta", "nearest": "Lo más cercano en otra área",
           "miss": "Casi sirve", "fallback": "Si no hay", "checks": "Verifique", "why": "Por",
           "left": "quedan {} h de la ventana clínica", "pathways": "Rutas", "referral": "Remisión"},
    "en": {"services": "Services", "gap": "What is missing",
           "nearest": "Nearest in another area", "miss": "Nearly fits", "fallback": "Otherwise",
           "checks": "Check", "why": "For", "left": "{} h of the clinical window left",
           "pathways": "Pathways", "referral": "Referral"},
}  # fmt: skip


def page(title: str, profile: dict[str, Any], answer: dict[str, Any], language: str) -> str:
    """Return Markdown without ids, dates and digests, which differ from day to day."""
    words = HEADINGS[language]
    facts = ", ".join(f"{name}: {value}" for name, value in profile.items())
    lines = [f"# {title}", "", f"`{facts}`", ""]
    lines += [f"{words['pathways']}: " + "; ".join(
        f"{each['aor']} ({each['version']}) – {each['because_says'][language]}"
        for each in answer["pathways"]
    )]  # fmt: skip
    lines += ["", *(f"> {notice[language]}" for notice in answer["notices"])]
    for step in answer["steps"]:
        lines += ["", *_step(step, language, words)]
    return "\n".join(lines) + "\n"


def _step(step: dict[str, Any], language: str, words: dict[str, str]) -> Iterator[str]:
    left = step.get("remaining_hours")
    clock = f" · {words['left'].format(left)}" if left is not None else ""
    yield f"## {step['order']}. {step['label'][language]} ({step['need']})"
    yield ""
    after = f" · ← {', '.join(step['after'])}" if step["after"] else ""
    yield f"**{step['coverage_says'][language]}** · {step['urgency_says'][language]}{clock}{after}"
    for source in step["because"]:
        checks = source.get("to_check")
        check = f" · {words['checks']}: {', '.join(checks)}" if checks else ""
        yield f"- {words['why']} {source['aor']}/{source['step']}{check}"
        if note := source.get("note"):
            yield f"  - _{note[language]}_"
    for each in step.get("intermediaries", []):
        yield f"- → {each[language]}"
    if step["services"]:
        yield f"- {words['services']} ({step['fitting']}):"
    for at, service in enumerate(step["services"], start=1):
        yield f"  {at}. {service['name']} – {service['organisation']} [{service['points']}]"
        yield from _reasons(service["reasons"], language)
        ways = ", ".join(f"{name}={value}" for name, value in service["referral"].items())
        hours = service.get("open", {}).get(language, "")
        yield f"     · {words['referral']}: {ways} · {hours}"
    if gap := step.get("gap"):
        yield from _gap(gap, language, words)
    for fallback in step.get("fallbacks", []):
        said = fallback["coverage_says"][language]
        yield f"- {words['fallback']}: {fallback['label'][language]} – {said}"
        for service in fallback["services"]:
            yield f"  - {service['name']} [{service['points']}]"


def _gap(gap: dict[str, Any], language: str, words: dict[str, str]) -> Iterator[str]:
    if nearest := gap.get("nearest"):
        far = f" – {nearest['kilometres']} km" if "kilometres" in nearest else ""
        yield f"- {words['nearest']}: {nearest['name']}{far}"
    for miss in gap["near_misses"]:
        causes = "; ".join(reason["says"][language] for reason in miss["excluded_by"])
        yield f"- {words['miss']}: {miss['name']} – {causes}"


def _reasons(reasons: list[dict[str, Any]], language: str) -> Iterator[str]:
    signs = {"for": "+", "against": "−", "check": "?", "excludes": "✕"}
    for reason in reasons:
        points = f" ({reason['points']})" if reason["points"] else ""
        yield f"     {signs[reason['weighs']]} {reason['says'][language]}{points}"
