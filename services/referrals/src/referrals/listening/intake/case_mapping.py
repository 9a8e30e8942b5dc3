"""Maps a submission to a case with needs, by configuration. Pure. A form never records a consent: a caseworker asks the
person (`asked`). Errors name the location, never the value."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from referrals.listening.intake.mapping import (
    FormMapping,
    Reason,
    day_of,
    place_code,
    pointer_to,
    text_of,
)

TARGETS: Mapping[str, tuple[str, ...]] = {
    "name": ("identity", "name"),
    "given_name": ("parts", "given_name"),
    "middle_name": ("parts", "middle_name"),
    "surname": ("parts", "surname"),
    "second_surname": ("parts", "second_surname"),
    "other_names": ("identity", "other_names"),
    "birth_date": ("identity", "birth_date"),
    "birth_year": ("parts", "birth_year"),
    "birth_month": ("parts", "birth_month"),
    "birth_day": ("parts", "birth_day"),
    "age": ("identity", "age"),
    "document": ("identity", "document", "number"),
    "own_reference": ("identity", "own_reference"),
    "phone": ("identity", "contact", "phone"),
    "email": ("identity", "contact", "email"),
    "safe_way": ("identity", "contact", "safe_way"),
    "safe_times": ("identity", "contact", "safe_times"),
    "address": ("identity", "address"),
    "caregiver_name": ("identity", "caregiver", "name"),
    "caregiver_relation": ("identity", "caregiver", "relation"),
    "caregiver": ("caregiver",),
    "sex": ("attributes", "sex"),
    "nationality": ("attributes", "nationality"),
    "languages": ("attributes", "languages"),
    "populations": ("attributes", "populations"),
    "specific_needs": ("attributes", "specific_needs"),
    "disability": ("attributes", "disability"),
}
_OF_NAME = ("given_name", "middle_name", "surname", "second_surname")
_OF_DATE = ("birth_year", "birth_month", "birth_day")
_LISTS = frozenset({"other_names", "languages", "populations", "specific_needs"})
_OF_TEXT = frozenset({"other_names"})  # these may contain spaces
_BETWEEN_CODES = re.compile(r"[\s,]+")


@dataclass
class TranslatedCase:
    """A mapped case. `body` is the body of a new case. `places` tells where in the submission each part came from."""

    body: dict[str, Any] = field(default_factory=dict)
    needs: list[str] = field(default_factory=list)
    asked: bool = False
    reasons: list[Reason] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)


def translate_case(mapping: FormMapping, said: Mapping[str, Any]) -> TranslatedCase:
    found = TranslatedCase()
    if mapping.fixed_area is not None:
        found.body["area"] = mapping.fixed_area
    if mapping.country is not None:
        found.body["country"] = mapping.country
    for path, value in said.items():
        _take(found, mapping, path, value)
    _join_name(found)
    _join_date(found)
    identity = found.body.get("identity", {})
    if "birth_date" in identity:
        # Many systems send both; the date determines the age.
        identity.pop("age", None)
    if "area" not in found.body and "country" not in found.body:
        detail = "Nothing says where the person is: map 'area', or give 'fixed_area' or 'country'."
        found.reasons.append(Reason("no_place", "", detail))
    return found


def _take(found: TranslatedCase, mapping: FormMapping, path: str, value: Any) -> None:
    known = False
    if path in mapping.consents:
        known = True
        found.asked = True
    if path in mapping.needs:
        known = True
        _take_needs(found, mapping.needs[path], path, value)
    if path == mapping.area:
        known = True
        if (code := place_code(mapping, value)) is None:
            detail = "This is no P-code: add it to 'area_values'."
            found.reasons.append(Reason("unknown_area", pointer_to(path), detail))
        else:
            found.body["area"] = code
    if path in mapping.fields:
        known = True
        _take_field(found, mapping, mapping.fields[path], path, value)
    if not known:
        detail = "Nothing of a case answers to this path: map it or ignore it."
        found.reasons.append(Reason("unmapped_field", pointer_to(path), detail))


def _take_needs(
    found: TranslatedCase, categories: Mapping[str, str | None], path: str, value: Any
) -> None:
    for code in _codes(categories, value):
        if code not in categories:
            detail = "Say in 'needs' which service category this is, or null for none."
            found.reasons.append(Reason("unknown_code", pointer_to(path), detail))
            return
        category = categories[code]
        if category is not None and category not in found.needs:
            found.needs.append(category)


def _take_field(
    found: TranslatedCase, mapping: FormMapping, target: str, path: str, value: Any
) -> None:
    if target in found.places:
        found.reasons.append(
            Reason("mapped_twice", pointer_to(path), "Two paths map to one part of the case.")
        )
        return
    codes = mapping.values.get(target, {})
    texts = [text_of(each) for each in (value if isinstance(value, list) else [value])]
    if target in _LISTS:
        parts: Any = texts if target in _OF_TEXT else [c for text in texts for c in text.split()]
        read: Any = [codes.get(each, each) for each in parts]
    elif len(set(texts)) > 1:
        detail = "There are several values where a case has one."
        found.reasons.append(Reason("unreadable_value", pointer_to(path), detail))
        return
    else:
        read = codes.get(texts[0], texts[0])
        if target == "birth_date":
            read = day_of(read)
    found.places[target] = pointer_to(path)
    *groups, last = TARGETS[target]
    holder = found.body
    for group in groups:
        holder = holder.setdefault(group, {})
    holder[last] = read


def _join_name(found: TranslatedCase) -> None:
    """Join the parts of a name in spoken order if there is no full name."""
    _join(found, _OF_NAME, "name", " ".join)


def _join_date(found: TranslatedCase) -> None:
    """Join year, month and day if all three are present; never guess a date."""
    _join(
        found,
        _OF_DATE,
        "birth_date",
        lambda parts: "-".join(p.zfill(2) for p in parts),
        all_of=True,
    )


def _join(
    found: TranslatedCase,
    names: tuple[str, ...],
    whole: str,
    join: Callable[[list[str]], str],
    *,
    all_of: bool = False,
) -> None:
    given = found.body.get("parts", {})
    parts = [given.pop(name) for name in names if name in given]
    if not given:
        found.body.pop("parts", None)
    if not parts:
        return
    first = next(found.places[name] for name in names if name in found.places)
    if whole in found.places:
        detail = "The whole and its parts are mapped: ignore one of them."
        found.reasons.append(Reason("mapped_twice", first, detail))
    elif all_of and len(parts) < len(names):
        detail = "A part of the date is missing: map the age, and ignore the parts."
        found.reasons.append(Reason("unreadable_value", first, detail))
    else:
        found.places[whole] = first
        found.body.setdefault("identity", {})[whole] = join(parts)


def _codes(categories: Mapping[str, str | None], value: Any) -> Iterator[str]:
    """Return the codes in a list or a text: form tools separate codes by spaces, DHIS2 by commas. Match known codes
    that contain a separator first."""
    for each in value if isinstance(value, list) else [value]:
        text = text_of(each)
        yield from [text] if text in categories else filter(None, _BETWEEN_CODES.split(text))


def target_of(location: tuple[str | int, ...]) -> str | None:
    named = tuple(each for each in location if isinstance(each, str))
    return next((name for name, path in TARGETS.items() if named[: len(path)] == path), None)
