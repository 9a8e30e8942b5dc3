"""The anonymous line: reporters without an account, the desk, and the organisations that make a report a case."""

from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.line_words import Reporter
from tests.services.referrals.oracle import Report, Request, concerns, is_at_desk, is_handed
from tests.services.referrals.stories.records import Records
from tests.services.referrals.stories.world import NGOS, ORGANISATIONS
from tests.support.principals import organisation

_ACTS = ("answer", "take", "spam", "not-spam", "hand-over", "accuse", "reroute", "close")
_KINDS = {"TIP": "trafficking", "GBV": "gender_violence"}
_ANYBODY = st.sampled_from([*sorted(NGOS), organisation(7)])


class Line(Records):
    @precondition(lambda self: len(self.reports) < 2)
    @rule(wish=st.booleans())
    def report(self, wish: bool) -> None:
        words = f"En la finca {len(self.reports)} del río retienen a siete personas."
        reporter = Reporter(self.story)
        made = self.run(reporter.report(wants_case=wish, text=words))
        self.reports.append(Report(made["id"], reporter.receipt, [words], wish=wish))

    def a_report(self, data: Any) -> Report:
        drawn: Report = data.draw(st.sampled_from(self.reports))
        return drawn

    @precondition(lambda self: self.reports)
    @rule(data=st.data(), act=st.sampled_from(["open", "write", "wish", "no wish", "delete"]))
    def come_back(self, data: Any, act: str) -> None:
        """Return with the receipt, which behaves like an unknown number after the report's end."""
        report = self.a_report(data)
        words = f"Vi otra cosa el día {len(report.words)} en la finca {report.id[-6:]}."
        ways: dict[str, tuple[str, dict[str, Any]]] = {
            "open": ("open", {}),
            "write": ("messages", {"text": words}),
            "wish": ("wish", {"wants_case": True}),
            "no wish": ("wish", {"wants_case": False}),
            "delete": ("delete", {}),
        }
        path, more = ways[act]
        answer = self.of_reporter(report.receipt, path, more)
        if report.deleted:
            wrong = "0" * len(report.receipt)
            other = self.of_reporter(wrong, path, more)
            assert (answer.status_code, answer.content) == (other.status_code, other.content)
            return
        if act in ("wish", "no wish") and report.case is not None:
            assert answer.status_code == 409, answer.text
            return
        assert answer.status_code in (200, 201, 204), answer.text
        if act == "delete":
            report.deleted = True
            return
        report.words += [words] if act == "write" else []
        report.wish = {"wish": True, "no wish": False}.get(act, report.wish)
        shown = self.of_reporter(report.receipt, "open", {}).text
        assert all(each in shown for each in report.words)

    def of_reporter(self, receipt: str, path: str, more: dict[str, Any]) -> Any:
        body = {"receipt": receipt, **more}
        return self.run(self.story.post("anonymous", f"/line/threads/{path}", body))

    @precondition(lambda self: self.reports)
    @rule(data=st.data(), act=st.sampled_from(_ACTS), whom=_ANYBODY)
    def work_at_the_desk(self, data: Any, act: str, whom: UUID) -> None:
        """Act on a report; only people at its desk find it."""
        report, caller = self.a_report(data), data.draw(st.sampled_from(self.desks()))
        other = "GBV" if report.desk == "TIP" else "TIP"
        words = f"Gracias, respuesta {len(report.words)} de la mesa {report.id[-6:]}."
        method, path, body = {
            "answer": ("POST", "messages", {"text": words}),
            "take": ("POST", "take", {}),
            "spam": ("POST", "spam", {}),
            "not-spam": ("POST", "not-spam", {}),
            "hand-over": ("POST", "hand-over", {"organisation_id": str(whom)}),
            "accuse": ("PUT", "implicated-organisations", {"organisation_ids": [str(whom)]}),
            "reroute": ("POST", "reroute", {"kind": _KINDS[other]}),
            "close": ("POST", "close", {"reason": "advised"}),
        }[act]
        path = f"/line/reports/{report.id}/{path}"
        status, answer = self.post(caller, path, body, method=method)
        if not is_at_desk(caller, report):
            assert status == 404, answer
            return
        if act == "hand-over":
            free = report.wish and report.case is None and whom not in report.accused
            assert (status == 200) == (free and whom in NGOS), answer
            if status == 200:
                report.handed, report.by_request = whom, False
            return
        if act in ("spam", "not-spam") and (report.handed or report.case):
            assert status == 409, answer
            return
        assert status in (200, 201), answer
        if act == "answer":
            report.words.append(words)
        elif act == "reroute":
            report.desk = other
        elif act == "accuse":
            report.accused = {whom}
            report.handed = None if report.handed == whom else report.handed
            report.requests = [each for each in report.requests if each.to != whom]
        elif act == "close" and report.case is None:
            report.handed = None

    @precondition(lambda self: self.reports)
    @rule(data=st.data(), to=ORGANISATIONS)
    def ask_against_the_wish(self, data: Any, to: UUID) -> None:
        report, caller = self.a_report(data), data.draw(st.sampled_from(self.desks()))
        words = f"Un niño corre peligro, motivo {len(report.requests)} de {report.id[-6:]}."
        body = {"organisation_id": str(to), "basis": "vital_interest", "rationale": words}
        status, made = self.post(caller, f"/line/reports/{report.id}/exceptions", body)
        may = is_at_desk(caller, report) and to not in report.accused
        assert (status == 201) == may, made
        if may:
            report.requests.append(Request(made["id"], to, words, caller))

    @precondition(lambda self: any(each.requests for each in self.reports))
    @rule(data=st.data(), approve=st.booleans())
    def decide_against_the_wish(self, data: Any, approve: bool) -> None:
        """Decide once, as another person of the desk or a supervisor of the receiver. The desk may then hand over the
        report."""
        report = data.draw(st.sampled_from([each for each in self.reports if each.requests]))
        request = data.draw(st.sampled_from(report.requests))
        caller = data.draw(st.sampled_from(self.callers()))
        path = f"/line/exceptions/{request.id}/decide"
        status, answer = self.post(caller, path, {"approve": approve})
        free = request.status == "pending" and caller.person != request.asker.person
        assert (status == 200) == (concerns(caller, report, request) and free), answer
        if status == 200:
            request.status = "approved" if approve else "refused"
        body = {"organisation_id": str(request.to), "exception_id": request.id}
        desk = data.draw(st.sampled_from(self.desks()))
        status, answer = self.post(desk, f"/line/reports/{report.id}/hand-over", body)
        may = is_at_desk(desk, report) and request.status == "approved" and report.case is None
        assert (status == 200) == may, answer
        if may:
            report.handed, report.by_request = request.to, True

    @precondition(lambda self: any(each.handed for each in self.reports))
    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        report = data.draw(st.sampled_from([each for each in self.reports if each.handed]))
        caller = data.draw(st.sampled_from(self.callers()))
        path = f"/line/handed-over/{report.id}/give-back"
        status, answer = self.post(caller, path, {"reason": "capacity"})
        here = caller.reads_cases and caller.organisation == report.handed and not report.deleted
        assert (status == 200) == (here and report.case is None), answer
        report.handed = None if status == 200 else report.handed

    @precondition(lambda self: self.reports)
    @rule(data=st.data())
    def read_a_report(self, data: Any) -> None:
        """Read a report at its desk, or at the organisation that received it while its reporter wants that."""
        report, caller = self.a_report(data), data.draw(st.sampled_from(self.callers()))
        at_desk = self.get(caller, f"/line/reports/{report.id}")
        assert (at_desk.status_code == 200) == is_at_desk(caller, report), at_desk.text
        handed = self.get(caller, f"/line/handed-over/{report.id}")
        assert (handed.status_code == 200) == is_handed(caller, report), handed.text

    @precondition(lambda self: len(self.cases) < 3 and any(r.handed for r in self.reports))
    @rule(data=st.data(), child=st.booleans())
    def make_a_case_of_it(self, data: Any, child: bool) -> None:
        """Turn a report into a case once, as the organisation that holds the report and while the reporter wants
        that."""
        report = data.draw(st.sampled_from([each for each in self.reports if each.handed]))
        who = data.draw(st.sampled_from(sorted(NGOS)))
        path = f"/line/handed-over/{report.id}/case"
        may = is_handed(self.staff(who), report) and report.case is None
        report.case = self.registered(path, who, child, may=may) or report.case
