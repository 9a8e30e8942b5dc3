"""Work outside cases: entries, unpublished figures, imported files. Pure. The page requests a list only if the visitor
can do its work; the rows have the work list's format."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any

from common.auth import Role
from common.words.choices import words

from console.answers import Answer
from console.moments import Moments
from console.visitors import Visitor
from console.work.views import RANKS

Item = dict[str, Any]
_MOST = 20
_REPORTED_DAYS = 7
"""How many days an import's report stays in the work list."""


@dataclass(frozen=True)
class Source:
    """A list of work. `part` names it in the page's warning that the list failed to load or was truncated. `each` means
    that every row is work, so a further page means more work."""

    part: str
    path: str
    whose: Callable[[Visitor], bool]
    rows: Callable[[Iterable[Mapping[str, Any]], Visitor, Moments], Iterable[Item]]
    asked: Mapping[str, Any | Callable[[Visitor], Any]]
    each: bool = True

    def query(self, visitor: Visitor) -> dict[str, Any]:
        return {name: to(visitor) if callable(to) else to for name, to in self.asked.items()}


def sources(visitor: Visitor) -> list[Source]:
    return [source for source in _ALL if source.whose(visitor)]


def rows(source: Source, answer: Answer, visitor: Visitor, moments: Moments) -> list[Item]:
    return list(source.rows(answer.items, visitor, moments))


def in_order(items: Iterable[Item]) -> list[Item]:
    """Sort like the work list: by rank, then by due date. Equal rows keep their order."""
    return sorted(
        items,
        key=lambda one: (
            RANKS.index(one.get("rank", "routine")),
            one["due"] is None,
            one["due"] or "",
        ),
    )


def _item(kind: str, verb: str, name: str, identifier: str, said: str, **more: Any) -> Item:
    return {
        "kind": kind,
        "verb": verb,
        "rank": "upkeep",
        "group": "no_deadline",
        "due": None,
        "ids": {name: identifier},
        "said": said,
        **more,
    }


def _submitted(found: Iterable[Mapping[str, Any]], _v: Visitor, _m: Moments) -> Iterable[Item]:
    for one in found:
        yield _item("entry_submitted", "approve", "service_id", one["id"], one["name"])


def _to_verify(found: Iterable[Mapping[str, Any]], _v: Visitor, moments: Moments) -> Iterable[Item]:
    """Yield each entry once, with its earliest due date."""
    newest_first = sorted(found, key=itemgetter("due_on"), reverse=True)
    for one in {(each["kind"], each["service_id"]): each for each in newest_first}.values():
        due = {"due": f"{one['due_on']}T00:00:00Z", "group": _group(one["due_on"], moments)}
        doubted = one["kind"] == "capacity_doubted"
        kind, verb = ("capacity_doubted", "set_capacity") if doubted else ("verification", "verify")
        yield _item(kind, verb, "service_id", one["service_id"], one["name"], **due)


def _group(day: str, moments: Moments) -> str:
    """Return the work-list group for a due date."""
    left = (date.fromisoformat(day) - date.fromisoformat(moments.today)).days
    if left < 0:
        return "overdue"
    return "today" if left == 0 else "week" if left < 7 else "later"


def to_call(found: Iterable[Mapping[str, Any]]) -> Iterable[Item]:
    """For coordinators, who do not see the referrals, yield the number of late organisations."""
    for one in found:
        late = {
            "rank": words("urgencies")[one["urgency"]]["rank"],
            "group": "overdue",
            "urgency": one["urgency"],
        }
        item = _item("organisations_to_call", "call", "aor", one["aor"], "")
        yield {**item, **late, "about": one["aor"], "count": one["organisations"]}


def _bulletin(kind: str, verb: str) -> Callable[..., Iterable[Item]]:
    def rows_of(
        found: Iterable[Mapping[str, Any]], _v: Visitor, moments: Moments
    ) -> Iterable[Item]:
        for one in found:
            said = f"{one['title'][moments.language]}, {one['period_label'][moments.language]}"
            yield _item(kind, verb, "bulletin_id", one["id"], said)

    return rows_of


def _to_agree(
    found: Iterable[Mapping[str, Any]], visitor: Visitor, moments: Moments
) -> Iterable[Item]:
    """Yield drafts to which the visitor's organisation contributes but has not yet responded."""
    own = str(visitor.principal.organisation_id)
    for one in found:
        if any(
            each["organisation_id"] == own and not each["signed_off"] and not each["waived"]
            for each in one["contributors"] or []
        ):
            said = f"{one['programme']}, {moments.period(one['period'])}"
            yield _item("release_to_agree", "agree", "release_id", one["id"], said)


_CLOSINGS = {"ready": "publish", "needs_attention": "look"}


def _closed(found: Iterable[Mapping[str, Any]], _v: Visitor, moments: Moments) -> Iterable[Item]:
    for one in found:
        if verb := _CLOSINGS.get(one["state"]):
            kind = f"closing_{one['state']}"
            yield _item(kind, verb, "closing_id", one["id"], moments.period(one["period"]))


def _reported(found: Iterable[Mapping[str, Any]], _v: Visitor, moments: Moments) -> Iterable[Item]:
    """Yield recent imports that are incomplete or were only trials. If a file was repeated, yield only the newest."""
    since = moments.now - timedelta(days=_REPORTED_DAYS)
    newest: dict[str, Mapping[str, Any]] = {}
    for one in found:
        newest.setdefault(one["file_name"], one)
    for one in newest.values():
        over = one["state"] in {"finished", "refused", "failed"}
        whole = one["state"] == "finished" and not one["dry_run"] and not one["rows"]["refused"]
        if over and not whole and datetime.fromisoformat(one["created_at"]) >= since:
            kind = "import_tried" if one["dry_run"] else "import_refused"
            yield _item(kind, "report", "import_id", one["id"], one["file_name"])


def _coordinates(visitor: Visitor) -> bool:
    return Role.COORDINATOR in visitor.roles


def _informs(visitor: Visitor) -> bool:
    return Role.IM in visitor.roles and visitor.may("reports:publish")


_ALL: Sequence[Source] = (
    Source(
        "entries",
        "/directory/v1/records/services",
        lambda who: _coordinates(who) and who.may("directory:curate"),
        _submitted,
        {"state": "submitted", "limit": _MOST},
    ),
    Source(
        "verification",
        "/directory/v1/records/reminders",
        lambda who: who.may("directory:write"),
        _to_verify,
        {"of": lambda who: "curated" if _coordinates(who) else "own", "limit": _MOST},
    ),
    Source(
        "bulletins",
        "/reports/v1/bulletins",
        lambda who: _coordinates(who) and who.may("reports:read"),
        _bulletin("bulletin_to_sign", "sign"),
        {"state": "draft", "limit": _MOST},
    ),
    Source(
        "bulletins",
        "/reports/v1/bulletins",
        _informs,
        _bulletin("bulletin_to_publish", "publish"),
        {"state": "signed_off", "limit": _MOST},
    ),
    Source("releases", "/reports/v1/closings", _informs, _closed, {"limit": _MOST}, each=False),
    Source(
        "releases",
        "/reports/v1/releases",
        lambda who: Role.SUPERVISOR in who.roles and who.may("reports:read"),
        _to_agree,
        {"status": "draft", "limit": 200},
        each=False,
    ),
    Source(
        "imports",
        "/directory/v1/imports",
        lambda who: Role.IM in who.roles and who.may("directory:curate"),
        _reported,
        {"limit": _MOST},
        each=False,
    ),
)
