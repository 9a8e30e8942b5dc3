"""A lagging standby is promoted, on two real servers. Everything that had ended at the primary ends again within the
worker's check, and no response shows the earlier state."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from referrals.ground.audit.anchors import anchored_of
from stack.embedded.ports import answers
from stack.operate.service_commands import attached_postgres

from drills.faults.standby import NAME, Standby
from drills.restarts.test_restricted_again import REFERRALS, US, Person, Told, ask, seen
from tests.support.principals import organisation
from tests.support.system import System, until

pytestmark = [pytest.mark.faults, pytest.mark.system, pytest.mark.slow]
OFFICER, SUSPENDED, RENEWED = "im-officer", "health-cluster", "ngo-salud-supervisor"
ANCHORED = "entries that the anchor knows"
HELD = ("directory", "referrals", "issuer")


@pytest.fixture
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    stack = System(tmp_path_factory.mktemp("promoted"))
    stack.up("--demo")
    yield stack
    stack.down()


@pytest.fixture
def standby(played: System, tmp_path: Path) -> Iterator[Standby]:
    tmp_path.chmod(0o755)
    first = attached_postgres(played.layout, played.state)
    second = Standby(first, tmp_path / NAME, durable=False)
    second.begin()
    state = f"SELECT state FROM pg_stat_replication WHERE application_name = '{NAME}'"
    until(lambda: first.psql(state).strip() == "streaming", "the second follows")
    yield second
    second.server.stop(immediate=True)


def identity(system: System, method: str, path: str, body: Any = None) -> Any:
    path = f"/identity/v1{path}"
    etag = {}
    if method == "PATCH":
        etag = {"If-Match": system.running.request(OFFICER, "GET", path).headers["etag"]}
    return ask(system, OFFICER, method, path, body, **etag)


def let_in(system: System, client: str, secret: str) -> int:
    grant = {"grant_type": "client_credentials"}
    return system.running.http.post("/oauth/token", data=grant, auth=(client, secret)).status_code


def went_back(system: System, name: str) -> float:
    samples = (
        sample
        for family in text_string_to_metric_families(system.measured(name))
        for sample in family.samples
    )
    return sum(each.value for each in samples if each.name == "ruta_record_went_back")


class Ended:
    """Endings at the primary after the standby had fallen behind."""

    def __init__(self, system: System) -> None:
        self.told = Told(system)
        self.erased = Person(system, self.told.point).sent(system)
        self.secrets = {each: system.running.secret(each) for each in (SUSPENDED, RENEWED)}
        self.token = system.running.token(SUSPENDED)

    def end(self, system: System) -> None:
        self.told.restrict(system)
        case = ask(system, US, "GET", f"{REFERRALS}/cases/{self.erased.case}")
        body = {"confirm": case["reference"], "basis": "person_request"}
        path = f"{REFERRALS}/cases/{self.erased.case}/erase"
        ask(system, "ngo-refugio-supervisor", "POST", path, body)
        identity(system, "PATCH", f"/organisations/{organisation(4)}", {"active": False})
        identity(system, "POST", f"/clients/{RENEWED}/secret")

    def is_said(self, system: System) -> bool:
        """Return whether all three external lists contain the endings."""
        layout = system.layout
        lists: dict[Path, tuple[str, ...]] = {
            layout.restrictions_file: (self.told.house, self.told.left, self.told.person.consent),
            layout.tombstones_file: (self.erased.case,),
            layout.rights_file: (str(organisation(4)), RENEWED),
        }
        return all(
            file.exists() and each in file.read_text()
            for file, ids in lists.items()
            for each in ids
        )

    def is_anchored(self, system: System) -> bool:
        last = f"SELECT max(sequence) FROM audit_entries WHERE chain = '{self.erased.case}'"
        server = attached_postgres(system.layout, system.state)
        anchored = anchored_of(system.layout.anchor_file, UUID(self.erased.case))
        return int(server.psql(last, database="referrals")) in anchored

    def holds(self, system: System) -> bool:
        old = {"Authorization": f"Bearer {self.token}"}
        search = system.running.http.get("/directory/v1/services", headers=old).status_code
        return (
            not seen(system, None, self.told.house)
            and not seen(system, US, self.told.left)
            and self.told.person.read(system) in (403, 410)
            and self.erased.read(system) in (403, 404, 410)
            and search in (401, 403)
            and {let_in(system, who, secret) for who, secret in self.secrets.items()} == {401}
        )


def test_nothing_that_ended_comes_back_with_a_standby_that_lagged(
    played: System, standby: Standby
) -> None:
    ended = Ended(played)
    first = attached_postgres(played.layout, played.state)
    position = first.psql("SELECT pg_current_wal_lsn()").strip()
    followed = f"SELECT pg_last_wal_replay_lsn() >= '{position}'"
    until(lambda: standby.server.psql(followed).strip() == "t", "the second knows what was before")
    standby.falls_behind()
    ended.end(played)
    until(lambda: ended.is_said(played), "it is said outside the database")
    until(lambda: ended.is_anchored(played), "its audit is anchored outside the database")
    until(lambda: ended.holds(played), "it holds at the primary")
    assert [went_back(played, name) for name in HELD] == [0, 0, 0]

    played.hold("postgres")
    played.kill("postgres")
    until(lambda: not answers(played.state.ports["postgres"]), "the primary is dead")
    standby.take_over()
    assert _forgot(standby, ended), "the second never heard of it"
    standby.give_back()
    played.release("postgres")
    until(lambda: all(went_back(played, name) > 0 for name in HELD), "each has noticed")
    until(lambda: played.ruta("status", check=False).returncode == 0, "all are ready")
    until(lambda: ended.holds(played), "it has ended again")
    ended.told.holds(played)
    # The next comparison with the anchor, which runs every few seconds, reports losses that no list contains.
    until(lambda: ANCHORED in played.ruta("doctor", check=False).stdout, "the audit's loss is told")
    said = played.ruta("doctor", check=False).stdout
    assert said.count("RutaRecordWentBack") > len(HELD), said
    case = ask(played, US, "GET", f"{REFERRALS}/cases/{ended.told.kept.case}")
    assert case["id"] == ended.told.kept.case, "who had nothing to do with it works on"


def _forgot(standby: Standby, ended: Ended) -> bool:
    """Return whether the promoted server has the earlier state."""
    questions = {
        "referrals": f"SELECT status = 'open' FROM cases WHERE id = '{ended.erased.case}'",
        "issuer": f"SELECT active FROM organisations WHERE id = '{organisation(4)}'",
        "directory": f"SELECT visibility < 3 FROM services WHERE id = '{ended.told.house}'",
    }
    return all(
        standby.server.psql(asked, database=database).strip() == "t"
        for database, asked in questions.items()
    )
