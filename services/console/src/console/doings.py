"""Labels for the codes in records: case steps, audit entries, access changes. Pure. Only this module translates them; a
test requires a label for each code that a service writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from console.codes import Codes
from console.moments import Moments
from console.referral_views import short_code
from console.texts import Wording

# The list of reasons for actions that do not name their command.
_COMMANDS = {
    "case.closed": "end",
    "case.erased": "erase",
    "case.reopened": "reopen",
    "line.given_back": "decline",
    "certificate.revoked": "revoke",
    "line.closed": "close",
    "review.done": "done",
    "screening.stopped": "stop",
}
_TASK, _DONE = "task.", ".done"


def done(action: str, say: Wording) -> str:
    """Return the action's label, or the code itself if it is unknown."""
    if action.startswith(_TASK) and action.endswith(_DONE):
        return say("did.task", task=say.known(action.removesuffix(_DONE), "task.other"))
    for key in (f"did.{action}", f"audit.did.{action}"):
        if say.has(key):
            return say(key)
    return say("did.other", code=action)


@dataclass(frozen=True)
class Beside:
    """Further data of an entry. `names` are organisations by id; `lists` are the API's labels for codes, by field name.
    An unknown code appears as "other"."""

    say: Wording
    codes: Codes
    moments: Moments
    names: Mapping[str, str]
    lists: Mapping[str, Mapping[str, str]]

    def lines(self, action: str, detail: Mapping[str, Any]) -> Iterable[str]:
        chosen = f"code.{detail.get('command') or _COMMANDS.get(action, '')}."
        for name in sorted(detail):
            value = detail[name]
            if value is None or not self.say.has(f"audit.code.{name}"):
                continue
            words = [
                self._said(name, one, chosen)
                for one in (value if isinstance(value, list) else [value])
            ]
            if words:
                yield f"{self.say(f'audit.code.{name}')}: {', '.join(words)}"

    def _said(self, name: str, value: Any, chosen: str) -> str:
        if isinstance(value, bool):
            return self.say("audit.yes" if value else "audit.no")
        text = str(value)
        if isinstance(value, int):
            return text
        if name in _READ:
            return _READ[name](self, text)
        if is_id(text):
            return self.names.get(text) or short_code(text)
        if text in self.lists.get(name, {}):
            return self.lists[name][text]
        for beginning in (chosen, *_WORDS.get(name, ("word.",))):
            if self.say.has(f"{beginning}{text}"):
                return self.say(f"{beginning}{text}")
        return self.say("audit.newer")


_READ: Mapping[str, Callable[[Beside, str], str]] = {
    "entry": lambda beside, text: beside.say.known(f"entry.{text}", "entry.other"),
    "due_at": lambda beside, text: beside.moments.at(text),
    "due_on": lambda beside, text: beside.moments.day(text),
    "need": lambda beside, text: beside.codes.need(text),
}
# Field name → the list that labels its codes.
_WORDS = {
    "aor": ("aor.",),
    "basis": ("audit.basis.", "word."),
    "clock": ("audit.clock.",),
    "filters": ("audit.filter.", "field."),
    "from": ("aor.",),
    "items": ("item.",),
    "kind": ("consent.kind.",),
    "method": ("method.",),
    "outcome": ("code.call.", "word."),
    "reason": ("word.", "method."),
    "status": ("consent.status.",),
    "to": ("aor.",),
    "urgency": ("urgency.",),
}


def identity_change(what: str, say: Wording) -> str:
    """Return an access change as text; `changed active roles` names the changed fields."""
    words = what.replace("-", " ").split()
    for key in (f"changes.what.{'_'.join(words)}", f"changes.what.{words[0]}"):
        if say.has(key):
            return say(key)
    return say("changes.what.other")


def identity_kind(kind: str, say: Wording) -> str:
    return say.known(f"changes.of.{kind}", "changes.of.other")


def road(path: str, say: Wording) -> str:
    """Return the directory list or page that was read, derived from the route after its version."""
    part = path.removeprefix("/directory/v1/").split("/")[0]
    return say.known(f"audit.road.{part.replace('-', '_')}", "audit.road.other")


def is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
