"""Reads an XLSForm workbook as an instrument, parsed by pyxform.

Rejects forms about several people, attachments, exact places and a single language. Form tools ignore our columns:
`ruta_role`, `ruta_element`, `ruta_grade` (survey), `ruta_value`, `ruta_element`, `ruta_grade` (choices). See
docs/screening.md.
"""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from common.words.languages import LANGUAGES
from pydantic import ValidationError

from referrals.screening.screenings.expressions import Expression, NotUnderstood, parse
from referrals.screening.screenings.instrument import (
    Instrument,
    Kind,
    Labels,
    Option,
    Question,
    Role,
    Unfit,
    check_fit,
)
from referrals.screening.screenings.workbook_guard import UnreadableWorkbook, check_workbook

Node = Mapping[str, Any]

_KINDS = {
    "select one": Kind.ONE_OF,
    "select all that apply": Kind.MANY_OF,
    "integer": Kind.INTEGER,
    "int": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "text": Kind.TEXT,
    "string": Kind.TEXT,
    "date": Kind.DATE,
    "note": Kind.NOTE,
    "calculate": Kind.CALCULATION,
}
# Fields that a form tool fills in itself; Ruta omits them.
_RECORDED_BY_TOOL = frozenset(
    {"start", "end", "today", "deviceid", "username", "email", "phonenumber", "simserial"}
    | {"subscriberid", "audit", "start-geopoint", "hidden"}
)
_LANGUAGE = re.compile(r"\(([A-Za-z]{2})\)\s*$|^([A-Za-z]{2})$")


def read_xlsform(content: bytes) -> Instrument:
    """Return a workbook's instrument; raise UnreadableWorkbook with a pointer to the obstacle."""
    check_workbook(content)
    return _instrument(_read_by_pyxform(content))


def _read_by_pyxform(content: bytes) -> Node:
    # Import pyxform only here: it takes a third of the service's start-up time, and few processes ever read a form.
    from pyxform.errors import PyXFormError  # type: ignore[import-untyped]  # noqa: PLC0415 - see above; ships no types
    from pyxform.xls2json import workbook_to_json  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from pyxform.xls2json_backends import get_xlsform  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from pyxform.xls2xform import convert  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    try:
        form: Node = workbook_to_json(get_xlsform(BytesIO(content)), fallback_form_name="data")
        convert(content, file_type=".xlsx")  # broken references appear only in the finished XForm
    except PyXFormError as error:
        raise UnreadableWorkbook(f"The form is not valid: {str(error)[:500]}") from error
    except Exception as error:  # pyxform fails in many ways if the file is not an XLSForm
        raise UnreadableWorkbook("The workbook is no XLSForm.") from error
    return form


def _instrument(form: Node) -> Instrument:
    title = str(form.get("title") or form.get("id_string"))
    try:
        instrument = Instrument(
            code=str(form.get("id_string")),
            version=str(form.get("version") or ""),
            title=_alike(title),
            questions=tuple(_questions(form.get("children", ()), None, None)),
        )
    except ValidationError as error:
        raise _unfit(error, "/settings") from error
    try:
        check_fit(instrument)
    except Unfit as flaw:
        pointer = f"/survey/{flaw.question}" if flaw.question else "/survey"
        raise UnreadableWorkbook(f"It cannot be an instrument: {flaw}.", pointer) from flaw
    return instrument


def _questions(nodes: Any, section: Labels | None, condition: str | None) -> Iterator[Question]:
    for node in nodes:
        kind, name = str(node.get("type")), str(node.get("name"))
        if kind == "group":
            if name != "meta":
                label = node.get("label")
                yield from _questions(
                    node.get("children", ()),
                    _labels(label, name) if label else section,
                    _both(condition, _relevant(node)),
                )
        elif kind not in _RECORDED_BY_TOOL:
            yield _question(node, kind, name, section, condition)


