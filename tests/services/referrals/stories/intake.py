"""Records from other systems."""

from typing import Any

from common.ids import new_id
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import Case
from tests.services.referrals.stories.world import World
from tests.services.referrals.story import REFUGIO
from tests.services.referrals.test_bridges import PRIMERO, PRIMERO_MAPPING, case_form
from tests.services.referrals.test_bridges import changed as changed_record
from tests.services.referrals.test_intake import send as send_form
from tests.support.rights import told


class Intake(World):
    def __init__(self) -> None:
        super().__init__()
        self.form: dict[str, Any] = {}

    @precondition(lambda self: self.record is not None or len(self.cases) < 3)
    @rule(touched=st.booleans(), suspended=st.booleans())
    def arrive_from_another_system(self, touched: bool, suspended: bool) -> None:
        """Send a record with Refugio's form. It creates one case, and the form learns nothing about it once another
        organisation holds it."""
        if self.record is None:
            self.form = self.run(case_form(self.story, "primero", PRIMERO_MAPPING))
            number = len(self.cases)
            facts = {"name": f"Nina Canaria {'ABC'[number] * 4}"}
            sent = changed_record(PRIMERO, name=facts["name"], age=29, date_of_birth="1997-03-01")
            answer = self.run(send_form(self.story, self.form, sent))
            assert answer.json()["status"] == "taken", answer.text
            rows = self.run(self.story.rows("SELECT id, reference FROM cases ORDER BY id"))
            known = {case.id for case in self.cases}
            (row,) = [each for each in rows if str(each.id) not in known]
            case = Case(str(row.id), row.reference, REFUGIO, facts, caregiver="unknown")
            self.cases.append(case)
            self.record = sent, case
            return
        sent, case = self.record
        needs = [{"service_type": "health_medical_service"}] if touched else []
        later = changed_record(sent, services_section=needs, touched=str(new_id()))
        if suspended:
            off = {"organisation": [str(REFUGIO)]}
            self.run(told(self.story.client, "referrals", suspended=off))
            held = self.run(send_form(self.story, self.form, later))
            assert held.json()["code"] == "form_held"
            self.run(told(self.story.client, "referrals"))
        answer = self.run(send_form(self.story, self.form, later)).json()
        if not answer["repeated"] and (case.erased or case.holder != REFUGIO):
            assert answer["status"] == "not_kept"
