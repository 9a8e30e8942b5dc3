"""Commands for a case record, with one form for each kind of entry. Pure."""

from common.words.choices import words

from console.commands import Command, Field

_CASE = "/referrals/v1/cases/{case_id}"
_ENTRY = f"{_CASE}/entries/{{entry_id}}"
MOST_LETTERS = 5000
_TEXT = Field("text", "area", most=MOST_LETTERS)
_FIELDS = {
    "text": _TEXT,
    "due_on": Field("due_on", "date"),
    "happened_on": Field("happened_on", "date"),
    "clock": Field("clock", "clock"),
    "area": Field("area", "place"),
    "age": Field("age", "number"),
    "perpetrators": Field("perpetrators", "number"),
    "linked_case_id": Field("linked_case_id", "pick"),
    **{name: Field(name, "choice") for name in ("level", "reported")},
    **{
        name: Field(name, "pick")
        for name in ("incident_type", "time_of_day", "setting", "perpetrator", "relation")
    },
}
PICKED = tuple(name for name, each in _FIELDS.items() if each.kind in {"choice", "pick"})


def _fields(row: dict[str, str]) -> tuple[Field, ...]:
    """Return the kind's required fields, then its optional fields."""
    names = (*row["needs"].split(), *row["may"].split())
    return tuple(_FIELDS.get(name, Field(name, "text")) for name in names)


KINDS = {code: dict(row) for code, row in words("entry_kinds").items() if code != "attachment"}
WRITE = {
    code: Command(code, f"{_CASE}/entries", (Field("kind", "given"), *_fields(row)))
    for code, row in KINDS.items()
}
CHANGE = {
    code: Command(
        f"change-{code}",
        _ENTRY,
        (
            Field("expected_version", "given"),
            *(each for each in _fields(row) if each.name != "linked_case_id"),
        ),
        method="put",
    )
    for code, row in KINDS.items()
    if row["changes"]
}
DONE = Command("done", f"{_ENTRY}/done")
TAKE_BACK = Command("take-back", f"{_ENTRY}/take-back")