def _question(
    node: Node, kind: str, name: str, section: Labels | None, condition: str | None
) -> Question:
    if kind not in _KINDS:
        raise UnreadableWorkbook(
            f"The type '{kind}' has no place in a screening: no repeats, files or exact places.",
            f"/survey/{name}",
        )
    bind = node.get("bind", {})
    for text in (_relevant(node), bind.get("constraint"), bind.get("calculate")):
        if text:
            _understood(str(text), name)
    label = node.get("label")
    if label is None and _KINDS[kind] is Kind.CALCULATION:
        label = name
    try:
        return Question(
            id=name,
            kind=_KINDS[kind],
            label=_labels(label, name),
            hint=_labels(node["hint"], name) if node.get("hint") else None,
            section=section,
            options=tuple(_option(each, name) for each in node.get("choices", ())),
            relevant=_both(condition, _relevant(node)),
            constraint=str(bind["constraint"]) if bind.get("constraint") else None,
            calculation=str(bind["calculate"]) if bind.get("calculate") else None,
            required=str(bind.get("required", "")).lower() in ("yes", "true", "true()"),
            role=_role(node, name),
            element=_word(node, "ruta_element"),
            grade=_word(node, "ruta_grade"),
            needs_review=bool(_word(node, "ruta_grade")),
        )
    except ValidationError as error:
        raise _unfit(error, f"/survey/{name}") from error


def _option(choice: Node, question: str) -> Option:
    code = str(choice.get("name"))
    try:
        return Option(
            code=code,
            label=_labels(choice.get("label"), f"{question}/{code}"),
            value=_word(choice, "ruta_value"),
            element=_word(choice, "ruta_element"),
            grade=_word(choice, "ruta_grade"),
        )
    except ValidationError as error:
        raise _unfit(error, "/choices") from error


def _unfit(error: ValidationError, pointer: str) -> UnreadableWorkbook:
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return UnreadableWorkbook(f"{where}: {first['msg']}", pointer)


def _role(node: Node, name: str) -> Role | None:
    word = _word(node, "ruta_role")
    if word is None:
        return None
    try:
        return Role(word)
    except ValueError as error:
        known = ", ".join(Role)
        raise UnreadableWorkbook(f"ruta_role is one of: {known}.", f"/survey/{name}") from error


def _alike(name: str) -> Labels:
    return Labels(**dict.fromkeys(LANGUAGES, name))


def _labels(label: Any, name: str) -> Labels:
    """Return both languages of a label; reject a plain label in one language."""
    found: dict[str, str] = {}
    if isinstance(label, Mapping):
        for language, text in label.items():
            match = _LANGUAGE.search(str(language))
            if match and text:
                found[(match[1] or match[2]).lower()] = str(text)
    missing = [language for language in LANGUAGES if language not in found]
    if missing and name == label:
        return _alike(name)
    if missing:
        raise UnreadableWorkbook(
            f"The text lacks a language: {', '.join(missing)}. Name the columns like"
            " 'label::Español (es)' and 'label::English (en)'.",
            f"/survey/{name}",
        )
    try:
        return Labels(**{language: found[language] for language in LANGUAGES})
    except ValidationError as error:
        raise UnreadableWorkbook("A text is too long.", f"/survey/{name}") from error


def _relevant(node: Node) -> str | None:
    text = node.get("bind", {}).get("relevant")
    if not text:
        return None
    _understood(str(text), str(node.get("name")))
    return str(text)


def _understood(text: str, name: str) -> Expression:
    try:
        return parse(text)
    except NotUnderstood as error:
        raise UnreadableWorkbook(
            f"A condition is not understood: {error}.", f"/survey/{name}"
        ) from error


def _both(outer: str | None, inner: str | None) -> str | None:
    if outer and inner:
        return f"({outer}) and ({inner})"
    return outer or inner


def _word(node: Node, column: str) -> Any:
    text = node.get(column)
    return str(text).strip() or None if text is not None else None
