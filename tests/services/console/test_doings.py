"""Every action that a service records has a text, so that no page shows a code."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from common.words.choices import words
from common.words.codelists import pathways
from common.words.languages import LANGUAGES
from common.words.referral_states import ReferralState
from console.codes import Codes
from console.doings import Beside, done, identity_change, identity_kind, road
from console.moments import Moments
from console.texts import wording
from pydantic import BaseModel
from referrals.case.cases import schemas as cases
from referrals.case.consents import schemas as consents
from referrals.case.consents.api import ConsentStatus
from referrals.ground.audit.queries import Wanted
from referrals.ground.timers.deadlines import Clock, EscalationStep
from referrals.ground.timers.schemas import PolicyBody
from referrals.ground.vocabulary.disclosure import Item
from referrals.listening.line import schemas as line
from referrals.listening.line.queries import WISH
from referrals.referral.referrals import schemas as referrals
from referrals.screening.assistance import schemas as assistance
from referrals.screening.assistance.codes import codes
from referrals.screening.assistance.schemas import PlanChange
from referrals.screening.screenings import schemas as screenings
from reporting.ground.programmes.catalogue import shipped

from tests.pages.words import CODE
from tests.support.reference import ROOT

REFERRALS = ROOT / "services/referrals/src/referrals"
ISSUER = ROOT / "gateway/src/gateway/issuer"
_WRITERS = {"record", "audit", "_audit", "_own_look"}
_DECIDED = ("approved", "refused")
# Actions that end in a code that the source does not list. Each prefix has its possible codes.
FAMILIES: dict[str, tuple[str, ...]] = {
    "break_glass.": ("asked", "open", "read", "refused"),
    "channel.": ("added", "changed", "code_asked", "confirmed", "removed"),
    "escalation.": tuple(EscalationStep),
    "exception.": _DECIDED,
    "line.exception_": _DECIDED,
    "plan.need_": get_args(PlanChange.model_fields["status"].annotation),
    "referral.": (*ReferralState, "confirm", "suggest"),
    "task.": ("ask_consent.done", "delete_disclosed_data.done", "reconsent_at_18.done"),
    "transfer.": ("accepted", "declined", "offered", "recalled"),
}
# Version numbers, and codes of a command that the action already names. A reader does not need them.
UNSAID = {"command", "version"}


def calls(folder: Path, writers: set[str]) -> Iterator[ast.Call]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ""
                name = called.id if isinstance(called, ast.Name) else name
                if name in writers:
                    yield node


def said_in(nodes: list[ast.expr]) -> Iterator[tuple[str, bool]]:
    """Yield each text, and whether a code follows it."""
    for node in nodes:
        parts = {
            id(part) for f in ast.walk(node) if isinstance(f, ast.JoinedStr) for part in f.values
        }
        for each in ast.walk(node):
            if isinstance(each, ast.JoinedStr) and isinstance(each.values[0], ast.Constant):
                yield str(each.values[0].value), True
            elif (
                isinstance(each, ast.Constant)
                and isinstance(each.value, str)
                and id(each) not in parts
            ):
                yield each.value, False


def actions() -> set[str]:
    found = set()
    for call in calls(REFERRALS, _WRITERS):
        for text, open_ended in said_in(call.args):
            if open_ended:
                assert text in FAMILIES, f"which codes follow {text!r}? FAMILIES says it"
                found |= {f"{text}{code}" for code in FAMILIES[text]}
            elif "." in text and " " not in text:
                found.add(text)
    return found


def test_all_that_is_written_of_a_case_has_words() -> None:
    found = actions()
    assert {"referral.confirm", "escalation.expiry", "line.spam", "case.read"} <= found
    for language in LANGUAGES:
        say = wording(language)
        assert sorted(each for each in found if each in done(each, say)) == []
    say = wording("es")
    assert done("task.ask_consent.done", say).startswith("Hecho: ")
    assert done("case.teleported", say).endswith("case.teleported"), "newer than this console"


def test_what_stands_beside_has_a_name() -> None:
    names: set[str] = set()
    for call in calls(REFERRALS, _WRITERS):
        if not any("." in text for text, _ in said_in(call.args)):
            continue
        for node in [*call.args, *(each.value for each in call.keywords)]:
            for held in ast.walk(node):
                if isinstance(held, ast.Dict):
                    names |= {k.value for k in held.keys if isinstance(k, ast.Constant)}  # type: ignore[misc]
    assert {"reason", "items", "clock"} <= names
    keys = wording("es").keys
    names |= {
        "support_type",
        "amount_band",
        *PolicyBody.model_fields,
    }  # The code passes these names in a variable.
    assert sorted(n for n in names - UNSAID if f"audit.code.{n}" not in keys) == []


def beside() -> Beside:
    moments = Moments("es", ZoneInfo("America/Caracas"), datetime(2026, 11, 28, tzinfo=UTC))
    # fmt: off
    return Beside(wording("es"), Codes("es"), moments, {"0190a000-0000-7000-8000-000000000001": "Refugio"},
                  {name: {code: words["es"] for code, words in codes(name).items()} for name in ("support_type", "amount_band")})


@pytest.mark.parametrize(
    ("action", "detail", "said"),
    [
        ("referral.declined", {"command": "decline", "reason": "capacity", "version": 3}, ["motivo: No hay cupo"]),
        ("case.closed", {"reason": "moved"}, ["motivo: La persona se mudó"]),
        ("consent.ended", {"kind": "referral", "items": ["age", "sex"], "reason": "case_closed"},
         ["lo que se compartió: Edad, Sexo", "finalidad: Remisión", "motivo: Se cerró el caso"]),
        ("consent.withdrawn", {"method": "phone"}, ["cómo: Por teléfono"]),
        ("line.handed_over", {"basis": "vital_interest", "organisation": "0190a000-0000-7000-8000-000000000001"},
         ["fundamento: Peligro para la vida", "organización: Refugio"]),
        ("plan.need_added", {"need": "HLT", "support_type": "Health"},
         [f"necesidad: {Codes('es').need('HLT')}", f"tipo de apoyo: {codes('support_type')['Health']['es']}"]),
        ("case.searched", {"found": 2}, ["encontrados: 2"]),
        ("route.recorded", {"statistics": True}, ["cuenta en las estadísticas: sí"]),
        ("audit.read", {"filters": ["case_id", "since"]}, ["filtros: Código del caso o de la remisión, desde"]),
        ("referral.withdrawn", {"command": "withdraw", "reason": "own_code"}, ["motivo: Con el código de la persona"]),
        ("timer_policy.set", {"window_minutes": 90, "working_time": True},
         ["plazo en minutos: 90", "solo días laborables: sí"]),
        ("referral.declined", {"reason": "newer_than_this"}, ["motivo: un valor que esta consola no reconoce"]),
        ("referral.declined", {"newer": "x", "reason": None}, []),
    ],
)  # fmt: skip
def test_codes_beside_are_told_in_words(
    action: str, detail: dict[str, Any], said: list[str]
) -> None:
    assert list(beside().lines(action, detail)) == said


def chosen(model: type[BaseModel], name: str) -> list[str]:
    """Return the possible values of a body's field."""
    field = model.model_json_schema()["properties"][name]
    found = [code for one in (field, *field.get("anyOf", ())) for code in one.get("enum", ())]
    assert found, f"{model.__name__}.{name} is a choice no more"
    return found


