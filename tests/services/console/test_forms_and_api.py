"""Forms match the API: every field belongs to the body it fills, and every choice is accepted."""

import ast
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from common.words.choices import words
from common.words.referral_states import ReferralState
from console.accounts import forms as accounts
from console.app import SCREENS
from console.bulletins import api as bulletins
from console.cases import views as cases
from console.commands import Command
from console.context import forms as context
from console.curation import api as curation
from console.fivews import api as fivews
from console.forms import WITHDRAW
from console.handing import commands as handing
from console.imports import api as imports
from console.letterhead import api as letterhead
from console.pathways import api as pathways
from console.pathways import views as steps
from console.planning import api as planning
from console.referrals import refer
from console.referrals.steps import STEPS
from console.releases import api as releases
from console.services.api import STATES
from gateway.front.description.document import combined
from gateway.front.routes import ROUTES, Upstream
from referrals.ground.vocabulary.disclosure import REACHED_BY
from referrals.referral.referrals import lifecycle
from stack.reference.described import descriptions
from starlette.routing import Route

COMMANDS = [*(command for screens in SCREENS for command in screens.commands), handing.OFFERED]


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    parts = descriptions()
    documents = {
        upstream: parts[upstream]
        for upstream in (
            Upstream.REFERRALS,
            Upstream.DIRECTORY,
            Upstream.REPORTING,
            Upstream.ISSUER,
        )
    }
    return combined(documents, ROUTES, public_url="https://ruta.example", version="1")


