"""The case record: who writes, changes, retracts and reads its entries, its plan and its assistance."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import (
    CHANGING,
    ENDING,
    Caller,
    Case,
    Entry,
    holds,
    may_write,
    reads_entry,
)
from tests.services.referrals.stories.world import NGOS, World
from tests.services.referrals.story import photo
from tests.services.referrals.test_entries import soon

_KINDS = ("note", "comment", "risk", "incident", "relative", "follow_up", "appointment")


class Entries(World):
    @precondition(lambda self: self.living())
    @rule(data=st.data(), kind=st.sampled_from(_KINDS), linked=st.booleans())
    def write_an_entry(self, data: Any, kind: str, linked: bool) -> None:
        """Write an entry. With `linked`, it links a case that may belong to another organisation."""
        case = self.case(data)
        sibling = data.draw(st.sampled_from(self.cases)) if linked and kind == "relative" else None
        self.write(self.near(data, case), case, kind, sibling)

    def write(self, caller: Caller, case: Case, kind: str, sibling: Case | None = None) -> None:
        words = self.new_words()
        body = {"kind": kind, **_said(kind, words)}
        may = may_write(kind, caller, case)
        if sibling is not None:
            body["linked_case_id"] = sibling.id
            may &= sibling is not case and may_write(kind, caller, sibling)
        status, made = self.post(caller, f"/cases/{case.id}/entries", body)
        assert (status == 201) == may, (status, made)
        if may:
            for each in self.entries:  # A new risk level ends the previous one.
                each.done |= kind == each.kind == "risk" and each.case is case
            self.add_entry(made["id"], case, kind, words, caller)

    @precondition(lambda self: self.living() and all(e.kind != "attachment" for e in self.entries))
    @rule(data=st.data())
    def attach(self, data: Any) -> None:
        """Attach one picture per story, because redrawing it needs a process."""
        case, words = self.case(data), self.new_words()
        caller = self.near(data, case)
        status, made = self.upload(
            caller, f"/cases/{case.id}/attachments", photo(), document="identity", text=words
        )
        may = may_write("attachment", caller, case)
        assert (status == 201) == may, (status, made)
        if may:
            self.add_entry(made["id"], case, "attachment", words, caller)

    @precondition(lambda self: self.written())
    @rule(data=st.data(), act=st.sampled_from(["change", "done", "take-back"]))
    def work_on_an_entry(self, data: Any, act: str) -> None:
        """Replace an entry's text, mark it as done or destroy it. Any other attempt changes nothing."""
        entry: Entry = data.draw(st.sampled_from(self.written()))
        caller, words = self.near(data, entry.case), self.new_words()
        path = f"/cases/{entry.case.id}/entries/{entry.id}"
        may = reads_entry(caller, entry)
        if act == "change":
            body = {**_said(entry.kind, words), "expected_version": entry.version}
            status, answer = self.post(caller, path, body, method="PUT")
            may &= entry.kind in CHANGING and not entry.case.closed
        else:
            status, answer = self.post(caller, f"{path}/{act}", {})
            if act == "done":
                may &= entry.kind in ENDING and not (entry.case.closed or entry.done)
            else:
                may &= caller.works is None or caller.person == entry.writer
        assert (status == 200) == may, (status, answer, entry)
        if may:
            entry.version += 1
            entry.done |= act == "done"
            entry.taken_back |= act == "take-back"
            if act == "change":
                entry.former.append(entry.words)
                entry.words = words

    @precondition(lambda self: self.cases)
    @rule(data=st.data())
    def read_the_record(self, data: Any) -> None:
        case: Case = data.draw(st.sampled_from(self.cases))
        self.reads_what_stands(self.near(data, case), case)

    def reads_what_stands(self, caller: Caller, case: Case) -> None:
        """Check that the holder reads exactly the current entries, and that nobody else finds the record, its pictures
        or its plan."""
        answer = self.get(caller, f"/cases/{case.id}/entries")
        assert (answer.status_code == 200) == (
            caller.reads_cases and caller.organisation == case.holder
        )
        if answer.status_code == 200:
            self.is_the_record(caller, case, answer.json()["items"])
        for entry in self.entries:
            if entry.case is case and entry.kind == "attachment":
                path = f"/cases/{case.id}/entries/{entry.id}/picture"
                found = self.get(caller, path).status_code
                assert (found == 200) == reads_entry(caller, entry), (found, entry)
        answer = self.get(caller, f"/cases/{case.id}/plan")
        assert (answer.status_code == 200) == holds(caller, case) or case.erased, answer.text

    def is_the_record(self, caller: Caller, case: Case, items: list[Any]) -> None:
        shown = {
            row["id"]: row["content"]["name"] or row["content"]["text"]
            for row in items
            if row["content"] is not None
        }
        ours = [each for each in self.written() if each.case is case]
        stands = {each.id: each.words for each in ours if reads_entry(caller, each)}
        known = {each.id for each in ours}
        assert {key: said for key, said in shown.items() if key in known} == stands
        # The reverse side of a family relation is the only entry that the story did not write. It contains no name.
        assert not [said for key, said in shown.items() if key not in known and said]
        held = {each.id for each in self.cases if each.holder == caller.organisation}
        linked = {row["linked_case_id"] for row in items} - {None}
        assert linked <= held, "a family's cases are linked while one organisation holds them"

    @rule(data=st.data(), days=st.integers(0, 3))
    def look_at_the_calendar(self, data: Any, days: int) -> None:
        """Check that a calendar and a work list show days and codes, but no entry text, not even to the holder."""
        caller = data.draw(st.sampled_from(self.callers()))
        for path in (f"/calendar?start={soon(days)}", "/work?kind=entry_due"):
            text = self.get(caller, path).text
            assert not [each for each in self.entries if each.words in text], (caller, path)

    def teardown(self) -> None:
        try:
            for case in self.cases:
                for each in NGOS:
                    self.reads_what_stands(self.staff(each), case)
        finally:
            super().teardown()

    def near(self, data: Any, case: Case) -> Caller:
        """Return the holder's staff member or supervisor, or any caller."""
        own = [self.chief(case.holder), self.staff(case.holder)]
        drawn: Caller = data.draw(st.sampled_from(own) | st.sampled_from(self.callers()))
        return drawn

    def written(self) -> list[Entry]:
        return [each for each in self.entries if each.kind not in ("plan", "assistance")]


def _said(kind: str, words: str) -> dict[str, Any]:
    fields: dict[str, dict[str, Any]] = {
        "risk": {"level": "high", "due_on": soon()},
        "incident": {"incident_type": "other"},
        "relative": {"relation": "sibling", "name": words},
        "follow_up": {"due_on": soon()},
        "appointment": {"due_on": soon(1), "clock": "09:30", "place": words},
    }
    return {**fields.get(kind, {}), **({} if kind == "relative" else {"text": words})}
