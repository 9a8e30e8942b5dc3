"""Each step of a referral on every path, and what its recipient reads."""

from datetime import timedelta
from typing import Any

from common import clock
from common.ids import new_id
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.services.referrals.oracle import (
    READ_ON,
    STEPS,
    Caller,
    Link,
    Sharing,
    answer_to,
    side_of,
)
from tests.services.referrals.stories.world import (
    World,
    command,
)
from tests.services.referrals.story import BODIES
from tests.services.referrals.test_fhir import (
    ACCEPT,
    ACKNOWLEDGE,
    ASK,
    HOLD,
    SCHEDULE,
    START,
    WAITLIST,
    codes,
)
from tests.support.rights import told

STEP_ROADS = st.sampled_from(["alone", "batch", "twice", "fhir"])
_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "acknowledge": ACKNOWLEDGE[1:],
    "request-information": ASK[1:],
    "waitlist": WAITLIST[1:],
    "accept": ACCEPT[1:],
    "decline": ("rejected", {"statusReason": codes("capacity")}),
    "schedule": SCHEDULE[1:],
    "start": START[1:],
    "hold": HOLD[1:],
    "report-not-delivered": ("failed", {"statusReason": codes("no_show")}),
    "recall": ("cancelled", {"statusReason": codes("mistake")}),
    "enter-in-error": ("entered-in-error", {"statusReason": codes("duplicate")}),
}
"""How a FHIR client writes a step."""
_PLAIN = sorted(STEPS.keys() - {"answer-information"})
_NOBODY = Caller("anonymous", new_id(), "anonymous", reads_cases=False)
_ANSWERS = (
    ({"answer": "accept", "focal_point": "x"}, "accepted"),
    ({"answer": "decline", "reason": "capacity"}, "declined"),
)


