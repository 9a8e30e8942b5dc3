"""Reads on all paths. The end of a story checks that each accepted step has its history, audit entry and event."""

import re
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import Caller, Case
from tests.services.referrals.readable_routes import walk
from tests.services.referrals.stories.world import NGOS, World

PARTS = 5
_TRACES = """
    SELECT r.id, r.version, r.sent_at,
        (SELECT count(*) FROM referral_steps s WHERE s.referral_id = r.id) AS steps,
        (SELECT count(*) FROM referral_steps s
            WHERE s.referral_id = r.id AND s.command = 'renew-consent') AS renewed,
        (SELECT count(*) FROM outbox o WHERE o.aggregateid = r.id::text) AS events,
        (SELECT count(*) FROM audit_entries a WHERE a.target_id = r.id
            AND a.action LIKE 'referral.%') AS audited
    FROM referrals r
"""


_TOLD = """
    SELECT kind, subject_type, subject_id, at FROM notices
    WHERE organisation_id = :organisation AND at > :moment
"""


class Looks(World):
    def look_everywhere(self, caller: Caller, case: Case) -> None:
        """Read a fifth of the read routes, chosen per story."""
        ids = self.ids_of(case)
        who = (self.story, self.scene.app, caller.client)
        seen = self.run(walk(*who, ids, part=(self.part, PARTS), **self.claims(caller)))
        for route, (status, text) in seen.items():
            path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], ""), route)
            self.notices(caller, path, status, text)
            self.judge(caller, path, text)

    @precondition(lambda self: self.long)
    @rule(data=st.data())
    def look_meanwhile(self, data: Any) -> None:
        caller = data.draw(st.sampled_from(self.callers()))
        self.look_everywhere(caller, data.draw(st.sampled_from(self.cases)))

    @rule(data=st.data())
    def look_at_a_list(self, data: Any) -> None:
        """Read a list with one of its parameters set to a value."""
        path = data.draw(st.sampled_from(self.lists))
        self.get(data.draw(st.sampled_from(self.callers())), path)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def repeat_an_old_command(self, data: Any) -> None:
        """Check that a caller who repeats a command learns no more than they may know now."""
        caller, path, body, key = data.draw(st.sampled_from(self.done))
        answer = self.run(
            self.story.post(caller.client, path, body, key=key, **self.claims(caller))
        )
        assert answer.status_code < 500, answer.text
        self.judge(caller, path, answer.text)

    def teardown(self) -> None:
        try:
            self.only_the_holder_reads_a_case()
            callers = self.callers()
            case = self.cases[self.last % len(self.cases)]
            self.look_everywhere(callers[self.last % len(callers)], case)
            self.each_step_left_its_traces()
            self.what_leaves_names_nobody()
            self.the_accused_are_told_nothing()
        finally:
            self.clock.close()
            self.run(self.stage.end(self.scene))

    def only_the_holder_reads_a_case(self) -> None:
        for case in self.cases:
            for each in NGOS:
                status = self.get(self.staff(each), f"/cases/{case.id}").status_code
                here = 410 if case.erased else 200
                assert status == (here if each == case.holder else 404)

    def each_step_left_its_traces(self) -> None:
        for found in self.run(self.story.rows(_TRACES)):
            if found.sent_at is None:
                continue  # Drafts end with their case or their consent.
            assert found.steps == found.audited == found.version
            assert not self.counted or found.version == self.versions[str(found.id)]
            # A draft notifies nobody, and a consent has its own event.
            assert found.events == found.version - 1 - found.renewed

    def the_accused_are_told_nothing(self) -> None:
        """Check that the accused, their webhooks and their staff receive no notice of the accusation. They learn of the
        end like any other recipient, and of a later withdrawal by the person, because they must delete the data."""
        if not self.counted:
            return
        ordinary = {each.id for each in self.sharings if each.by_wish}
        for case in self.cases:
            of_case = {case.id}
            of_case.update(each.id for each in self.sharings if each.case is case)
            of_case.update(each.id for each in self.words if each.case is case)
            of_case.update(each.id for each in self.accesses if each.case is case)
            of_case.update(each.id for each in self.offers if each.word.case is case)
            for organisation, moment in case.accused_at.items():
                asked = self.story.rows(_TOLD, organisation=organisation, moment=moment)
                told = [row for row in self.run(asked) if str(row.subject_id) in of_case - ordinary]
                assert not told, (organisation, told)

    def what_leaves_names_nobody(self) -> None:
        """Check that events, notices, and messages to webhooks and people contain no names."""
        texts = [
            str(row)
            for table in ("outbox", "notices", "webhook_deliveries", "pings")
            for row in self.run(self.story.rows(f"SELECT o.*::text FROM {table} o"))
        ]
        facts = {
            fact
            for case in self.cases
            for item, fact in case.facts.items()
            if item != "area"  # Events contain the municipality for statistics.
        } | self.noted()
        assert not [fact for fact in facts for text in texts if fact in text]
