"""Hypothesis drives two organisations, grants, referrals and transfers through random stories.

After every step: nobody reads what is not granted now, and no accepted command is without its
history, its audit entry and its event. `RUTA_STORIES=500` plays so many long stories, new ones each
time.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from common.database import Database
from common.referral_states import OPEN, TERMINAL, ReferralState
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from referrals.app import create_app
from referrals.keys.store import CaseKeys
from referrals.settings import Settings
from stack.postgres import ServiceDatabase

from tests.services.referrals.story import BODIES, LEGAL, REFUGIO, SALUD, Story
from tests.services.referrals.test_scenarios import exception_body, transfer_offer
from tests.support.databases import close_engines, rolled_back

NGOS = {REFUGIO: "ngo-refugio", SALUD: "ngo-salud", LEGAL: "ngo-legal"}
STORIES = int(os.environ.get("RUTA_STORIES", "0"))
STILL_SHARED = OPEN | {ReferralState.COMPLETED, ReferralState.NOT_DELIVERED}


class Tracking(RuleBasedStateMachine):
    """What we know by our own bookkeeping: the holder of the case, grants and their withdrawal."""

    enter: Callable[[], tuple[asyncio.AbstractEventLoop, Story, Callable[[], None]]]

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.story, self.leave = type(self).enter()
        self.holder = REFUGIO
        self.sent: dict[str, str | None] = {}  # referral → its grant; None under an exception
        self.closed = False
        self.implicated = False
        self.withdrawn: set[str] = set()
        self.accepted: dict[str, int] = {}

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self) -> None:
        self.service_id = self.run(self.story.service())
        self.case_id = self.run(self.story.case())["id"]

    @precondition(lambda self: len(self.sent) < 2 and not self.closed and not self.implicated)
    @rule(items=st.sets(st.sampled_from(["name", "contact", "situation"]), min_size=1))
    def refer(self, items: set[str]) -> None:
        """Only what is granted is sent; the draft asks for name and situation."""
        who = NGOS[self.holder]
        grant = self.run(
            self.story.consent(self.case_id, self.service_id, who, items=sorted(items))
        )
        draft = self.run(self.story.draft(self.case_id, self.service_id, who, from_case=["name"]))
        path = f"/referrals/{draft['id']}/send"
        response = self.run(self.story.post(who, path, {"grant_id": grant["id"]}))
        allowed = {"name", "situation"} <= items
        assert response.status_code == (200 if allowed else 422)
        self.accepted[draft["id"]] = 1
        if allowed:
            self.sent[draft["id"]] = grant["id"]
            self.accepted[draft["id"]] = 2

    @precondition(lambda self: len(self.sent) < 3 and not self.closed and not self.implicated)
    @rule(
        items=st.sets(st.sampled_from(["name", "contact", "situation"]), min_size=1),
        approve=st.booleans(),
    )
    def refer_by_exception(self, items: set[str], approve: bool) -> None:
        """Without consent only what a second person approved is sent."""
        who = NGOS[self.holder]
        body = {**exception_body(self.case_id, self.service_id), "items": sorted(items)}
        exception = self.run(self.story.made(who, "/exceptions", body))
        draft = self.run(self.story.draft(self.case_id, self.service_id, who, from_case=["name"]))
        self.accepted[draft["id"]] = 1
        send = {"exception_id": exception["id"]}
        path = f"/referrals/{draft['id']}/send"
        assert self.run(self.story.post(who, path, send)).status_code == 409
        chief = {"roles": ["supervisor"], "sub": f"{who}-chief"}
        decision = f"/exceptions/{exception['id']}/decision"
        self.run(self.story.made(who, decision, {"approve": approve}, **chief))
        allowed = {"name", "situation"} <= items
        status = self.run(self.story.post(who, path, send)).status_code
        assert status == ((200 if allowed else 422) if approve else 409)
        if status == 200:
            self.sent[draft["id"]] = None
            self.accepted[draft["id"]] = 2

    @precondition(lambda self: self.sent and not self.closed)
    @rule()
    def close(self) -> None:
        """A case ends when nothing that was sent is open, and then nothing new begins."""
        who = NGOS[self.holder]
        states = [
            self.run(self.story.get(who, f"/referrals/{each}")).json()["state"]
            for each in self.sent
        ]
        path = f"/cases/{self.case_id}/close"
        response = self.run(self.story.post(who, path, {"reason": "needs_met"}))
        still_open = any(ReferralState(state) in OPEN for state in states)
        assert response.status_code == (409 if still_open else 200)
        if response.status_code == 200:
            self.closed = True
            body = self.story.consent_body(self.case_id, self.service_id)
            assert self.run(self.story.post(who, "/consents", body)).status_code == 409

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), step=st.sampled_from(sorted(BODIES)), who=st.sampled_from(sorted(NGOS)))
    def step(self, data: Any, step: str, who: Any) -> None:
        """Any step by anybody: what may be is done, everything else is refused and changes nothing."""
        referral_id = data.draw(st.sampled_from(sorted(self.sent)))
        path = f"/referrals/{referral_id}"
        before = self.run(self.story.get(NGOS[who], path))
        response = self.run(self.story.post(NGOS[who], f"{path}/{step}", BODIES[step]))
        assert response.status_code in (200, 403, 404, 409), response.text
        if before.status_code == 404:
            assert response.status_code == 404
            return
        was = before.json()
        if step == "withdraw":
            assert response.status_code == 200
            self.withdrawn.add(referral_id)
        elif response.status_code == 200:
            assert step in was["legal_transitions"]
        else:
            assert step not in was["legal_transitions"]
        self.accepted[referral_id] += (
            response.json().get("version", was["version"]) - was["version"]
        )

    @precondition(lambda self: any(self.sent.values()))
    @rule(data=st.data())
    def withdraw_consent(self, data: Any) -> None:
        granted = sorted(each for each, grant in self.sent.items() if grant)
        referral_id = data.draw(st.sampled_from(granted))
        path = f"/consents/{self.sent[referral_id]}/withdraw"
        was = self.run(self.story.get(NGOS[self.holder], f"/referrals/{referral_id}")).json()
        assert self.run(self.story.post(NGOS[self.holder], path)).status_code == 200
        self.withdrawn.add(referral_id)
        self.accepted[referral_id] += ReferralState(was["state"]) not in TERMINAL

    @precondition(lambda self: not self.closed)
    @rule(
        to=st.sampled_from(sorted(NGOS)),
        answer=st.sampled_from(["accept", "decline", "recall", "withdraw"]),
    )
    def hand_over(self, to: Any, answer: Any) -> None:
        """Access changes with the acceptance and with nothing else."""
        if to == self.holder:
            return
        who = NGOS[self.holder]
        if to == SALUD and self.implicated:
            consent = {"case_id": self.case_id, "kind": "transfer", "method": "signed"}
            consent["recipient_organisation_id"] = str(to)
            assert self.run(self.story.post(who, "/consents", consent)).status_code == 409
            return
        offer = self.run(transfer_offer(self.story, self.case_id, to, who))
        transfer = self.run(self.story.made(who, "/transfers", offer))
        self.only_the_holder_reads_the_case()
        if answer == "withdraw":  # the person's consent to it, before it is answered
            self.run(self.story.made(who, f"/consents/{offer['grant_id']}/withdraw", {}))
            path = f"/transfers/{transfer['id']}/accept"
            assert self.run(self.story.post(NGOS[to], path)).status_code == 409
            return
        body = {"accept": {}, "decline": {"reason": "capacity"}, "recall": {"reason": "mistake"}}
        answering = who if answer == "recall" else NGOS[to]
        path = f"/transfers/{transfer['id']}/{answer}"
        self.run(self.story.made(answering, path, body[answer]))
        if answer == "accept":
            self.holder = to

    @precondition(lambda self: self.holder != SALUD and not self.closed and not self.implicated)
    @rule()
    def implicate(self) -> None:
        """What is open to an implicated organisation is called back, and nothing new goes to it."""
        who = NGOS[self.holder]
        for referral_id in self.accepted:
            state = self.run(self.story.get(who, f"/referrals/{referral_id}")).json()["state"]
            self.accepted[referral_id] += ReferralState(state) in OPEN
        path = f"/cases/{self.case_id}/implicated-organisations"
        body = {"organisation_ids": [str(SALUD)]}
        assert self.run(self.story.call(who, "PUT", path, body)).status_code == 200
        self.implicated = True
        refused = self.story.consent_body(self.case_id, self.service_id)
        assert self.run(self.story.post(who, "/consents", refused)).status_code == 409

    @invariant()
    def only_the_holder_reads_the_case(self) -> None:
        if not hasattr(self, "case_id"):
            return
        for organisation, who in NGOS.items():
            response = self.run(self.story.get(who, f"/cases/{self.case_id}"))
            assert response.status_code == (200 if organisation == self.holder else 404)

    @invariant()
    def nobody_reads_what_is_not_granted(self) -> None:
        for referral_id in self.sent:
            path = f"/referrals/{referral_id}"
            state = ReferralState(self.run(self.story.get(NGOS[self.holder], path)).json()["state"])
            for organisation, who in NGOS.items():
                seen = self.run(self.story.get(who, f"{path}/disclosure"))
                if organisation == self.holder:
                    assert seen.status_code == 200
                elif organisation != SALUD:
                    assert seen.status_code == 404
                elif referral_id in self.withdrawn or state not in STILL_SHARED:
                    assert seen.status_code == 410
                    assert "Yolimar" not in seen.text
                else:
                    assert set(seen.json()["items"]) == {"name", "situation"}

    @invariant()
    def every_command_left_its_traces(self) -> None:
        for referral_id, version in self.accepted.items():
            rows = self.run(
                self.story.rows(
                    """
                    SELECT r.version,
                        (SELECT count(*) FROM referral_steps s WHERE s.referral_id = r.id) AS steps,
                        (SELECT count(*) FROM outbox o WHERE o.aggregateid = r.id::text) AS events,
                        (SELECT count(*) FROM audit_entries a WHERE a.target_id = r.id
                            AND a.action LIKE 'referral.%') AS audited
                    FROM referrals r WHERE r.id = :id
                    """,
                    id=referral_id,
                )
            )
            found = rows[0]
            assert found.version == version
            assert found.steps == found.audited == found.version
            assert found.events == found.version - 1  # a draft is told to nobody

    def teardown(self) -> None:
        self.leave()


@pytest.mark.slow
def test_no_story_shows_what_is_not_granted_or_leaves_no_trace(
    settings: Settings, referrals_database: ServiceDatabase
) -> None:
    """Each story has a loop, a rolled-back connection and a key store client of its own."""

    def enter() -> tuple[asyncio.AbstractEventLoop, Story, Callable[[], None]]:
        loop = asyncio.new_event_loop()
        holder = rolled_back(referrals_database)
        database = loop.run_until_complete(holder.__aenter__())
        keys = CaseKeys(
            Database.at(settings.key_store_url.get_secret_value(), pool_size=1),
            settings.key_encryption_keys_file,
        )
        app = create_app(settings, database=database, keys=keys)
        client = AsyncClient(
            transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://ruta"
        )

        def leave() -> None:
            loop.run_until_complete(client.aclose())
            loop.run_until_complete(keys.close())
            loop.run_until_complete(holder.__aexit__(None, None, None))
            loop.run_until_complete(close_engines())
            loop.close()

        return loop, Story(client, database), leave

    machine = type("Tracked", (Tracking,), {"enter": staticmethod(enter)})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=STORIES or 6,
            stateful_step_count=25 if STORIES else 10,
            deadline=None,
            derandomize=not STORIES,
            suppress_health_check=list(HealthCheck),
            # A long search says at once what it found.
            phases=[Phase.generate] if STORIES else [Phase.generate, Phase.shrink],
        ),
    )