class Steps(World):
    @precondition(lambda self: self.sharings)
    @rule(data=st.data(), step=st.sampled_from(sorted(STEPS)), road=STEP_ROADS)
    def step(self, data: Any, step: str, road: str) -> None:
        """Try a step as any caller. Allowed steps succeed; all others are refused and change nothing."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        body = BODIES[step]
        if step == "answer-information":
            body = {"payload": {"situation": sharing.case.facts["situation"]}}
        if road == "fhir" and (step not in _TASKS or sharing.state not in STEPS[step][0]):
            return  # On this path the same Task may stand for another step.
        if road == "fhir":
            status, answer = self.written_as_a_task(caller, sharing, *_TASKS[step])
        else:
            status, answer = self.post(caller, f"/referrals/{sharing.id}/{step}", body, road)
        wanted = answer_to(step, caller, sharing, clock.now())
        assert status == wanted if wanted else status >= 400, answer
        if wanted == 200:
            self.has_come_to(STEPS[step][2], sharing)
            if step == "answer-information":
                sharing.items |= {"situation"}

    def has_come_to(self, state: str, sharing: Sharing) -> None:
        if state == "on_hold":
            sharing.before_hold = sharing.state
        sharing.state = sharing.before_hold if state == "as before" else state
        sharing.ended |= sharing.state not in READ_ON
        self.versions[sharing.id] += 1

    @precondition(lambda self: self.sharings)
    @rule(data=st.data(), together=st.booleans())
    def two_steps_at_once(self, data: Any, together: bool) -> None:
        """Try two steps, each judged after the previous one. With `together`, either both take effect or neither
        does."""
        caller = data.draw(st.sampled_from(self.callers()))
        before = [(each, each.state, each.before_hold, each.ended) for each in self.sharings]
        versions, commands, wanted = self.versions.copy(), [], []
        for _ in range(2):
            sharing, step = self.sharing(data), data.draw(st.sampled_from(_PLAIN))
            path = f"/referrals/{sharing.id}/{step}"
            commands.append(command(f"c{new_id()}", path, BODIES[step]))
            wanted.append(answer_to(step, caller, sharing, clock.now()))
            if wanted[-1] == 200:
                self.has_come_to(STEPS[step][2], sharing)
        batch = {"commands": commands, "together": together}
        status, answer = self.post(caller, "/bulk", batch)
        if status == 200 and not (together and wanted != [200, 200]):
            told = [each["status"] for each in answer["results"]]
            assert all(t == w if w else t >= 400 for t, w in zip(told, wanted, strict=True)), answer
            return
        assert wanted != [200, 200], answer
        assert together or not any(each == 200 for each in wanted), answer
        self.versions = versions
        for each, state, before_hold, ended in before:
            each.state, each.before_hold, each.ended = state, before_hold, ended

    def written_as_a_task(
        self, caller: Caller, sharing: Sharing, status: str, changes: dict[str, Any]
    ) -> tuple[int, Any]:
        path = f"/fhir/Task/{sharing.id}"
        read = self.get(caller, path)
        if read.status_code != 200:
            return read.status_code, read.json()
        task = {**read.json(), "status": status, **changes}
        if "businessStatus" not in changes:
            del task["businessStatus"]
        return self.post(caller, path, task, method="PUT")

    @precondition(lambda self: self.sharings)
    @rule(data=st.data())
    def answer_by_link(self, data: Any) -> None:
        """Respond as a recipient without an account. While the recipient's organisation is suspended, the link is not
        found."""
        sharing, suspended = self.sharing(data), data.draw(st.booleans())
        case = sharing.case
        path = f"/referrals/{sharing.id}/answer-links"
        status, made = self.post(self.staff(case.holder), path, {})
        if status != 201:
            return
        page = "/answer/" + made["url"].rsplit("/", 1)[-1]
        former = self.links.pop(sharing.id, None)
        self.links[sharing.id] = Link(page, clock.now() + timedelta(days=7), case.moves)
        if former is not None:
            assert self.run(self.story.get("anonymous", former.page)).status_code == 410
        if data.draw(st.booleans()):
            return  # Leave the link usable for look_at_a_link.
        if suspended:
            off = {"organisation": [str(sharing.word.to)]}
            self.run(told(self.story.client, "referrals", suspended=off))
        given, after = data.draw(st.sampled_from(_ANSWERS))
        answer = self.run(self.story.form(page, given))
        if suspended:
            self.run(told(self.story.client, "referrals"))
        self.judge(_NOBODY, page, answer.text)
        may = not suspended and sharing.state in STEPS["accept"][0]
        may &= after != "accepted" or sharing.is_read(clock.now())
        assert (answer.status_code == 200) == may, answer.text
        if may:
            self.has_come_to(after, sharing)
            del self.links[sharing.id]
            again = self.run(self.story.form(page, given))
            assert again.status_code >= 400, "a link is used once"
            self.judge(_NOBODY, page, again.text)

    @precondition(lambda self: self.links)
    @rule(data=st.data())
    def look_at_a_link(self, data: Any) -> None:
        """Check that the page offers a response only while one is possible. Opening the page uses nothing up."""
        (sharing,) = [
            e for e in self.sharings if e.id == data.draw(st.sampled_from(sorted(self.links)))
        ]
        link = self.links[sharing.id]
        page = self.run(self.story.get("anonymous", link.page))
        self.judge(_NOBODY, link.page, page.text)
        ended = sharing.case.erased or sharing.case.moves != link.moves
        lasts = clock.now() < link.until and not ended
        assert page.status_code == (200 if lasts else 410), page.text
        answerable = lasts and sharing.state in STEPS["accept"][0] | STEPS["complete"][0]
        assert ('name="answer"' in page.text) == answerable, (sharing.state, page.text)

    @precondition(lambda self: self.sharings)
    @rule(data=st.data())
    def read(self, data: Any) -> None:
        """Read a referral, and check that it shows exactly what is granted now, or that access has ended."""
        sharing, caller = self.sharing(data), data.draw(st.sampled_from(self.callers()))
        answer = self.get(caller, f"/referrals/{sharing.id}/disclosure")
        sides = side_of(caller, sharing)
        if not sides:
            assert answer.status_code in (403, 404)
        elif sharing.case.erased:
            assert answer.status_code == 410
        elif "referrer" not in sides:
            assert answer.status_code == (200 if sharing.is_read(clock.now()) else 410)
        if answer.status_code == 200 and "referrer" not in sides:
            assert set(answer.json()["items"]) == sharing.shown