# For each action, its details and their possible values.
CHOICES: tuple[tuple[str, dict[str, str], str, Iterable[str]], ...] = (
    ("referral.declined", {"command": "decline"}, "reason", chosen(referrals.Decline, "reason")),
    ("referral.on_hold", {"command": "hold"}, "reason", chosen(referrals.Hold, "reason")),
    ("referral.completed", {"command": "complete"}, "outcome", chosen(referrals.Complete, "outcome")),
    ("referral.not_delivered", {"command": "report-not-delivered"}, "reason", chosen(referrals.NotDelivered, "reason")),
    ("referral.recalled", {"command": "recall"}, "reason", [*chosen(referrals.Recall, "reason"), "case_closed", "own_work"]),
    ("referral.entered_in_error", {"command": "enter-in-error"}, "reason", chosen(referrals.EnterInError, "reason")),
    ("referral.withdrawn", {"command": "withdraw"}, "reason", [*chosen(referrals.Withdraw, "method"), "erased"]),
    ("case.closed", {}, "reason", chosen(cases.Closure, "reason")),
    ("case.erased", {}, "basis", chosen(cases.Erasure, "basis")),
    ("case.reopened", {}, "reason", chosen(cases.Reopening, "reason")),
    ("consent.recorded", {}, "kind", chosen(consents.NewConsent, "kind")),
    ("consent.recorded", {}, "status", get_args(ConsentStatus)),
    ("consent.withdrawn", {}, "method", chosen(consents.Withdrawal, "method")),
    ("consent.ended", {}, "reason", ["case_closed", "case_erased"]),
    ("exception.requested", {}, "basis", chosen(consents.NewException, "basis")),
    ("line.exception_asked", {}, "basis", chosen(line.NewLineException, "basis")),
    ("line.handed_over", {}, "basis", [WISH, *chosen(line.NewLineException, "basis")]),
    ("line.given_back", {}, "reason", chosen(line.Declining, "reason")),
    ("line.closed", {}, "reason", chosen(line.Closing, "reason")),
    ("line.rerouted", {}, "from", pathways()),
    ("line.rerouted", {}, "to", pathways()),
    ("review.done", {}, "outcome", chosen(assistance.ReviewDone, "outcome")),
    ("screening.stopped", {}, "reason", chosen(screenings.Stop, "reason")),
    ("assistance.given", {}, "support_type", codes("support_type")),
    ("assistance.given", {}, "amount_band", codes("amount_band")),
    ("disclosure.read", {}, "items", Item),
    ("escalation.expiry", {}, "clock", Clock),
    ("timer_policy.set", {}, "aor", pathways()),
    ("timer_policy.set", {}, "urgency", words("urgencies")),
    ("audit.read", {}, "filters", [field.name for field in fields(Wanted)]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("action", "more", "name", "values"), CHOICES, ids=[f"{c[0]}-{c[2]}" for c in CHOICES]
)
def test_whatever_may_be_chosen_has_words(
    action: str, more: dict[str, str], name: str, values: Iterable[str]
) -> None:
    newer = beside().say("audit.newer")
    said = {one: list(beside().lines(action, {**more, name: one})) for one in values}
    assert sorted(one for one, lines in said.items() if not lines or newer in lines[-1]) == []
    assert [lines for lines in said.values() if CODE.findall(lines[-1])] == []


def test_every_change_of_an_access_has_words() -> None:
    whats, kinds = {"changed own second factor"}, set()  # The code passes this text in a variable.
    for call in calls(ISSUER, {"record", "_changed"}):
        at = 3 if ast.unparse(call.func) == "_changed" else 2
        what = next((text for text, _ in said_in(call.args[at : at + 1])), "")
        if what:
            whats.add(what.strip())
            kinds |= {text for text, _ in said_in(call.args[at + 1 : at + 2])}
    assert {"created", "voided tokens", "changed", "removed a passkey"} <= whats
    say, english = wording("es"), wording("en")
    assert sorted(w for w in whats if identity_change(w, say) == say("changes.what.other")) == [
        "changed"
    ]
    assert identity_change("changed active roles", say) == "cambiado"
    assert sorted(k for k in kinds if identity_kind(k, say) == say("changes.of.other")) == []
    assert identity_change("added a passkey", english) == "passkey added"


def test_a_road_of_the_directory_is_told_by_what_is_read_there() -> None:
    say = wording("en")
    assert road("/directory/v1/services/0190a000-0000-7000-8000-000000000001", say) == "directory"
    assert road("/directory/v1/service_at_locations", say) == "services by place"
    assert road("/directory/v1/something-newer", say) == "another list"


def test_every_dimension_of_a_programme_has_a_name() -> None:
    names = {name for one in shipped() for name in (d.name for d in one.dimensions)}
    assert "progress" in names
    assert sorted(n for n in names if f"dim.{n}" not in wording("es").keys) == []