def body_of(api: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    content = api["paths"][path][method].get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return schema


def at(api: dict[str, Any], schema: dict[str, Any], pointer: str) -> list[dict[str, Any]]:
    """Return the schemas of the value at the pointer, or none if there is no such place."""
    found = alternatives(api, schema)
    for part in pointer.split("/"):
        found = [
            each
            for one in found
            if part in one.get("properties", {})
            for each in alternatives(api, one["properties"][part])
        ]
    return found


def alternatives(api: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return alternatives(api, api["components"]["schemas"][name])
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return [each for one in several for each in alternatives(api, one)]
    return [schema]


def has(api: dict[str, Any], schema: dict[str, Any], name: str) -> bool:
    found = at(api, schema, name.removesuffix("[]"))
    if name.endswith("[]"):
        return any(one.get("type") == "array" for one in found)
    return bool(found)


def takes(api: dict[str, Any], schema: dict[str, Any], pointer: str) -> set[str]:
    """Return the values that a choice accepts."""
    return {
        str(value)
        for one in at(api, schema, pointer)
        for each in (one, *alternatives(api, one.get("items", {})))
        for value in (*each.get("enum", ()), *([each["const"]] if "const" in each else ()))
    }


def context_names(name: str) -> tuple[str, ...]:
    command = context.command(name, change=False)
    return tuple(each.removeprefix(f"{name}/") for each in command.names)


# For each form's address, the API operation and the fields that it fills. Forms of a command declare these
# themselves.
CASES, RECORDS, RELEASES = (
    "/referrals/v1/cases",
    "/directory/v1/records/services/{service_id}",
    "/reports/v1/releases",
)
BULLETIN, PATHWAY = "/reports/v1/bulletins/{bulletin_id}", "/directory/v1/pathways/{pathway_id}"
LETTERHEAD, ACTIVITIES = "/reports/v1/bulletins/letterhead", "/reports/v1/activities"
MESSAGE = "/directory/v1/risk-messages/{message_id}"
APPROVE = ("approve",)
REFERRAL = ("case_id", "service_id", "category", "from_case[]", *refer.SHARED, *refer.CONTACT)
WHOLE = ("aor", "area", "title", "steps[]")  # The API replaces a pathway's step as a whole.
FORMS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "tasks/{task_id}": (("post", "/referrals/v1/tasks/{task_id}/done", ()),),
    "team/people/{person_id}": (("post", f"{CASES}/{{case_id}}/assign", ("assigned_to",)),),
    "cases/search": (("post", f"{CASES}/search", cases.SEARCH),),
    "cases/new": (("post", CASES, cases.NEW_CASE),),
    "cases/{case_id}/change": (
        ("patch", f"{CASES}/{{case_id}}", (*cases.CHANGE, "expected_version")),
    ),
    "cases/{case_id}/record/picture": (("post", f"{CASES}/{{case_id}}/attachments", ()),),
    "cases/{case_id}/screen": (
        ("post", "/referrals/v1/screenings", ("instrument_id", "case_id", "answers")),
    ),
    "screenings/{screening_id}/ask": (
        (
            "post",
            "/referrals/v1/screenings/{screening_id}/answers",
            ("answers", "expected_version"),
        ),
    ),
    "cases/{case_id}/refer": (
        ("post", "/referrals/v1/consents", ("case_id", *refer.CONSENT, "service_id")),
        ("post", "/referrals/v1/referrals", REFERRAL),
        ("post", "/referrals/v1/referrals/{referral_id}/send", ("grant_id", "in_addition")),
        (
            "post",
            "/directory/v1/pathways/resolve",
            tuple(name.removeprefix("facts/") for name in refer.FACTS),
        ),
    ),
    "find": (
        (
            "post",
            "/directory/v1/pathways/resolve",
            tuple(name.removeprefix("facts/") for name in refer.FACTS),
        ),
    ),
    "consents/{grant_id}/withdraw": (
        ("post", "/referrals/v1/consents/{grant_id}/withdraw", ("method",)),
    ),
    "consents/{grant_id}/slip": (
        ("post", "/referrals/v1/consents/{grant_id}/withdrawal-code", ()),
    ),
    "services/{service_id}/capacity": (
        ("put", "/directory/v1/services/{service_id}/capacity", ("state",)),
    ),
    "decisions/consents/{id}": (("post", "/referrals/v1/consents/{grant_id}/decision", APPROVE),),
    "decisions/exceptions/{id}": (
        ("post", "/referrals/v1/exceptions/{exception_id}/decision", APPROVE),
    ),
    "decisions/break-glass/{id}": (
        ("post", "/referrals/v1/break-glass/{access_id}/decision", APPROVE),
    ),
    "late/{organisation_id}": (
        (
            "post",
            "/referrals/v1/timers/overdue/organisations/{organisation_id}/calls",
            ("aor", "outcome"),
        ),
    ),
    "intake/forms/{form_id}": (
        ("put", "/referrals/v1/intake/forms/{form_id}", ("name", "mapping")),
    ),
    "line/exceptions/{exception_id}": (
        ("post", "/referrals/v1/line/exceptions/{exception_id}/decide", APPROVE),
    ),
    "handed-over/{report_id}": (
        ("post", "/referrals/v1/line/handed-over/{report_id}/case", cases.NEW_CASE),
    ),
    "people/new": (("post", "/identity/v1/people", accounts.NEW_PERSON),),
    "people/{person_id}": (
        ("patch", "/identity/v1/people/{person_id}", (*accounts.RIGHTS, "active")),
    ),
    "people/{person_id}/credentials": (
        ("post", "/identity/v1/people/{person_id}/credentials", ()),
    ),
    "people/{person_id}/invitation": (
        ("post", "/identity/v1/people/{person_id}/invitation", ("days",)),
    ),
    "people/{person_id}/invitation/revocation": (
        ("post", "/identity/v1/people/{person_id}/invitation/revocation", ()),
    ),
    "clients/new": (("post", "/identity/v1/clients", accounts.NEW_CLIENT),),
    "clients/{client_id}": (
        ("patch", "/identity/v1/clients/{client_id}", ("name", *accounts.RIGHTS, "active")),
    ),
    "clients/{client_id}/secret": (("post", "/identity/v1/clients/{client_id}/secret", ()),),
    "clients/{client_id}/revocation": (
        ("post", "/identity/v1/clients/{client_id}/revocation", ()),
    ),
    "organisations/new": (("post", "/identity/v1/organisations", accounts.NEW_ORGANISATION),),
    "organisations/{organisation_id}": (
        ("patch", "/identity/v1/organisations/{organisation_id}", ("name", "aors[]", "active")),
    ),
    "entries/{service_id}/approve": (("post", f"{RECORDS}/approve", ()),),
    "entries/{service_id}/return": (("post", f"{RECORDS}/return", ("reason",)),),
    "entries/{service_id}/verify": (("post", f"{RECORDS}/verify", ()),),
    "entries/{service_id}/capacity": (
        ("put", "/directory/v1/services/{service_id}/capacity", ("state",)),
    ),
    "entries/{service_id}/edit": (("patch", RECORDS, ()),),
    "entries/{service_id}/merge": (("post", f"{RECORDS}/merge", ("into",)),),
    "entries/{service_id}/withdraw": (("post", f"{RECORDS}/withdraw", ()),),
    "entries/{service_id}/endorse": (
        ("post", "/directory/v1/endorsements", ("service_id", "aor")),
        ("delete", "/directory/v1/endorsements/{service_id}/{aor}", ()),
    ),
    "houses/{entity_id}": (
        ("post", "/directory/v1/records/houses/{entity_id}", ("is_house", "words[]")),
    ),
    "endorsements": (("post", "/directory/v1/endorsements", ("service_id", "aor")),),
    "risks/new": (("post", "/directory/v1/risk-messages", curation.MESSAGE),),
    "risks/{message_id}": (("put", MESSAGE, curation.MESSAGE),),
    "risks/{message_id}/publish": (("post", f"{MESSAGE}/publish", ()),),
    "risks/{message_id}/withdraw": (("post", f"{MESSAGE}/withdraw", ()),),
    "successions/{succession_id}/confirm": (
        ("post", "/directory/v1/successions/{succession_id}/confirm", ()),
    ),
    "successions/{succession_id}/refuse": (
        ("post", "/directory/v1/successions/{succession_id}/refuse", ()),
    ),
    "releases": (("post", "/reports/v1/closings", releases.CLOSE),),
    "releases/closings/{closing_id}/publish": (
        ("post", "/reports/v1/closings/{closing_id}/publications", ()),
    ),
    "releases/closings/{closing_id}/sign-off": (
        ("post", "/reports/v1/closings/{closing_id}/sign-offs", ()),
    ),
    "releases/{release_id}/waive": (
        ("post", f"{RELEASES}/{{release_id}}/waivers", releases.WAIVE),
    ),
    "releases/{release_id}/sign-off": (("post", f"{RELEASES}/{{release_id}}/sign-offs", ()),),
    "releases/{release_id}/publish": (("post", f"{RELEASES}/{{release_id}}/publish", ()),),
    "releases/{release_id}/withdraw": (
        ("post", f"{RELEASES}/{{release_id}}/withdrawal", WITHDRAW),
    ),
    "releases/{release_id}/withdraw/agree": (
        ("post", f"{RELEASES}/{{release_id}}/withdrawal/agreement", ()),
    ),
    "bulletins/{bulletin_id}/withdraw": (("post", f"{BULLETIN}/withdrawal", WITHDRAW),),
    "bulletins/{bulletin_id}/withdraw/agree": (("post", f"{BULLETIN}/withdrawal/agreement", ()),),
    "bulletins": (("post", "/reports/v1/bulletins", bulletins.DRAFT),),
    "bulletins/{bulletin_id}/sections/{section}": (("put", f"{BULLETIN}/words", bulletins.WORDS),),
    "bulletins/{bulletin_id}/arrangement": (
        ("put", f"{BULLETIN}/arrangement", bulletins.ARRANGEMENT),
    ),
    "bulletins/{bulletin_id}/sign-off": (("post", f"{BULLETIN}/sign-off", bulletins.SIGNED),),
    "bulletins/{bulletin_id}/publish": (("post", f"{BULLETIN}/publication", ()),),
    "bulletins/{bulletin_id}/document": (("post", f"{BULLETIN}/documents/{{language}}", ()),),
    "letterhead": (("put", LETTERHEAD, (*letterhead.TEXTS, "organisations[]")),),
    "letterhead/remove": (("put", LETTERHEAD, (*letterhead.TEXTS, "organisations[]")),),
    "imports": (("post", "/directory/v1/imports", ()),),
    "pathways": (("post", "/directory/v1/pathways/proposals/{aor}", ("area",)),),
    "pathways/{pathway_id}/submit": (("post", f"{PATHWAY}/submit", ()),),
    "pathways/{pathway_id}/revise": (("put", f"{PATHWAY}/draft", WHOLE),),
    "pathways/{pathway_id}/return": (("post", f"{PATHWAY}/return", pathways.RETURN),),
    "pathways/{pathway_id}/publish": (("post", f"{PATHWAY}/publish", ()),),
    "pathways/{pathway_id}/try": (
        ("post", f"{PATHWAY}/simulate", ("profiles[]", "profile_set")),
        ("post", "/directory/v1/pathways/profile-sets", ("aor", "name", "profiles[]")),
    ),
    "pathways/{pathway_id}/steps": (("put", f"{PATHWAY}/draft", (*WHOLE, "omits[]")),),
    "pathways/{pathway_id}/steps/{key}": (("put", f"{PATHWAY}/draft", WHOLE),),
    "activities/import": (("post", "/reports/v1/activities/imports", ()),),
    "activities/mapping": (("post", f"{ACTIVITIES}/mappings", ()),),
    "activities/mapping/confirm": (("put", f"{ACTIVITIES}/mappings/{{layout}}", fivews.SENT),),
    "activities/targets": (("put", "/reports/v1/activities/targets", planning.TARGET),),
    "series": (("post", "/reports/v1/context/series", (*planning.SERIES, "points")),),
    "protocols": (("post", "/referrals/v1/protocols", planning.PROTOCOL),),
    **{
        f"context/{name}s/{place}": (
            (method, f"/reports/v1/context/{name}s{one}", context_names(name)),
        )
        for name in context.FIELDS
        for place, method, one in (
            ("new", "post", ""),
            (f"{{{name}_id}}", "put", f"/{{{name}_id}}"),
        )
    },
    **{
        f"context/{name}s/{{{name}_id}}/remove": (
            ("delete", f"/reports/v1/context/{name}s/{{{name}_id}}", ()),
        )
        for name in ("stakeholder", "statement")
    },
    "context/statements/{statement_id}/agree": (
        ("post", "/reports/v1/context/statements/{statement_id}/agreement", ()),
    ),
    "protocols/{protocol_id}/end": (("post", "/referrals/v1/protocols/{protocol_id}/end", ()),),
}


def sent_to() -> set[str]:
    """Return the addresses of forms that are not commands."""
    return {
        route.path.removeprefix("/console/").replace(":uuid", "")
        for screens in SCREENS
        for route in screens.router.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
        if not any(route.path.endswith(f"/{each.name}") for each in screens.commands)
    }


def test_no_form_is_left_out() -> None:
    assert sent_to() == set(FORMS)


@pytest.mark.parametrize("form", FORMS)
def test_every_field_of_a_form_is_one_of_the_api(api: dict[str, Any], form: str) -> None:
    for method, path, names in FORMS[form]:
        assert method in api["paths"][path], path
        schema = body_of(api, method, path)
        assert [name for name in names if not has(api, schema, name)] == []
        uploaded = "multipart/form-data" in api["paths"][path][method].get("requestBody", {}).get(
            "content", {}
        )
        required = {name for one in alternatives(api, schema) for name in one.get("required", [])}
        assert uploaded or required <= {name.split("/")[0].removesuffix("[]") for name in names}


def test_an_import_is_asked_for_as_the_api_takes_it(api: dict[str, Any]) -> None:
    parameters = {
        each["name"]: each["schema"]
        for each in api["paths"]["/directory/v1/imports"]["post"]["parameters"]
    }

    def of(name: str) -> set[str]:
        found = alternatives(api, parameters[name])
        return {str(value) for one in found for value in one.get("enum", ())}

    assert set(imports.MODES) == of("mode")
    assert words("visibility_levels").keys() == of("visibility")
    assert set(imports.FORMATS) == of("format") - {"xlsx", "csv"}, "both are the workbook"
    assert {*imports.START[1:], "dry_run", "file_name"} <= set(parameters)


# Calls that write nothing may run twice. Each command in a bulk request has its own key.
ONLY_ASKED = ("/search", "/resolve", "/simulate", "/names", "/resolve-profile", "/bulk")
_WRITES = {"post", "put", "patch", "delete", "upload", "upload_form", "send"}


def test_every_form_brings_a_key_and_every_command_is_sent_with_it() -> None:
    """A form that is sent twice has one effect."""
    package = files("console")
    keyless = [
        path.name
        for path in sorted(Path(str(package)).rglob("*.html"))
        for form in re.findall(r"<form[^>]*post.*?</form>", path.read_text("utf-8"), re.DOTALL)
        # Signing out may be repeated, and a form to resend stores its key with its data.
        if not {"/session/end", 'name="key"', "kept"}
        & set(re.findall(r'/session/end|name="key"|kept', form))
    ]
    assert keyless == []
    for path in sorted(Path(str(package)).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            where = ast.unparse(node.func)
            if not where.endswith(tuple(f"calls.{name}" for name in _WRITES)):
                continue
            if "key" in {each.arg for each in node.keywords}:
                continue
            asked = " ".join(ast.unparse(each) for each in node.args[:2])
            if not any(re.search(rf"{end}['\"]", asked) for end in ONLY_ASKED):
                keyless.append(f"{path.name}: {ast.unparse(node)[:100]}")
    assert keyless == []


def test_how_much_may_be_written_is_said_as_the_api_takes_it(api: dict[str, Any]) -> None:
    from console.texts import wording

    schema = body_of(api, "put", f"{BULLETIN}/words")
    (texts,) = at(api, schema, "texts")
    most = {
        each["maxLength"]
        for language in ("es", "en")
        for each in at(api, texts["additionalProperties"], language)
    }
    assert most == {1200}
    assert "1.200" in wording("es")("bulletin.words_hint")
    assert "1,200" in wording("en")("bulletin.words_hint")


def test_a_step_of_a_pathway_has_the_fields_and_choices_of_the_api(api: dict[str, Any]) -> None:
    path = "/directory/v1/pathways/{pathway_id}/draft"
    (listed,) = at(api, body_of(api, "put", path), "steps")
    schema = listed["items"]
    assert [name for name in ("key", *steps.STEP, *steps.FLAGS) if not has(api, schema, name)] == []
    assert set(steps.URGENCIES) == takes(api, schema, "urgency")
    assert set(steps.SEXES) == takes(api, schema, "condition/sexes")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: f"{one.method} {one.path}")
def test_a_command_has_the_fields_and_choices_of_its_operation(
    api: dict[str, Any], command: Command
) -> None:
    path = operation(api, command)
    schema = body_of(api, command.method, path)
    names = [name.removeprefix(f"{command.name}/") for name in command.names]
    assert [name for name in names if not has(api, schema, name)] == []
    for field in command.fields:
        if field.codes:
            assert set(field.codes) == takes(api, schema, field.name), field.name
    required = {name for one in alternatives(api, schema) for name in one.get("required", [])}
    if command is handing.OFFERED:  # The other fields belong to the consent.
        required -= {"case_id", "grant_id", "to_organisation"}
    assert required <= {name.split("/")[0].removesuffix("[]") for name in names}


def operation(api: dict[str, Any], command: Command) -> str:
    """Return the operation's path in the description, whatever names the page uses for ids."""
    shape = re.sub(r"\{[a-z_]+\}", "{}", command.path)
    return next(
        str(path)
        for path, operations in api["paths"].items()
        if re.sub(r"\{[a-z_]+\}", "{}", path) == shape and command.method in operations
    )


def test_choices_of_context_are_those_of_the_api(api: dict[str, Any]) -> None:
    for name, fields in context.FIELDS.items():
        schema = body_of(api, "post", f"/reports/v1/context/{name}s")
        for field in fields:
            assert not field.codes or set(field.codes) == takes(api, schema, field.name), field.name


def test_choices_are_all_that_the_api_takes(api: dict[str, Any]) -> None:
    consents = body_of(api, "post", "/referrals/v1/consents")
    referrals = body_of(api, "post", "/referrals/v1/referrals")
    registering = body_of(api, "post", "/referrals/v1/cases")
    capacity = body_of(api, "put", "/directory/v1/services/{service_id}/capacity")
    assert set(refer.METHODS) == takes(api, consents, "method")
    assert set(refer.RULES) == takes(api, referrals, "safe_contact/rule")
    assert set(cases.CAREGIVERS) == takes(api, registering, "caregiver")
    assert set(cases.SEXES) == takes(api, registering, "attributes/sex")
    assert set(STATES) == set(curation.CAPACITIES) == takes(api, capacity, "state")
    items = takes(api, consents, "items")
    assert {*refer._ITEMS, *refer._TEXTS} == items
    assert set(refer.REACHED_BY) <= items
    assert set(refer.REACHED_BY) == REACHED_BY


def test_every_step_that_people_may_take_has_a_form() -> None:
    """Every step open to a person has a form. A withdrawal belongs to the consent and is on its page."""
    system = {lifecycle.Party.SYSTEM}
    people = {name for name, rule in lifecycle.RULES.items() if rule.parties != system}
    assert people - {lifecycle.Command.WITHDRAW} <= set(STEPS)


def test_the_words_of_every_choice_exist() -> None:
    from console.texts import wording

    say = wording("es")
    for command in COMMANDS:
        for field in command.fields:
            name = f"{command.name}/{field.name}"
            assert field.kind == "given" or say.label(name) != say("field.other"), name
            assert all(say.code(command.name, code) != say("code.other") for code in field.codes)
            if field.kind == "agreed":
                assert say.has(f"agreed.{name}") or say.has(f"agreed.any/{field.name}"), name
    assert [name for name in STEPS if not say.has(f"step.{name}")] == []
    for state in ReferralState:
        assert say.has(f"state.{state}"), state
        assert say.has(f"did.referral.{state}"), state
    for name in (*cases.NEW_CASE, *cases.SEARCH, *refer.FIELDS):
        assert say.label(name) != say("field.other"), name
